//! The base and the target between which annealed and sequential estimates move their chains, and the checks with which such an
//! estimate begins.

use super::EstimateError;
use super::evidence::{Estimate, Evaluations, Options};
use super::movers::check_needs;
use crate::density::{Counted, GeometricPath, Target};
use crate::footprint::Footprint;
use crate::kernel::KernelConfig;
use crate::proposal::Differentiable;

/// Where chains start and where they shall arrive.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub base: &'a dyn Differentiable,
    pub target: &'a dyn Target,
}

impl<'a> Route<'a> {
    /// Coordinates of a point.
    pub fn dim(self) -> usize {
        self.target.dim()
    }

    /// The density at inverse temperature `beta`.
    pub fn at(self, beta: f64) -> GeometricPath<'a> {
        GeometricPath::new(self.base, self.target, beta)
    }

    /// What `lead` estimates along this route with moves of `kernel`, every evaluation of the target counted.
    ///
    /// # Errors
    /// Before anything moves: options that cannot be used, too little memory, a kernel that asks for what the ends cannot give.
    pub fn estimate(
        self,
        kernel: &KernelConfig,
        memory: &Footprint,
        options: &Options,
        lead: impl FnOnce(Route<'_>) -> Result<Estimate, EstimateError>,
    ) -> Result<Estimate, EstimateError> {
        options.check()?;
        memory.check()?;
        check_needs(kernel, self.base, self.target)?;
        let counted = Counted::new(self.target);
        let estimate = lead(Route { base: self.base, target: &counted })?;
        Ok(Estimate { cost: Evaluations::of(&counted), ..estimate })
    }
}
