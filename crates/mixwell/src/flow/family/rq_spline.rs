//! Neural spline flow: couplings of rational-quadratic splines. Reference: [durkan2019neural].

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::flow::layer::{ElementwiseAffine, Layers, Mask, SMALLEST, SplineCoupling, WhiteningMode};
use crate::net::{Activation, Init};
use crate::{ConfigError, range};
use mixwell_vector::Real;

/// Neural spline flow: couplings of monotone rational-quadratic splines with linear tails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RqSplineConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
    /// Number of couplings.
    pub n_layers: usize,
    /// Units of the hidden layers of every network.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers.
    pub activation: Activation,
    /// How coordinates are split: `halves` or `parity`.
    pub mask: Mask,
    /// Bins of a spline.
    pub n_bins: usize,
    /// Splines act on `[-range, range]` and are linear outside.
    pub range: f64,
    /// A learned scale and shift of every coordinate before each coupling.
    pub elementwise_affine: bool,
    /// Starting weights: `zero_last` (identity), `{ normal = scale }` or `uniform`.
    pub init: Init,
    /// Fixed affine map at the data end, set from training points: `none`, `diagonal`, `full` or `principal`.
    pub whitening: WhiteningMode,
}

impl Default for RqSplineConfig {
    fn default() -> Self {
        Self {
            precision: Precision::F64,
            n_layers: 4,
            hidden: vec![32, 32],
            activation: Activation::Tanh,
            mask: Mask::Parity,
            n_bins: 8,
            range: 10.0,
            elementwise_affine: true,
            init: Init::ZeroLast,
            whitening: WhiteningMode::Diagonal,
        }
    }
}

impl Family for RqSplineConfig {
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
        range::within("n_bins", self.n_bins, 2, 1024)?;
        range::within("range", self.range, 1e-3, 1e6)?;
        if self.n_bins as f64 * SMALLEST > self.range {
            let reason = "the bins of 1e-4 at least do not fit into `range`";
            return Err(ConfigError::new("n_bins", self.n_bins, reason));
        }
        Ok(())
    }

    fn networks(&self) -> Option<Networks<'_>> {
        Some(Networks {
            count: self.n_layers,
            count_key: "n_layers",
            hidden: &self.hidden,
            activation: self.activation,
            outputs: 3.0 * self.n_bins as f64 + 1.0,
        })
    }

    fn stack<T: Real>(&self, dim: usize, layers: &mut Layers<T>) {
        // Layers are numbered from the data end, where the first of them acts on points.
        for j in (0..self.n_layers).rev() {
            let name = format!("layers.{j}.");
            let split = self.mask.split(dim, j);
            layers.push(&name, |offset| {
                SplineCoupling::new(split, &self.hidden, self.activation, self.n_bins, self.range, offset)
            });
            if self.elementwise_affine {
                layers.push(&name, |offset| ElementwiseAffine::new(dim, offset));
            }
        }
    }
}
