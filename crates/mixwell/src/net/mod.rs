//! The engine room: networks as data, with values, input gradients and parameter gradients, and what trains any model.
//!
//! A [`NetworkSpec`] is a list of layers (`layer/`, one file each); [`Network`] holds one with its parameters and evaluates rows.
//! Underneath, [`Sequential`] runs it on blocks of 64 rows ([`mixwell_vector::block`]) with the vectors of the best instruction set of
//! the machine ([`mixwell_vector::simd`]); flows use it as it is. All is generic over `f32` and `f64` ([`mixwell_vector::Real`]).
//! Whatever has parameters is a [`Model`]: an [`Optimiser`] moves it along a [`Gradient`], and [`to_safetensors`] and
//! [`WeightsFile`] store it. A network has a file of its own ([`Network::write`], [`Network::read`]), which describes itself.

mod activation;
mod catalogue;
mod directional;
mod export;
mod folding;
mod gradient;
pub mod import;
mod layer;
mod mask;
mod model;
mod network;
mod network_file;
mod network_spec;
mod optimiser;
mod parameter_gradient;
mod parameters;
mod sequential;
mod stage;
mod tangent;
mod training_pass;
mod values;
mod weights;
mod workspaces;

pub use activation::Activation;
pub use catalogue::{NamedNetwork, named_network, named_networks};
pub use gradient::Gradient;
pub use layer::{
    ActNorm, ActivationLayer, AveragePool, BatchNorm, ChannelNorm, ConcatenatedElu, Convolution, Dense,
    DepthToSpace, Flatten, Gate, GlobalPool, LayerSpec, MaxPool, Padding, Reduction, Reshape, Residual,
    Shape, SpaceToDepth, Subsample, TransposedConvolution, Upsample, Upsampling,
};
pub use mask::made_masks;
pub use model::Model;
pub use network::Network;
pub use network_spec::NetworkSpec;
pub use optimiser::{
    Adam, Adamax, LearningRate, Optimiser, OptimiserConfig, OptimiserState, Sgd, StepReport, UpdateRule,
    WeightAverage, norm,
};
pub use parameter_gradient::Weigh;
pub use parameters::{ArraySpec, Parameters};
pub use sequential::{Init, Scratch, Sequential};
pub(crate) use sequential::{grow, rows_for_cache};
pub(crate) use tangent::AlongBack;
pub use values::{Params, ParamsMut, Stored, Values};
pub use weights::{Buffer, WeightsError, WeightsFile, to_safetensors};
pub(crate) use workspaces::Workspaces;
