//! The engine room: dense networks with value, input gradient and parameter gradient, and what trains any model.
//!
//! Networks are data ([`MlpSpec`]); [`Mlp`] runs them on blocks of 64 rows ([`mixwell_vector::block`]) with the vectors of the best
//! instruction set of the machine ([`mixwell_vector::simd`]). All is generic over `f32` and `f64` ([`mixwell_vector::Real`]).
//! Whatever has parameters is a [`Model`]: an [`Optimiser`] moves it along a [`Gradient`], and [`to_safetensors`] and
//! [`WeightsFile`] store it.

mod activation;
mod adam;
mod energy;
mod gradient;
pub mod import;
mod mask;
mod mlp;
mod model;
mod optimiser;
mod parameters;
mod tangent;
mod values;
mod weights;
mod workspaces;

pub use activation::Activation;
pub use adam::{Adam, AdamState, LearningRate, OptimiserConfig, StepReport, norm};
pub use energy::EnergyNet;
pub use gradient::Gradient;
pub use mask::made_masks;
pub use mlp::{Init, Mlp, MlpSpec, Scratch};
pub(crate) use mlp::{grow, rows_for_cache};
pub use model::Model;
pub use optimiser::{Optimiser, OptimiserState};
pub use parameters::{ArraySpec, Parameters};
pub use values::{Params, ParamsMut, Stored, Values};
pub use weights::{Buffer, WeightsError, WeightsFile, to_safetensors};
pub(crate) use workspaces::Workspaces;
