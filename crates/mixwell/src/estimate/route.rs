//! From a base to a target: the two ends between which annealed and sequential estimates lead their chains.

use crate::density::{GeometricPath, Target};
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
}
