//! RealNVP: affine couplings whose masks take turns. Reference: [dinh2017density].

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::ConfigError;
use crate::flow::layer::{
    AffineCoupling, AffineOptions, Layers, Mask, Nets, Order, ScaleBound, WhiteningMode,
};
use crate::net::{Activation, Init, NetworkSpec};
use mixwell_vector::Real;

/// RealNVP: blocks of two affine couplings, whose masks take turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RealNvpConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
    /// Blocks of two couplings.
    pub n_blocks: usize,
    /// Units of the hidden layers of every network.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers.
    pub activation: Activation,
    /// How coordinates are split: `halves` or `parity`.
    pub mask: Mask,
    /// Bound of the log-scale of a coupling: `{ tanh = factor }`, `{ learned_tanh = start }`,
    /// `{ soft_clamp = start }` or `{ clamp = [low, high] }`.
    pub scale: ScaleBound,
    /// Multiply log-scale and shift by 2 / (number of couplings). Limits each coordinate's total log-scale to 1 (with
    /// `tanh = 1`) however deep the flow: see the pitfall in the documentation.
    pub residual: bool,
    /// `scale_first` (x = z exp(s) + t) or `shift_first` (x = (z + t) exp(s)).
    pub order: Order,
    /// `joint` (one network for scale and shift) or `separate`.
    pub nets: Nets,
    /// Networks see all coordinates, the moved ones as zero, and have outputs for all.
    pub full_width: bool,
    /// Starting weights: `zero_last` (identity), `{ normal = scale }` or `uniform`.
    pub init: Init,
    /// Fixed affine map at the data end, set from training points: `none`, `diagonal`, `full` or `principal`.
    pub whitening: WhiteningMode,
}

impl Default for RealNvpConfig {
    fn default() -> Self {
        Self {
            precision: Precision::F64,
            n_blocks: 4,
            hidden: vec![64, 64],
            activation: Activation::Relu,
            mask: Mask::Halves,
            scale: ScaleBound::Tanh(1.0),
            residual: false,
            order: Order::ScaleFirst,
            nets: Nets::Joint,
            full_width: false,
            init: Init::ZeroLast,
            whitening: WhiteningMode::Diagonal,
        }
    }
}

impl RealNvpConfig {
    /// The options of each coupling.
    fn affine(&self) -> AffineOptions {
        let factor = if self.residual { 1.0 / self.n_blocks as f64 } else { 1.0 };
        AffineOptions {
            scale: match self.scale {
                ScaleBound::Tanh(a) => ScaleBound::Tanh(factor * a),
                other => other,
            },
            shift_factor: factor,
            order: self.order,
            nets: self.nets,
            full_width: self.full_width,
        }
    }
}

impl Family for RealNvpConfig {
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
        self.scale.check()
    }

    fn networks(&self) -> Option<Networks<'_>> {
        Some(Networks {
            count: self.n_blocks.saturating_mul(2),
            count_key: "n_blocks",
            hidden: &self.hidden,
            activation: self.activation,
            outputs: 2.0,
        })
    }

    fn stack<T: Real>(&self, dim: usize, layers: &mut Layers<T>) {
        let options = self.affine();
        let network = |n_in, n_out| NetworkSpec::dense(n_in, &self.hidden, n_out, self.activation);
        for j in 0..2 * self.n_blocks {
            let split = self.mask.split(dim, j);
            layers.push(&format!("layers.{j}."), |offset| {
                AffineCoupling::new(split, &options, network, offset)
            });
        }
    }
}
