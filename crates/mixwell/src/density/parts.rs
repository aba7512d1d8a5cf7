//! The targets that a target is made of: of one dimension, described together.

use super::{Target, derived_version};
use crate::ConfigError;

/// Some targets of one dimension, at least one.
pub(super) struct Parts(Vec<Box<dyn Target>>);

impl Parts {
    /// These targets; `key` is what an error calls their list.
    pub fn new(key: &str, targets: Vec<Box<dyn Target>>) -> Result<Self, ConfigError> {
        let Some(first) = targets.first().map(|t| t.dim()) else {
            return Err(ConfigError::new(key, "empty", "at least one is needed"));
        };
        match targets.iter().position(|t| t.dim() != first) {
            None => Ok(Self(targets)),
            Some(k) => {
                let value = format!("of {} coordinates", targets[k].dim());
                Err(ConfigError::new(format!("{key}[{k}]"), value, format!("the first has {first}")))
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Target> {
        self.0.iter().map(|t| &**t)
    }

    pub fn first(&self) -> &dyn Target {
        &*self.0[0]
    }

    pub fn dim(&self) -> usize {
        self.first().dim()
    }

    pub fn have_gradients(&self) -> bool {
        self.iter().all(Target::has_gradient)
    }

    /// A version made of theirs and of what belongs to each.
    pub fn version(&self, own: impl Iterator<Item = u64>) -> u64 {
        self.iter().zip(own).fold(0, |all, (t, own)| derived_version(derived_version(all, own), t.version()))
    }

    pub fn batch_rows(&self) -> Option<usize> {
        self.iter().filter_map(Target::batch_rows).max()
    }

    pub fn complaints(&self) -> Vec<String> {
        self.iter().flat_map(Target::complaints).collect()
    }

    pub fn notes(&self) -> Vec<String> {
        self.iter().flat_map(Target::notes).collect()
    }
}
