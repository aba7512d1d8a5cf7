//! Invertible maps with log-determinants: RealNVP, rational-quadratic splines, MAF, continuous flows, whitening, stacks.
//!
//! `x = T(z)`, `z ~ N(0, I)`; `forward` is `z -> x`, `inverse` is `x -> z`, each with the log-determinant of its own
//! direction, and `log q(x) = log rho(z) - log_det(forward)`. [`Flow`] is what everything else uses: it is a
//! [`Proposal`](crate::proposal::Proposal) and a [`Transport`](crate::proposal::Transport), and it learns through
//! [`Flow::forward_kl`], [`Flow::reverse_kl`] and an [`Optimiser`].
//!
//! `layer/` has one file for each kind of layer, `family/` one for each flow that has a name. A new flow made of layers that
//! exist is one file and one row in `family/mod.rs`.

mod examples;
mod family;
#[allow(clippy::module_inception)]
mod flow;
mod layer;
mod loss;
mod matching;
mod precision;
mod stack;
mod state;

pub use examples::ExampleNoise;
pub use family::{
    FlowConfig, FlowEntry, FlowMatchingConfig, GaussianFlowConfig, GlowConfig, GlowCoupling,
    ImageRealNvpConfig, MafConfig, RealNvpConfig, RqSplineConfig, catalogue,
};
pub use flow::Flow;
pub use layer::{Divergence, Mask, Nets, Order, ScaleBound, Solver, Whitening, WhiteningMode};
pub use loss::{LogProbAndGrad, ReverseKl};
pub use precision::Precision;
pub use state::{FlowState, Snapshot};

pub use crate::net::{
    Gradient, LearningRate, Optimiser, OptimiserConfig, OptimiserState, StepReport, WeightsError,
};
