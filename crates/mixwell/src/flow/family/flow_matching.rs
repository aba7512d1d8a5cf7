//! Flow matching: one continuous layer, whose velocity is learnt by regression. Reference: [lipman2023flow].

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::ConfigError;
use crate::flow::layer::{Continuous, Divergence, Layers, Solver, Velocity, WhiteningMode};
use crate::net::{Activation, Init};
use mixwell_vector::Real;

/// Continuous flow: a network gives the velocity that carries latents at time 0 to points at time 1; trained by regression
/// on straight lines between latents and examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowMatchingConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
    /// Units of the hidden layers of the velocity network.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers; a smooth one (`tanh`, `swish`, `lip_swish`).
    pub activation: Activation,
    /// How the path is integrated: `adaptive` or `fixed`.
    pub solver: Solver,
    /// How the change of density is evaluated: `exact` or `hutchinson` (noisy: not for Metropolis steps).
    pub divergence: Divergence,
    /// Starting weights: `zero_last` (identity), `{ normal = scale }` or `uniform`.
    pub init: Init,
    /// Fixed affine map at the data end, set from training points: `none`, `diagonal`, `full` or `principal`.
    pub whitening: WhiteningMode,
}

impl Default for FlowMatchingConfig {
    fn default() -> Self {
        Self {
            precision: Precision::F64,
            hidden: vec![64, 64],
            activation: Activation::Swish,
            solver: Solver::default(),
            divergence: Divergence::Exact,
            init: Init::ZeroLast,
            whitening: WhiteningMode::Diagonal,
        }
    }
}

impl Family for FlowMatchingConfig {
    fn precision(&self) -> Precision {
        self.precision
    }

    fn init(&self) -> Init {
        self.init
    }

    fn whitening(&self) -> WhiteningMode {
        self.whitening
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !self.activation.is_twice_differentiable() {
            let reason = "a velocity must be smooth: use `tanh`, `swish` or `lip_swish`";
            return Err(ConfigError::new("activation", format!("{:?}", self.activation), reason));
        }
        self.solver.check()?;
        self.divergence.check()
    }

    fn networks(&self) -> Option<Networks<'_>> {
        Some(Networks {
            count: 1,
            count_key: "",
            hidden: &self.hidden,
            activation: self.activation,
            outputs: 2.0,
        })
    }

    fn stack<T: Real>(&self, dim: usize, layers: &mut Layers<T>) {
        layers.push("", |offset| {
            let velocity = Velocity::new(dim, &self.hidden, self.activation, self.divergence, offset);
            Continuous::new(velocity, self.solver)
        });
    }

    fn learns_by_matching(&self) -> bool {
        true
    }

    fn has_exact_density(&self) -> bool {
        self.divergence == Divergence::Exact
    }
}
