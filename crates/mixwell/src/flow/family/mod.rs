//! The flows that can be asked for by name, one file each: settings, range checks, size, and how the layers are stacked.
//!
//! To add one: a file with a settings type that is a [`Family`], and a row in the list below, which makes its `kind`, its
//! place in [`FlowConfig`] and its line in [`catalogue`].

mod flow_matching;
mod gaussian;
mod glow;
mod image_realnvp;
mod maf;
#[cfg(test)]
mod page_example;
mod realnvp;
mod rq_spline;

pub use flow_matching::FlowMatchingConfig;
pub use gaussian::GaussianFlowConfig;
pub use glow::{GlowConfig, GlowCoupling};
pub use image_realnvp::ImageRealNvpConfig;
pub use maf::MafConfig;
pub use realnvp::RealNvpConfig;
pub use rq_spline::RqSplineConfig;

use serde::{Deserialize, Serialize};

use super::layer::{Layers, WhiteningMode};
use super::precision::Precision;
use crate::ConfigError;
use crate::net::{Activation, Init};
use crate::range::{at_least, at_most, not_negative};
use mixwell_vector::Real;

/// What a flow that has a name is.
pub(super) trait Family {
    /// The precision it is computed in.
    fn precision(&self) -> Precision;

    /// How its parameters start.
    fn init(&self) -> Init;

    /// How its whitening is estimated.
    fn whitening(&self) -> WhiteningMode;

    /// The range checks of what only this flow has; those of its networks are made for all flows alike.
    fn check(&self) -> Result<(), ConfigError>;

    /// Its networks, when it has any.
    fn networks(&self) -> Option<Networks<'_>>;

    /// Adds its layers, the first of them next to the latents, for `dim` dimensions. The settings have been checked.
    fn stack<T: Real>(&self, dim: usize, layers: &mut Layers<T>)
    where
        Self: Sized;

    /// The only dimension that it has, when there is only one.
    fn dim(&self) -> Option<usize> {
        None
    }

    /// The `[channels, height, width]` of its points, when it is a flow of images.
    fn image_shape(&self) -> Option<&[usize]> {
        None
    }

    /// Layers with a network.
    fn depth(&self) -> usize {
        self.networks().map_or(0, |n| n.count)
    }

    /// About how many parameters it has, from below by at most a factor of four.
    fn n_params(&self, dim: usize) -> f64 {
        let Some(networks) = self.networks() else { return 0.0 };
        let (mut size, mut width) = (0.0, dim as f64 / 2.0);
        for h in networks.hidden {
            size += (width.floor() + 1.0) * *h as f64;
            width = *h as f64;
        }
        (size + (width.floor() + 1.0) * networks.outputs * (dim as f64 / 2.0)) * networks.count as f64
    }

    /// Whether it learns from examples by flow matching instead of maximum likelihood.
    fn learns_by_matching(&self) -> bool {
        false
    }

    /// Whether its layers choose their starting values from the first examples.
    fn starts_from_examples(&self) -> bool {
        false
    }

    /// Whether log-densities are exact up to the tolerance of the numbers.
    fn has_exact_density(&self) -> bool {
        true
    }
}

/// The networks of a flow, all of one shape.
pub(super) struct Networks<'a> {
    /// How many, one a layer.
    pub count: usize,
    /// The setting that says so.
    pub count_key: &'static str,
    /// Units of their hidden layers.
    pub hidden: &'a [usize],
    /// Activation of these.
    pub activation: Activation,
    /// Outputs for each coordinate of half a point, about.
    pub outputs: f64,
}

impl Networks<'_> {
    fn check(&self) -> Result<(), ConfigError> {
        let Self { count, count_key, hidden, activation, .. } = self;
        at_least(count_key, *count, 1)?;
        at_most(count_key, *count, MOST_LAYERS)?;
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
        Ok(())
    }
}

