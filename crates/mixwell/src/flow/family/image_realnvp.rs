//! RealNVP of images: affine couplings whose masks are checkerboards and halves of the channels, with gated convolutional
//! networks, at several scales. Reference: [dinh2017density], sections 3.4 to 3.6.
//!
//! Differs: no batch normalisation between couplings, because a map that depends on the batch cannot be used in a Metropolis
//! step; networks have a normalisation over channels instead. The channels that go on to the next scale are those of two
//! opposite pixels of every square.

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::ConfigError;
use crate::flow::layer::{
    AffineCoupling, AffineOptions, Frame, Layers, Nets, Order, ScaleBound, Split, WhiteningMode, image_shape,
};
use crate::net::{
    ChannelNorm, ConcatenatedElu, Convolution, Gate, Init, LayerSpec, NetworkSpec, Residual, Shape,
};
use crate::range::{at_least, at_most};
use mixwell_vector::Real;

/// RealNVP of images. With three couplings, two scales and four last couplings it has the shape of the original for 32x32
/// colours; with one scale and eight last couplings it is a plain stack of checkerboards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageRealNvpConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
    /// `[channels, height, width]` of a point.
    pub shape: Vec<usize>,
    /// Scales. At each but the last there are couplings by checkerboard, as many by halves of the channels of squares of two by
    /// two pixels, and then half of the coordinates are done.
    pub n_scales: usize,
    /// Couplings of each kind at a scale.
    pub n_couplings: usize,
    /// Couplings by checkerboard at the last scale.
    pub n_last: usize,
    /// Channels within a network.
    pub channels: usize,
    /// Gated blocks of a network.
    pub n_blocks: usize,
    /// Bound of the log-scale of a coupling, as of `realnvp`.
    pub scale: ScaleBound,
    /// Starting weights: `zero_last` (identity), `{ normal = scale }` or `uniform`.
    pub init: Init,
    /// Fixed affine map at the data end, set from training points: `none`, `diagonal`, `full` or `principal`.
    pub whitening: WhiteningMode,
}

impl Default for ImageRealNvpConfig {
    fn default() -> Self {
        Self {
            precision: Precision::F32,
            shape: vec![1, 28, 28],
            n_scales: 2,
            n_couplings: 3,
            n_last: 4,
            channels: 32,
            n_blocks: 3,
            scale: ScaleBound::SoftClamp(1.0),
            init: Init::ZeroLast,
            whitening: WhiteningMode::None,
        }
    }
}

/// Scales at most: at each the sides halve.
const MOST_SCALES: usize = 20;

impl ImageRealNvpConfig {
    /// The network of a coupling that looks at an image of this shape: scales and shifts of all channels.
    fn network(&self, shape: Shape) -> NetworkSpec {
        let gated = |_| {
            let main: Vec<LayerSpec> = vec![
                ConcatenatedElu {}.into(),
                Convolution::new(self.channels, 3, 1, 1).into(),
                ConcatenatedElu {}.into(),
                Convolution::new(2 * self.channels, 1, 1, 0).into(),
                Gate {}.into(),
            ];
            [Residual { main, skip: vec![] }.into(), LayerSpec::from(ChannelNorm::default())]
        };
        let spec = NetworkSpec {
            input: vec![shape.channels, shape.height, shape.width],
            layers: vec![Convolution::new(self.channels, 3, 1, 1).into()],
        };
        let blocks = (0..self.n_blocks).flat_map(gated);
        let spec = blocks.fold(spec, NetworkSpec::with);
        spec.with(ConcatenatedElu {}).with(Convolution::new(2 * shape.channels, 3, 1, 1))
    }

    /// The couplings from the data on: what each looks at, and its split. Shape and scales have been checked.
    fn couplings(&self, shape: Shape) -> Vec<(Shape, Split)> {
        let (dim, mut frame, mut all) = (shape.len(), Frame::whole(shape), vec![]);
        let checkerboards = |frame: &Frame, n: usize, all: &mut Vec<_>| {
            all.extend((0..n).map(|i| (frame.shape, frame.checkerboard(dim, i % 2 == 0))));
        };
        for _ in 1..self.n_scales {
            checkerboards(&frame, self.n_couplings, &mut all);
            let squeezed = frame.squeezed();
            all.extend((0..self.n_couplings).map(|i| (squeezed.shape, squeezed.halves(dim, i % 2 == 0))));
            frame = squeezed.channels(|c| matches!(c % 4, 0 | 3));
        }
        checkerboards(&frame, self.n_last, &mut all);
        all
    }

    fn image(&self) -> Result<Shape, ConfigError> {
        image_shape(&self.shape, self.n_scales.saturating_sub(1))
    }
}

impl Family for ImageRealNvpConfig {
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
        at_least("n_scales", self.n_scales, 1)?;
        at_most("n_scales", self.n_scales, MOST_SCALES)?;
        at_most("n_couplings", self.n_couplings, super::MOST_LAYERS)?;
        at_most("n_last", self.n_last, super::MOST_LAYERS)?;
        at_least("channels", self.channels, 1)?;
        at_most("channels", self.channels, super::MOST_CHANNELS)?;
        at_most("n_blocks", self.n_blocks, super::MOST_LAYERS)?;
        self.image()?;
        self.scale.check()
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
        let pairs = (self.n_scales - 1).saturating_mul(2).saturating_mul(self.n_couplings);
        pairs.saturating_add(self.n_last)
    }

    fn n_params(&self, _: usize) -> f64 {
        let Ok(shape) = self.image() else { return 0.0 };
        let n = self.channels as f64;
        let block = 9.0 * 2.0 * n * n + 2.0 * n * 2.0 * n;
        let (mut sum, mut channels) = (0.0, shape.channels as f64);
        let network =
            |channels: f64| 9.0 * n * channels + self.n_blocks as f64 * block + 9.0 * 4.0 * n * channels;
        for _ in 1..self.n_scales {
            sum += self.n_couplings as f64 * (network(channels) + network(4.0 * channels));
            channels *= 2.0;
        }
        sum + self.n_last as f64 * network(channels)
    }

    fn stack<T: Real>(&self, _: usize, layers: &mut Layers<T>) {
        let options = AffineOptions {
            scale: self.scale,
            shift_factor: 1.0,
            order: Order::ScaleFirst,
            nets: Nets::Joint,
            full_width: true,
        };
        let couplings = self.couplings(self.image().expect("a shape that was checked"));
        for (j, (shape, split)) in couplings.into_iter().rev().enumerate() {
            layers.push(&format!("layers.{j}."), |offset| {
                AffineCoupling::new(split, &options, |_, _| self.network(shape), offset)
            });
        }
    }
}
