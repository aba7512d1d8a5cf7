//! The settings of a flow, chosen by `kind`, with defaults and range checks.

use serde::{Deserialize, Serialize};

use super::affine_coupling::{AffineOptions, Nets, Order, ScaleBound};
use super::coupling::Mask;
use super::flow_matching::{Divergence, FlowMatchingConfig};
use super::maf::MafConfig;
use super::spline::SMALLEST;
use super::whitening::WhiteningMode;
use crate::ConfigError;
use crate::net::{Activation, Init};

/// Precision that a flow is computed in; log-determinants are summed in `f64` in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single: about twice as fast, log-densities good to about 1e-5 per coordinate.
    F32,
    /// Double.
    #[default]
    F64,
}

/// Settings of a flow, chosen by `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FlowConfig {
    /// Affine couplings.
    Realnvp(RealNvpConfig),
    /// Rational-quadratic spline couplings.
    RqSpline(RqSplineConfig),
    /// Autoregressive affine layers.
    Maf(MafConfig),
    /// A velocity that carries latents to points, trained by flow matching.
    FlowMatching(FlowMatchingConfig),
    /// An affine map only: a Gaussian, fitted in one go.
    Gaussian(GaussianConfig),
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self::Realnvp(RealNvpConfig::default())
    }
}

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
    /// Bound of the log-scale of a coupling: `{ tanh = factor }`, `{ learned_tanh = start }` or `{ clamp = [low, high] }`.
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
    pub(crate) fn affine(&self) -> AffineOptions {
        let factor = if self.residual { 1.0 / self.n_blocks as f64 } else { 1.0 };
        AffineOptions {
            hidden: self.hidden.clone(),
            activation: self.activation,
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

/// A Gaussian: no layers but the whitening. Nothing to train; its mean and covariance are those of the training points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianConfig {
    /// Covariance: `full` (or `principal`, the same law), `diagonal` or, for the standard normal, `none`.
    pub whitening: WhiteningMode,
}

impl Default for GaussianConfig {
    fn default() -> Self {
        Self { whitening: WhiteningMode::Full }
    }
}

/// Largest number of parameters a flow may have: beyond it a config is a slip of the pen.
const MAX_PARAMS: f64 = 1e9;

impl FlowConfig {
    /// The `kind` in a config file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Realnvp(_) => "realnvp",
            Self::RqSpline(_) => "rq_spline",
            Self::Maf(_) => "maf",
            Self::FlowMatching(_) => "flow_matching",
            Self::Gaussian(_) => "gaussian",
        }
    }

    /// How the whitening is estimated.
    pub fn whitening(&self) -> WhiteningMode {
        match self {
            Self::Realnvp(c) => c.whitening,
            Self::RqSpline(c) => c.whitening,
            Self::Maf(c) => c.whitening,
            Self::FlowMatching(c) => c.whitening,
            Self::Gaussian(c) => c.whitening,
        }
    }

    /// The precision.
    pub fn precision(&self) -> Precision {
        match self {
            Self::Realnvp(c) => c.precision,
            Self::RqSpline(c) => c.precision,
            Self::Maf(c) => c.precision,
            Self::FlowMatching(c) => c.precision,
            Self::Gaussian(_) => Precision::F64,
        }
    }

    /// How parameters start.
    pub(crate) fn init(&self) -> Init {
        match self {
            Self::Realnvp(c) => c.init,
            Self::RqSpline(c) => c.init,
            Self::Maf(c) => c.init,
            Self::FlowMatching(c) => c.init,
            Self::Gaussian(_) => Init::ZeroLast,
        }
    }

    /// Whether it learns from examples by flow matching ([`Flow::matching_loss`](super::Flow::matching_loss)) instead of
    /// maximum likelihood.
    pub fn learns_by_matching(&self) -> bool {
        matches!(self, Self::FlowMatching(_))
    }

    /// Whether log-densities are exact up to the tolerance of the numbers; if not, Metropolis steps that use them are
    /// biased.
    pub fn has_exact_density(&self) -> bool {
        !matches!(
            self,
            Self::FlowMatching(FlowMatchingConfig { divergence: Divergence::Hutchinson { .. }, .. })
        )
    }

    /// About how many parameters a flow has, from below by at most a factor of four.
    pub(crate) fn size_estimate(&self, dim: usize) -> f64 {
        let (depth, hidden, outputs) = match self {
            Self::Realnvp(c) => (2.0 * c.n_blocks as f64, &c.hidden, 2.0),
            Self::RqSpline(c) => (c.n_layers as f64, &c.hidden, 3.0 * c.n_bins as f64 + 1.0),
            Self::Maf(c) => (c.n_layers as f64, &c.hidden, 4.0),
            Self::FlowMatching(c) => (1.0, &c.hidden, 2.0),
            Self::Gaussian(_) => return 0.0,
        };
        let (mut size, mut width) = (0.0, dim as f64 / 2.0);
        for h in hidden {
            size += (width.floor() + 1.0) * *h as f64;
            width = *h as f64;
        }
        (size + (width.floor() + 1.0) * outputs * (dim as f64 / 2.0)) * depth
    }

    /// Every range check, for a flow in `dim` dimensions.
    pub fn check(&self, dim: usize) -> Result<(), ConfigError> {
        if dim == 0 {
            return Err(ConfigError::new("dim", dim, "a flow needs at least one coordinate"));
        }
        let (depth, depth_key, hidden, activation) = match self {
            Self::Realnvp(c) => {
                check_scale(c.scale)?;
                (c.n_blocks.saturating_mul(2), "n_blocks", &c.hidden, c.activation)
            }
            Self::RqSpline(c) => {
                if !(2..=1024).contains(&c.n_bins) {
                    return Err(ConfigError::new("n_bins", c.n_bins, "a spline needs 2 to 1024 bins"));
                }
                if c.n_bins as f64 * SMALLEST > c.range {
                    return Err(ConfigError::new(
                        "n_bins",
                        c.n_bins,
                        "the bins of 1e-4 at least do not fit into `range`",
                    ));
                }
                if !(c.range > 1e-3 && c.range < 1e6) {
                    return Err(ConfigError::new("range", c.range, "it must lie between 0.001 and 1e6"));
                }
                (c.n_layers, "n_layers", &c.hidden, c.activation)
            }
            Self::Maf(c) => {
                c.check()?;
                (c.n_layers, "n_layers", &c.hidden, c.activation)
            }
            Self::FlowMatching(c) => {
                c.check()?;
                (1, "", &c.hidden, c.activation)
            }
            Self::Gaussian(_) => return Ok(()),
        };
        if depth == 0 {
            return Err(ConfigError::new(depth_key, 0, "at least one is needed"));
        }
        if hidden.contains(&0) {
            return Err(ConfigError::new("hidden", format!("{hidden:?}"), "a layer needs at least one unit"));
        }
        if !activation.is_valid() {
            return Err(ConfigError::new(
                "activation",
                format!("{activation:?}"),
                "a slope must be at least 0 and below 1",
            ));
        }
        if let Init::Normal(scale) = self.init()
            && !(scale >= 0.0 && scale.is_finite())
        {
            return Err(ConfigError::new("init.normal", scale, "it must be zero or positive and finite"));
        }
        let size = self.size_estimate(dim);
        if size > MAX_PARAMS {
            let reason = format!(
                "with these layers a flow would have about {size:.1e} parameters; at most 1e9 are allowed"
            );
            return Err(ConfigError::new("hidden", format!("{hidden:?}"), reason));
        }
        Ok(())
    }
}

