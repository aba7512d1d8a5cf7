//! Checks which kernels may move chains along a ladder.

use super::EstimateError;
use crate::ConfigError;
use crate::density::Target;
use crate::kernel::KernelConfig;
use crate::proposal::Differentiable;

/// Refuses kernels that do not keep the density they are aimed at, on the chain alone.
///
/// Replicas beside the chain cannot be used here: those of one rung do not follow the law of the next, and without them the
/// chain's moves do not keep the density of the rung. The evidence would be wrong however many particles there are.
pub(super) fn check_kernel(kernel: &KernelConfig) -> Result<(), ConfigError> {
    let law = kernel.law();
    if law.keeps_replicas {
        let reason = "parallel tempering keeps replicas beside the chain, and after a rung of the ladder they belong to an older rung: \
                      the evidence would be wrong; use the kernel inside it, or mala, hmc, nuts or random_walk";
        return Err(ConfigError::new("kernel", kernel.kind(), reason));
    }
    if !law.exact {
        let reason = "the moves must keep the tempered density; use mala, hmc, nuts or random_walk";
        return Err(ConfigError::new("kernel", kernel.kind(), reason));
    }
    kernel.check().map_err(|e| e.under("kernel"))
}

/// Refuses kernels that ask for what target or base cannot give.
pub(super) fn check_needs(
    kernel: &KernelConfig,
    base: &dyn Differentiable,
    target: &dyn Target,
) -> Result<(), EstimateError> {
    let needs = kernel.build(target.dim()).map_err(|e| e.under("kernel"))?.needs();
    if needs.gradient && !target.has_gradient() {
        let reason = "the kernel needs gradients; give one, or use random_walk";
        return Err(ConfigError::new("target", "a density without gradient", reason).into());
    }
    if needs.base && target.base().is_none() {
        let reason = "it proposes `base`, and the target has none";
        return Err(ConfigError::new("kernel", kernel.kind(), reason).into());
    }
    if needs.symmetry {
        let reason = "symmetries of the target need not be those of the path that leads to it";
        return Err(ConfigError::new("kernel", kernel.kind(), reason).into());
    }
    if needs.flow && base.as_transport().is_none() {
        let reason = "it moves in the latent space of the base, which is no invertible map";
        return Err(ConfigError::new("kernel", kernel.kind(), reason).into());
    }
    Ok(())
}
