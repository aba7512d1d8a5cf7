//! Symmetries of a density: maps of R^d that keep volume and leave it as it is.
//!
//! With `g` drawn uniformly from a group (or from a finite set that holds the inverse of each of its maps), whatever the point is, `x -> g x` is in
//! detailed balance with every density that all maps leave alone: such a move is exact and needs no evaluation (`kernel/symmetry.rs`). Made
//! part of a proposal they cover all images of what a flow knows (`proposal/averaged.rs`).
//!
//! One file a group; [`SymmetryConfig`] names any of them. A claim that is wrong makes wrong draws, so
//! [`check_symmetries`](crate::density::check_symmetries) looks at points, and a run does so at its starts.
//! Shapes: points are slices of `dim` numbers.

mod config;
mod lattice;
mod maps;
mod orbit;
mod permutations;
mod rotations;
mod sign_flip;
#[cfg(test)]
mod tests;

pub use config::SymmetryConfig;
pub use lattice::{Lattice, LatticeConfig};
pub use maps::{Maps, MapsConfig};
pub use orbit::Orbit;
pub use permutations::{Permutations, PermutationsConfig};
pub use rotations::{Rotations, RotationsConfig};
pub use sign_flip::{SignFlip, SignFlipConfig};

use crate::Stream;

/// A set of maps of R^d, closed under inversion, that keep volume.
///
/// A map is written as [`Symmetry::element_len`] numbers (a sign, a permutation, a rotation's matrix), so that one can be drawn once and applied to a
/// point and to its gradient without memory of its own.
pub trait Symmetry: Send + Sync {
    /// What it is, in two or three words, for tables and messages.
    fn name(&self) -> String;

    /// Numbers that a map is written as.
    fn element_len(&self) -> usize;

    /// Draws a map uniformly.
    fn draw(&self, stream: &mut Stream, element: &mut [f64]);

    /// `out = g x`.
    fn apply(&self, element: &[f64], x: &[f64], out: &mut [f64]);

    /// The gradient at `g x` from that at `x`; false where it cannot be had, and is to be evaluated. By default that of an isometry
    /// without shift, which turns gradients as it turns points.
    fn apply_to_gradient(&self, element: &[f64], grad: &[f64], out: &mut [f64]) -> bool {
        self.apply(element, grad, out);
        true
    }

    /// How many maps there are, the identity included; `None` where they are infinitely many, or more than can be counted.
    fn order(&self) -> Option<u64>;

    /// Writes map number `index`, below [`Symmetry::order`]; number 0 is the identity.
    ///
    /// # Panics
    /// May do so where there is no such map.
    fn element(&self, index: u64, element: &mut [f64]);

    /// Puts `x` where one image of every mode lies: what a flow that is averaged over the maps learns from, and by what chains are compared. Which
    /// image that is changes no law. By default `x` stays, as it should where the images of a mode lie in it, or beside each other.
    fn fold(&self, _x: &mut [f64]) {}

    /// Whether [`Symmetry::fold`] does anything: whether the maps part the space into pieces that a flow need not learn each.
    fn folds(&self) -> bool {
        false
    }
}

/// Weight of a coordinate in the height by which one image is told from another: near 1, and such that modes like (1, 1) and (1, -1) do not lie on the
/// border between two images.
fn slant(coordinate: usize) -> f64 {
    1.0 + 0.25 * (coordinate as f64 + 1.0).sin()
}

impl std::fmt::Debug for dyn Symmetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
