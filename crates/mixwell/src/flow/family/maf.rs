//! Masked autoregressive flow. Reference: [papamakarios2017maf].

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::flow::layer::{Layers, MOST_LOG_SCALE, MaskedAutoregressive, WhiteningMode};
use crate::net::{Activation, Init};
use crate::{ConfigError, range};
use mixwell_vector::Real;

/// Masked autoregressive flow: density in one pass, sampling in as many passes as there are coordinates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MafConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
    /// Number of layers; the order of the coordinates is reversed from one to the next.
    pub n_layers: usize,
    /// Units of the hidden layers of every network.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers.
    pub activation: Activation,
    /// Log-scales are this times a tanh.
    pub max_log_scale: f64,
    /// Starting weights: `zero_last` (identity), `{ normal = scale }` or `uniform`.
    pub init: Init,
    /// Fixed affine map at the data end, set from training points: `none`, `diagonal`, `full` or `principal`.
    pub whitening: WhiteningMode,
}

impl Default for MafConfig {
    fn default() -> Self {
        Self {
            precision: Precision::F64,
            n_layers: 4,
            hidden: vec![64, 64],
            activation: Activation::Tanh,
            max_log_scale: 2.0,
            init: Init::ZeroLast,
            whitening: WhiteningMode::Diagonal,
        }
    }
}

impl Family for MafConfig {
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
        range::positive_up_to("max_log_scale", self.max_log_scale, MOST_LOG_SCALE)
    }

    fn networks(&self) -> Option<Networks<'_>> {
        Some(Networks {
            count: self.n_layers,
            count_key: "n_layers",
            hidden: &self.hidden,
            activation: self.activation,
            outputs: 4.0,
        })
    }

    fn stack<T: Real>(&self, dim: usize, layers: &mut Layers<T>) {
        for j in 0..self.n_layers {
            let order = if j % 2 == 1 { (0..dim).rev().collect() } else { (0..dim).collect() };
            layers.push(&format!("layers.{j}."), |offset| {
                MaskedAutoregressive::new(order, &self.hidden, self.activation, self.max_log_scale, offset)
            });
        }
    }
}