fn check_scale(scale: ScaleBound) -> Result<(), ConfigError> {
    match scale {
        ScaleBound::Tanh(a) if !(a > 0.0 && a <= 80.0) => {
            Err(ConfigError::new("scale.tanh", a, "it must be positive and at most 80"))
        }
        ScaleBound::LearnedTanh(a) if !(a > 0.0 && a <= 80.0) => {
            Err(ConfigError::new("scale.learned_tanh", a, "it must be positive and at most 80"))
        }
        ScaleBound::Clamp(low, high) if !(low < 0.0 && high > 0.0 && low >= -80.0 && high <= 80.0) => {
            Err(ConfigError::new(
                "scale.clamp",
                format!("[{low}, {high}]"),
                "it must be an interval around 0 within [-80, 80]",
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::catalogue;
    use super::super::flow_matching::Solver;
    use super::*;

    #[test]
    fn settings_are_read_by_kind() {
        let c: FlowConfig =
            toml::from_str("kind = \"realnvp\"\nhidden = [16]\nscale = { clamp = [-5, 3] }\nactivation = { leaky_relu = 0.01 }")
                .unwrap();
        let FlowConfig::Realnvp(c) = c else { panic!("another kind") };
        assert_eq!((c.hidden, c.scale), (vec![16], ScaleBound::Clamp(-5.0, 3.0)));
        assert!(toml::from_str::<FlowConfig>("kind = \"realnvp\"\nhiden = [16]").is_err());
        for entry in catalogue() {
            assert_eq!(entry.name, entry.default.name());
            assert!(entry.default.check(1).is_ok());
            let text = toml::to_string(&entry.default).unwrap();
            assert_eq!(toml::from_str::<FlowConfig>(&text).unwrap(), entry.default);
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let r = RealNvpConfig::default();
        let s = RqSplineConfig::default();
        let (a, m) = (MafConfig::default(), FlowMatchingConfig::default());
        for bad in [
            FlowConfig::Realnvp(RealNvpConfig { n_blocks: 0, ..r.clone() }),
            FlowConfig::Realnvp(RealNvpConfig { hidden: vec![8, 0], ..r.clone() }),
            FlowConfig::Realnvp(RealNvpConfig { hidden: vec![1_000_000, 1_000_000], ..r.clone() }),
            FlowConfig::Realnvp(RealNvpConfig { scale: ScaleBound::Tanh(f64::NAN), ..r.clone() }),
            FlowConfig::Realnvp(RealNvpConfig { scale: ScaleBound::Clamp(1.0, 3.0), ..r.clone() }),
            FlowConfig::Realnvp(RealNvpConfig { activation: Activation::LeakyRelu(1.5), ..r.clone() }),
            FlowConfig::Realnvp(RealNvpConfig { init: Init::Normal(f64::NAN), ..r.clone() }),
            FlowConfig::RqSpline(RqSplineConfig { n_bins: 1, ..s.clone() }),
            FlowConfig::RqSpline(RqSplineConfig { range: f64::INFINITY, ..s.clone() }),
            FlowConfig::RqSpline(RqSplineConfig { n_layers: 0, ..s.clone() }),
            FlowConfig::Maf(MafConfig { n_layers: 0, ..a.clone() }),
            FlowConfig::Maf(MafConfig { max_log_scale: f64::NAN, ..a.clone() }),
            FlowConfig::FlowMatching(FlowMatchingConfig { activation: Activation::Relu, ..m.clone() }),
            FlowConfig::FlowMatching(FlowMatchingConfig {
                solver: Solver::Fixed { n_steps: 0 },
                ..m.clone()
            }),
            FlowConfig::FlowMatching(FlowMatchingConfig {
                divergence: Divergence::Hutchinson { n_probes: 0, seed: 1 },
                ..m.clone()
            }),
        ] {
            assert!(bad.check(2).is_err(), "{bad:?}");
        }
        assert!(FlowConfig::default().check(0).is_err());
    }
}
