//! Leaves: the kernels that are not made of others, as shown in tables.

use serde::{Deserialize, Serialize};

/// Whether a kernel explores around a point or jumps across the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Moves near the current point.
    Local,
    /// Proposals that do not depend on where the chain is.
    Global,
    /// Images of the current point under symmetries of the target.
    Symmetry,
    /// Exchanges of the chain's point with that of a replica.
    Swap,
    /// What happens among replicas only: the chain stays where it is.
    Replica,
}

impl Role {
    /// Its name in summaries.
    pub fn name(self) -> &'static str {
        match self {
            Role::Local => "local",
            Role::Global => "global",
            Role::Symmetry => "symmetry",
            Role::Swap => "swap",
            Role::Replica => "replica",
        }
    }

    /// Whether it can move the chain itself.
    pub fn moves_chain(self) -> bool {
        self != Role::Replica
    }
}

/// A kernel that is not made of others.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Its name in tables, e.g. `mala`.
    pub name: String,
    /// Local or global.
    pub role: Role,
    /// Its step size in its own convention, where it has one (`eta` for Langevin, `epsilon` for Hamiltonian kernels).
    pub step_size: Option<f64>,
    /// Whether it follows Hamiltonian trajectories, and so has an energy and can diverge.
    pub hamiltonian: bool,
    /// The temperature it works at, where that is not 1; of a swap, the hotter one.
    pub temperature: Option<f64>,
}

impl Leaf {
    /// A leaf with a name and a role, without a step size, at temperature 1.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: name.into(), role, step_size: None, hamiltonian: false, temperature: None }
    }
}
