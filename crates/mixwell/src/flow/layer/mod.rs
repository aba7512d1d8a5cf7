//! The layers that flows are made of, one file each, and the affine map at their data end.
//!
//! A layer is a [`Bijection`]; a family stacks them with [`Layers`]. Couplings share [`Split`](coupling::Split); the continuous layer is a
//! [`Velocity`] integrated by `ode.rs` with the steps of `steps.rs`.

mod act_norm;
mod additive_coupling;
mod affine_coupling;
mod affine_options;
mod autoregressive;
mod bijection;
mod continuous;
mod coupling;
mod elementwise;
mod frame;
mod layers;
mod mixing;
mod ode;
mod solver;
mod spline;
mod spline_coupling;
mod steps;
mod velocity;
mod whitening;

pub(super) use act_norm::ActNorm;
pub(super) use additive_coupling::AdditiveCoupling;
pub(super) use affine_coupling::AffineCoupling;
pub(super) use affine_options::{AffineOptions, MOST_LOG_SCALE};
pub use affine_options::{Nets, Order, ScaleBound};
pub(super) use autoregressive::MaskedAutoregressive;
pub(super) use bijection::{Backward, Bijection, Direction, Scratch};
pub(super) use continuous::Continuous;
pub use coupling::Mask;
pub(super) use coupling::Split;
pub(super) use elementwise::ElementwiseAffine;
pub(super) use frame::{Frame, image_shape};
pub(super) use layers::Layers;
pub(super) use mixing::Mixing;
pub use solver::Solver;
pub(super) use spline::SMALLEST;
pub(super) use spline_coupling::SplineCoupling;
pub use velocity::Divergence;
pub(super) use velocity::Velocity;
pub use whitening::{Whitening, WhiteningMode};