/// Writes the enum, and every `match` over it, from one list of flows.
///
/// A row is: variant, settings, the `kind` in a config file, one line for `list flows`.
macro_rules! families {
    ($($(#[$doc:meta])* $variant:ident($config:ty) = $kind:literal, $summary:literal;)*) => {
        /// Settings of a flow, chosen by `kind`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        pub enum FlowConfig {
            $($(#[$doc])* #[serde(rename = $kind)] $variant($config),)*
        }

        impl FlowConfig {
            /// The `kind` in a config file.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            fn family(&self) -> &dyn Family {
                match self {
                    $(Self::$variant(c) => c,)*
                }
            }

            /// The layers that checked settings describe.
            pub(super) fn layers<T: Real>(&self, dim: usize) -> Layers<T> {
                let mut layers = Layers::default();
                match self {
                    $(Self::$variant(c) => c.stack(dim, &mut layers),)*
                }
                layers
            }
        }

        /// Every flow that can be asked for.
        pub fn catalogue() -> Vec<FlowEntry> {
            vec![$(FlowEntry {
                name: $kind,
                summary: $summary,
                default: FlowConfig::$variant(<$config>::default()),
            },)*]
        }
    };
}

families! {
    /// Affine couplings.
    Realnvp(RealNvpConfig) = "realnvp",
        "affine couplings: fast in both directions, the default; smooth densities with connected modes";
    /// Rational-quadratic spline couplings.
    RqSpline(RqSplineConfig) = "rq_spline",
        "monotone spline couplings: more flexible per layer, several times the cost of realnvp";
    /// Autoregressive affine layers.
    Maf(MafConfig) = "maf",
        "masked autoregressive layers: density in one pass, sampling in as many passes as coordinates";
    /// A velocity that carries latents to points, trained by flow matching.
    FlowMatching(FlowMatchingConfig) = "flow_matching",
        "a velocity field learnt by regression: cheap to train, fits separate modes; slow to sample and evaluate";
    /// Affine couplings of images.
    ImageRealnvp(ImageRealNvpConfig) = "image_realnvp",
        "affine couplings of images: checkerboards and channels, gated convolutional networks, several scales";
    /// Steps of normalisation, mixing of channels and coupling, of images.
    Glow(GlowConfig) = "glow",
        "steps of mixed channels and couplings, of images, at several levels";
    /// An affine map only: a Gaussian, fitted in one go.
    Gaussian(GaussianFlowConfig) = "gaussian",
        "an affine map only, fitted to the draws of the warm-up in one go; for `ex2` on posteriors near a Gaussian";
}

/// A flow as `list flows` shows it.
#[derive(Clone, Debug)]
pub struct FlowEntry {
    /// The `kind` in a config file.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// All its settings at their defaults.
    pub default: FlowConfig,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self::Realnvp(RealNvpConfig::default())
    }
}

/// Most layers of a flow.
const MOST_LAYERS: usize = 10_000;

/// Channels of a convolutional network at most.
const MOST_CHANNELS: usize = 1 << 14;

/// Largest number of parameters a flow may have: beyond it a config is a slip of the pen.
const MAX_PARAMS: f64 = 1e9;

impl FlowConfig {
    /// How the whitening is estimated.
    pub fn whitening(&self) -> WhiteningMode {
        self.family().whitening()
    }

    /// The precision.
    pub fn precision(&self) -> Precision {
        self.family().precision()
    }

    /// How parameters start.
    pub(super) fn init(&self) -> Init {
        self.family().init()
    }

    /// Whether it learns from examples by flow matching ([`Flow::matching_loss`](super::Flow::matching_loss)) instead of
    /// maximum likelihood.
    pub fn learns_by_matching(&self) -> bool {
        self.family().learns_by_matching()
    }

    /// Whether its layers choose their starting values from the first examples.
    pub(super) fn starts_from_examples(&self) -> bool {
        self.family().starts_from_examples()
    }

    /// Whether log-densities are exact up to the tolerance of the numbers; if not, Metropolis steps that use them are
    /// biased.
    pub fn has_exact_density(&self) -> bool {
        self.family().has_exact_density()
    }

    /// About how many parameters a flow has, from below by at most a factor of four.
    pub(crate) fn size_estimate(&self, dim: usize) -> f64 {
        self.family().n_params(dim)
    }

    /// The only dimension that it has, when there is only one: a flow of images.
    pub fn dim(&self) -> Option<usize> {
        self.family().dim()
    }

    /// The `[channels, height, width]` of a point, when it is a flow of images.
    pub fn image_shape(&self) -> Option<&[usize]> {
        self.family().image_shape()
    }

    /// Number of layers with a network.
    pub(super) fn depth(&self) -> usize {
        self.family().depth()
    }

    /// Every range check, for a flow in `dim` dimensions.
    pub fn check(&self, dim: usize) -> Result<(), ConfigError> {
        at_least("dim", dim, 1)?;
        let family = self.family();
        family.check()?;
        if let Some(own) = family.dim()
            && own != dim
        {
            let why = format!("such an image has {own} numbers, but points have {dim}");
            return Err(ConfigError::new("shape", self.name(), why));
        }
        if let Some(networks) = family.networks() {
            networks.check()?;
        }
        if let Init::Normal(scale) = family.init() {
            not_negative("init.normal", scale)?;
        }
        let size = self.size_estimate(dim);
        if size > MAX_PARAMS {
            let reason =
                format!("such a flow would have about {size:.1e} parameters; at most 1e9 are allowed");
            return Err(ConfigError::new(
                family.networks().map_or("channels", |_| "hidden"),
                self.name(),
                reason,
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::layer::{Divergence, ScaleBound, Solver};

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
            assert!(entry.default.check(entry.default.dim().unwrap_or(1)).is_ok());
            let text = toml::to_string(&entry.default).unwrap();
            assert_eq!(toml::from_str::<FlowConfig>(&text).unwrap(), entry.default);
        }
    }

    /// The flow that `docs/extending.md` shows is compiled as it stands there.
    #[test]
    fn the_example_of_the_page_is_a_flow() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/extending.md");
        if let Ok(text) = std::fs::read_to_string(page) {
            assert!(
                text.contains(include_str!("page_example.rs")),
                "the page shows another flow than page_example.rs"
            );
        }
        let settings: page_example::DiagonalConfig = toml::from_str("precision = \"f32\"").unwrap();
        let mut layers = Layers::<f32>::default();
        settings.check().unwrap();
        settings.stack(3, &mut layers);
        assert_eq!((layers.layers.len(), layers.n_params()), (1, 6));
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
