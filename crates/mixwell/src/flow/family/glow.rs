//! Glow: steps of an affine map of every channel, a mixing of the channels and a coupling with a convolutional network, at several
//! levels, after each of which half of the channels are done. Reference: [kingma2018glow]; the settings are those that
//! [nijkamp2022mcmc] uses.
//!
//! Differs: the convolutions of a coupling see zeros beyond the edge without a channel that marks it, and the last of them has
//! no factor of its own for every channel; both only change how fast it learns.

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::ConfigError;
use crate::flow::layer::{
    self, AdditiveCoupling, AffineCoupling, AffineOptions, Frame, Layers, Mixing, Nets, Order, ScaleBound,
    WhiteningMode, image_shape,
};
use crate::net::{ActNorm, Activation, Convolution, Init, NetworkSpec, Shape};
use crate::range::{at_least, at_most};
use mixwell_vector::Real;

/// What a coupling of a Glow does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GlowCoupling {
    /// Shifts.
    #[default]
    Additive,
    /// Shifts and scales.
    Affine,
}

/// Glow, a flow of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GlowConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
    /// `[channels, height, width]` of a point; both sides multiples of `2^n_levels`.
    pub shape: Vec<usize>,
    /// Levels; at each the sides halve.
    pub n_levels: usize,
    /// Steps of a level.
    pub depth: usize,
    /// Channels within a network.
    pub width: usize,
    /// `additive` or `affine`.
    pub coupling: GlowCoupling,
    /// Whether the channels that are done at a level get mean and deviation from those that go on.
    pub split_prior: bool,
    /// Fixed affine map at the data end, set from training points: `none`, `diagonal`, `full` or `principal`.
    pub whitening: WhiteningMode,
}

impl Default for GlowConfig {
    fn default() -> Self {
        Self {
            precision: Precision::F32,
            shape: vec![1, 32, 32],
            n_levels: 3,
            depth: 8,
            width: 128,
            coupling: GlowCoupling::Additive,
            split_prior: true,
            whitening: WhiteningMode::None,
        }
    }
}

/// Levels at most.
const MOST_LEVELS: usize = 20;

/// Where the log-scale of a prior is cut off: beyond it a channel is done without it.
const MOST_PRIOR_LOG_SCALE: f64 = 20.0;

/// One layer, in the order from the data to the latents.
enum Step {
    ActNorm(Frame),
    Mixing(Frame),
    Coupling(Frame),
    Prior(Frame),
}

impl GlowConfig {
    fn image(&self) -> Result<Shape, ConfigError> {
        image_shape(&self.shape, self.n_levels)
    }

    fn steps(&self, image: Shape) -> Vec<Step> {
        let (mut frame, mut all) = (Frame::whole(image).squeezed(), vec![]);
        for level in 0..self.n_levels {
            for _ in 0..self.depth {
                all.extend([
                    Step::ActNorm(frame.clone()),
                    Step::Mixing(frame.clone()),
                    Step::Coupling(frame.clone()),
                ]);
            }
            if level + 1 < self.n_levels {
                let half = frame.shape.channels / 2;
                let kept = frame.channels(|c| c < half);
                if self.split_prior {
                    all.push(Step::Prior(frame));
                }
                frame = kept.squeezed();
            }
        }
        all
    }

    /// The network of a coupling of an image of this shape, half of whose channels it sees.
    fn network(&self, shape: Shape, outputs: usize) -> NetworkSpec {
        NetworkSpec::new(&[shape.channels / 2, shape.height, shape.width])
            .with(Convolution::new(self.width, 3, 1, 1).without_bias())
            .with(ActNorm::default())
            .with(Activation::Relu)
            .with(Convolution::new(self.width, 1, 1, 0).without_bias())
            .with(ActNorm::default())
            .with(Activation::Relu)
            .with(Convolution::new(outputs, 3, 1, 1))
    }
}

/// Forms of the affine parts.
fn options(scale: ScaleBound) -> AffineOptions {
    AffineOptions { scale, shift_factor: 1.0, order: Order::ScaleFirst, nets: Nets::Joint, full_width: false }
}

impl Family for GlowConfig {
    fn precision(&self) -> Precision {
        self.precision
    }

    fn init(&self) -> Init {
        Init::ZeroLast
    }

    fn whitening(&self) -> WhiteningMode {
        self.whitening
    }

    fn check(&self) -> Result<(), ConfigError> {
        at_least("n_levels", self.n_levels, 1)?;
        at_most("n_levels", self.n_levels, MOST_LEVELS)?;
        at_least("depth", self.depth, 1)?;
        at_most("depth", self.depth, super::MOST_LAYERS)?;
        at_least("width", self.width, 1)?;
        at_most("width", self.width, super::MOST_CHANNELS)?;
        self.image().map(|_| ())
    }

    fn dim(&self) -> Option<usize> {
        self.image().ok().map(|shape| shape.len())
    }

    fn image_shape(&self) -> Option<&[usize]> {
        Some(&self.shape)
    }

    fn networks(&self) -> Option<Networks<'_>> {
        None
    }

    fn depth(&self) -> usize {
        self.n_levels.saturating_mul(self.depth.saturating_add(1))
    }

    fn n_params(&self, _: usize) -> f64 {
        let Ok(shape) = self.image() else { return 0.0 };
        let (w, depth) = (self.width as f64, self.depth as f64);
        let (mut sum, mut channels) = (0.0, 4.0 * shape.channels as f64);
        for _ in 0..self.n_levels {
            sum += depth * (9.0 * w * channels + w * w + channels * channels);
            channels *= 2.0;
        }
        sum
    }

    fn starts_from_examples(&self) -> bool {
        true
    }

    fn stack<T: Real>(&self, dim: usize, layers: &mut Layers<T>) {
        let steps = self.steps(self.image().expect("a shape that was checked"));
        for (j, step) in steps.into_iter().rev().enumerate() {
            let name = format!("layers.{j}.");
            match step {
                Step::ActNorm(frame) => layers.push(&name, |at| layer::ActNorm::new(dim, frame, at)),
                Step::Mixing(frame) => layers.push(&name, |at| Mixing::new(dim, &frame, at)),
                Step::Coupling(frame) => {
                    let (split, shape) = (frame.halves(dim, true), frame.shape);
                    let moved = shape.channels - shape.channels / 2;
                    match self.coupling {
                        GlowCoupling::Additive => {
                            let network = self.network(shape, moved);
                            layers.push(&name, |at| AdditiveCoupling::new(split, &network, at));
                        }
                        GlowCoupling::Affine => {
                            let network = |_, _| self.network(shape, 2 * moved);
                            let options = options(ScaleBound::Sigmoid(2.0));
                            layers.push(&name, |at| AffineCoupling::new(split, &options, network, at));
                        }
                    }
                }
                Step::Prior(frame) => {
                    let (split, shape) = (frame.halves(dim, true), frame.shape);
                    let network = |_, _| {
                        NetworkSpec::new(&[shape.channels / 2, shape.height, shape.width])
                            .with(Convolution::new(2 * (shape.channels / 2), 3, 1, 1))
                    };
                    let options = options(ScaleBound::Clamp(-MOST_PRIOR_LOG_SCALE, MOST_PRIOR_LOG_SCALE));
                    layers.push(&name, |at| AffineCoupling::new(split, &options, network, at));
                }
            }
        }
    }
}
