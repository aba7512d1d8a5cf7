//! What the settings of every kernel provide before the kernel is built.

use super::{Kernel, Law, StepSize};
use crate::ConfigError;

/// What the settings of a kernel know: a row of the list in `config.rs` asks for no more.
pub(super) trait Settings {
    /// Refuses settings that cannot be used.
    fn check(&self) -> Result<(), ConfigError>;

    /// The kernel in `dim` dimensions.
    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError>;

    /// What the kernel promises about the target's law.
    fn law(&self) -> Law;

    /// Takes this step, in the kernel's own convention; without a step size it does nothing.
    fn set_step_size(&mut self, _: StepSize) {}

    /// Evaluations of the target in one step of one chain. A trajectory of NUTS, whose length is found out on the way, counts
    /// as one.
    fn evaluations(&self) -> f64 {
        1.0
    }

    /// Bytes that its adaptation holds for `chains` chains in `dim` dimensions, and more for the moment in which a metric is
    /// computed.
    fn adaptation_bytes(&self, _chains: usize, _dim: usize) -> (u64, u64) {
        (0, 0)
    }
}
