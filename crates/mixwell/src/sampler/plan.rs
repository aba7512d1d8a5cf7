//! Kernels and the schedule that moves them: what a method expands to, and all the engine knows of it.

use std::sync::Arc;

use super::schedule::Schedule;
use crate::ConfigError;
use crate::kernel::{Kernel, Leaf};
use crate::proposal::Proposal;
use crate::train::TrainAction;

/// A kernel with its name in the schedule.
pub(super) struct NamedKernel {
    pub name: String,
    pub kernel: Box<dyn Kernel>,
}

/// Kernels and the schedule that moves them.
pub(super) struct Plan {
    pub kernels: Vec<NamedKernel>,
    pub schedule: Schedule,
    /// Whether some kernel or training call needs a flow.
    pub uses_flow: bool,
    /// The fixed proposal of the global kernel, when it is not the flow.
    pub proposal: Option<Arc<dyn Proposal>>,
    /// Whether some kernel does not keep the target's law.
    pub biased: bool,
}

impl Plan {
    /// A plan of kernels made in code.
    pub fn new(kernels: Vec<(String, Box<dyn Kernel>)>, schedule: Schedule) -> Result<Self, ConfigError> {
        let names: Vec<&str> = kernels.iter().map(|(n, _)| n.as_str()).collect();
        schedule.check(&names)?;
        let uses_flow = kernels.iter().any(|(_, k)| k.needs().flow) || schedule.training().next().is_some();
        let kernels = kernels.into_iter().map(|(name, kernel)| NamedKernel { name, kernel }).collect();
        Ok(Self { kernels, schedule, uses_flow, proposal: None, biased: false })
    }

    /// The leaves of all kernels, kernel after kernel.
    pub fn leaves(&self) -> Vec<Leaf> {
        self.kernels.iter().flat_map(|k| k.kernel.leaves()).collect()
    }

    /// Place of a kernel that the schedule names.
    pub fn kernel_index(&self, name: &str) -> usize {
        self.kernels.iter().position(|k| k.name == name).expect("checked with the schedule")
    }

    /// Place of the first leaf of kernel `index` among all leaves.
    pub fn first_leaf(&self, index: usize) -> usize {
        self.kernels[..index].iter().map(|k| k.kernel.leaves().len()).sum()
    }

    /// Whether some training call learns from the particles of i-SIR.
    pub fn trains_on_pool(&self) -> bool {
        self.schedule.training().any(TrainAction::needs_pool)
    }

    /// Whether gradients of the target are ever needed.
    pub fn uses_gradient(&self) -> bool {
        self.kernels.iter().any(|k| k.kernel.needs().gradient)
            || self.schedule.training().any(|t| t.objective.uses_target() && t.steps > 0)
    }
}
