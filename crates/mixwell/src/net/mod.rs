//! The engine room: dense networks with value, input gradient and parameter gradient, and Adam.
//!
//! Networks are data ([`MlpSpec`]); [`Mlp`] runs them on blocks of 64 rows ([`mixwell_vector::block`]) with the vectors of the best
//! instruction set of the machine ([`mixwell_vector::simd`]). All is generic over `f32` and `f64` ([`mixwell_vector::Real`]).

mod activation;
mod adam;
mod energy;
mod mask;
mod mlp;
mod parameters;
mod tangent;
mod values;
mod workspaces;

pub use activation::Activation;
pub use adam::{Adam, AdamState, LearningRate, OptimiserConfig, StepReport, norm};
pub use energy::EnergyNet;
pub use mask::made_masks;
pub use mlp::{Init, Mlp, MlpSpec, Scratch};
pub(crate) use mlp::{grow, rows_for_cache};
pub use parameters::{ArraySpec, Parameters};
pub use values::{Stored, Values};
pub(crate) use workspaces::Workspaces;
