//! The state of a kernel in a checkpoint.

use serde::{Deserialize, Serialize};

/// A kernel's parameters and adaptation state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelState {
    /// The kernel it belongs to.
    pub name: String,
    /// Its own state, encoded.
    pub bytes: Vec<u8>,
    /// The states of its parts.
    pub parts: Vec<KernelState>,
}

impl KernelState {
    /// Encodes the state of a kernel without parts.
    pub fn leaf<S: Serialize>(name: &str, state: &S) -> Self {
        let bytes = postcard::to_allocvec(state).expect("plain numbers encode");
        Self { name: name.into(), bytes, parts: Vec::new() }
    }

    /// The state of a kernel that is made of others and has none of its own.
    pub fn of_parts(name: &str, parts: Vec<KernelState>) -> Self {
        Self { name: name.into(), bytes: Vec::new(), parts }
    }

    /// The states of the parts of the kernel `name`, which has `n` of them.
    pub fn parts_of(&self, name: &str, n: usize) -> Result<&[KernelState], StateError> {
        if self.name == name && self.parts.len() == n {
            return Ok(&self.parts);
        }
        let found = format!("{} with {} parts", self.name, self.parts.len());
        Err(StateError { expected: format!("{name} with {n} parts"), found })
    }

    /// Decodes the state of a kernel without parts.
    pub fn read<'a, S: Deserialize<'a>>(&'a self, name: &str) -> Result<S, StateError> {
        if self.name != name {
            return Err(StateError { expected: name.into(), found: self.name.clone() });
        }
        postcard::from_bytes(&self.bytes)
            .map_err(|e| StateError { expected: name.into(), found: e.to_string() })
    }
}

/// A saved state that belongs to another kernel or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the saved state of kernel `{expected}` cannot be used: found {found}; the checkpoint belongs to another configuration"
)]
pub struct StateError {
    /// The kernel that asked.
    pub expected: String,
    /// What was found instead.
    pub found: String,
}
