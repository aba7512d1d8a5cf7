//! [`Plan`]: kernels and the schedule that runs them. A method expands into one, and the engine knows nothing else of the method.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::schedule::Schedule;
use super::totals::PhaseTotals;
use crate::ConfigError;
use crate::kernel::{Kernel, KernelConfig, Leaf};
use crate::proposal::Proposal;
use crate::train::TrainAction;

/// A kernel with its name in the schedule.
pub(super) struct NamedKernel {
    pub name: String,
    pub kernel: Box<dyn Kernel>,
}

impl NamedKernel {
    /// Its name with those of its leaves.
    fn words(&self) -> String {
        let leaves: Vec<String> = self.kernel.leaves().into_iter().map(|leaf| leaf.name).collect();
        format!("{} ({})", self.name, leaves.join(", "))
    }
}

/// Kernels and the schedule that moves them.
pub(super) struct Plan {
    pub kernels: Vec<NamedKernel>,
    pub schedule: Schedule,
    /// Whether some kernel or training call needs a flow.
    pub uses_flow: bool,
    /// The fixed proposal of the global kernel, when it is not the flow.
    pub proposal: Option<Arc<dyn Proposal>>,
    /// The kernels that do not keep the target's law, each with what it is made of: `local (ula)`.
    pub biased: Vec<String>,
    /// The settings of the kernels; none for kernels made in code, which keep to themselves what they hold.
    pub settings: Vec<KernelConfig>,
}

impl Plan {
    /// A plan of kernels made in code.
    pub fn new(kernels: Vec<(String, Box<dyn Kernel>)>, schedule: Schedule) -> Result<Self, ConfigError> {
        let names: Vec<&str> = kernels.iter().map(|(n, _)| n.as_str()).collect();
        schedule.check(&names)?;
        let uses_flow = kernels.iter().any(|(_, k)| k.needs().flow) || schedule.training().next().is_some();
        let named = |(name, kernel)| NamedKernel { name, kernel };
        let kernels: Vec<NamedKernel> = kernels.into_iter().map(named).collect();
        let biased = kernels.iter().filter(|k| !k.kernel.law().exact).map(NamedKernel::words).collect();
        Ok(Self { kernels, schedule, uses_flow, proposal: None, biased, settings: Vec::new() })
    }

    /// Bytes that adaptation holds for `chains` chains in `dim` dimensions, and more for a moment.
    pub fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        self.settings.iter().fold((0u64, 0u64), |(held, moment), kernel| {
            let (h, m) = kernel.adaptation_bytes(chains, dim);
            (held.saturating_add(h), moment.max(m))
        })
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

    /// Steps after which a chain stood where the log-density is not finite, by kernel; only kernels with such steps.
    pub fn stranded(&self, totals: &PhaseTotals) -> BTreeMap<String, u64> {
        let n_leaves = self.leaves().len();
        let counted = self.kernels.iter().enumerate().map(|(i, k)| {
            (k.words(), totals.of_leaf(self.first_leaf(i), n_leaves).map(|t| t.stranded).sum())
        });
        counted.filter(|(_, steps)| *steps > 0).collect()
    }

    /// Whether some training call learns from the particles of i-SIR.
    pub fn trains_on_pool(&self) -> bool {
        self.schedule.training().any(TrainAction::needs_pool)
    }

    /// Whether the base of the target is ever needed.
    pub fn uses_base(&self) -> bool {
        self.kernels.iter().any(|k| k.kernel.needs().base)
    }

    /// Whether symmetries of the target are ever needed.
    pub fn uses_symmetries(&self) -> bool {
        self.kernels.iter().any(|k| k.kernel.needs().symmetry)
    }

    /// Whether proposals are averaged over symmetries of the target: what a flow learns from is then folded onto one image.
    pub fn uses_images(&self) -> bool {
        self.kernels.iter().any(|k| k.kernel.needs().images)
    }

    /// Whether gradients of the target are ever needed.
    pub fn uses_gradient(&self) -> bool {
        self.kernels.iter().any(|k| k.kernel.needs().gradient)
            || self.schedule.training().any(|t| t.objective.uses_target() && t.steps > 0)
    }
}
