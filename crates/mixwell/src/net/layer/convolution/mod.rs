//! Convolutions and transposed convolutions (cross-correlations, as everybody computes them): their settings here, which pixels meet
//! in `geometry.rs`, the sums in `work.rs`.
//!
//! Both join the pixels of a large and a small image: pixel `(i, j)` of the small one and pixel `(s i + a - p, s j + b - p)` of the
//! large one by tap `(a, b)` of the kernel. A convolution sums over the large image at each pixel of the small one, a
//! transposed one the other way round, and each is the way back through the other. Weights are `small x large x kernel x kernel`
//! channels: `out x in x k x k` of a convolution, `in x out x k x k` of a transposed one; then the biases.

mod geometry;
mod work;

use serde::{Deserialize, Serialize};

use self::geometry::Geometry;
use self::work::Conv;
use super::dense::yes;
use super::weights;
use super::{Layer, Settings, Shape, positive};
use crate::footprint::bytes;
use mixwell_vector::Real;

/// What lies beyond the edge of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Zeros.
    #[default]
    Zero,
    /// The nearest pixel.
    Edge,
}

/// Settings of a convolution: `(n + 2 padding - kernel) / stride + 1` pixels come out of `n`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// Channels that come out.
    pub channels: usize,
    /// Taps in each direction.
    pub kernel: usize,
    /// Pixels from one place of the kernel to the next.
    #[serde(default = "one")]
    pub stride: usize,
    /// Pixels added at each edge.
    #[serde(default)]
    pub padding: usize,
    /// What they hold.
    #[serde(default)]
    pub padding_mode: Padding,
    /// Whether there are biases.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Whether the layer works with its weights divided by their largest singular value, which a step of the power iteration follows.
    #[serde(default)]
    pub spectral_norm: bool,
    /// The name of its arrays in files of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Settings of a transposed convolution: `(n - 1) stride - 2 padding + kernel + output_padding` pixels come out of `n`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransposedConvolution {
    /// Channels that come out.
    pub channels: usize,
    /// Taps in each direction.
    pub kernel: usize,
    /// Pixels between the places of neighbouring inputs.
    #[serde(default = "one")]
    pub stride: usize,
    /// Pixels taken away at each edge.
    #[serde(default)]
    pub padding: usize,
    /// Pixels added at the right and at the bottom.
    #[serde(default)]
    pub output_padding: usize,
    /// Whether there are biases.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Whether the layer works with its weights divided by their largest singular value, which a step of the power iteration follows.
    #[serde(default)]
    pub spectral_norm: bool,
    /// The name of its arrays in files of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn one() -> usize {
    1
}

impl Convolution {
    /// A convolution with biases and zeros beyond the edge.
    pub fn new(channels: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            channels,
            kernel,
            stride,
            padding,
            padding_mode: Padding::Zero,
            bias: true,
            spectral_norm: false,
            name: None,
        }
    }

    /// The same without biases.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }
}

impl TransposedConvolution {
    /// A transposed convolution with biases.
    pub fn new(channels: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            channels,
            kernel,
            stride,
            padding,
            output_padding: 0,
            bias: true,
            spectral_norm: false,
            name: None,
        }
    }

    /// The same without biases.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }
}

/// Taps in each direction at most.
const LARGEST_KERNEL: usize = 1 << 10;

fn check(kernel: usize, stride: usize, padding: usize) -> Result<(), String> {
    positive("kernel", kernel)?;
    positive("stride", stride)?;
    if kernel > LARGEST_KERNEL || stride > LARGEST_KERNEL || padding > LARGEST_KERNEL {
        return Err(format!("`kernel`, `stride` and `padding` must be at most {LARGEST_KERNEL}"));
    }
    Ok(())
}

/// Bytes of a convolution: its parameters and what is packed of them, and the taps at each pixel of the small image both ways.
fn size(kernel: usize, input: Shape, output: Shape, small: Shape) -> u64 {
    let weights = bytes(64, &[output.channels, input.channels + 1, kernel, kernel]);
    let taps = bytes(128, &[small.n_pixels(), kernel, kernel]);
    let pixels = bytes(128, &[input.n_pixels() + output.n_pixels()]);
    weights.saturating_add(taps).saturating_add(pixels)
}

impl Settings for Convolution {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        check(self.kernel, self.stride, self.padding)?;
        let size = |n: usize| {
            let room = n + 2 * self.padding;
            let left = room.checked_sub(self.kernel);
            left.map(|left| left / self.stride + 1).ok_or_else(|| {
                format!(
                    "a kernel of {} does not fit into {room} pixels (input {input}, padding {})",
                    self.kernel, self.padding
                )
            })
        };
        Shape::from_sizes(&[self.channels, size(input.height)?, size(input.width)?])
    }

    fn arrays(&self) -> &'static [&'static str] {
        weights::names_with(self.bias, self.spectral_norm)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn bytes(&self, input: Shape, output: Shape) -> u64 {
        size(self.kernel, input, output, output)
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, offset: usize) -> Box<dyn Layer<T>> {
        let geometry = Geometry {
            large: input,
            small: output,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            edge: self.padding_mode == Padding::Edge,
        };
        Box::new(Conv::new(&geometry, false, (self.bias, self.spectral_norm), offset))
    }
}

impl Settings for TransposedConvolution {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        check(self.kernel, self.stride, self.padding)?;
        if self.output_padding >= self.stride {
            return Err(format!(
                "`output_padding` is {}, it must be less than the stride {}",
                self.output_padding, self.stride
            ));
        }
        let size = |n: usize| {
            let whole = (n - 1) * self.stride + self.kernel + self.output_padding;
            whole.checked_sub(2 * self.padding).filter(|n| *n > 0).ok_or_else(|| {
                format!("nothing is left of {whole} pixels without {} at each edge", self.padding)
            })
        };
        Shape::from_sizes(&[self.channels, size(input.height)?, size(input.width)?])
    }

    fn arrays(&self) -> &'static [&'static str] {
        weights::names_with(self.bias, self.spectral_norm)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn bytes(&self, input: Shape, output: Shape) -> u64 {
        size(self.kernel, input, output, input)
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, offset: usize) -> Box<dyn Layer<T>> {
        let geometry = Geometry {
            large: output,
            small: input,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            edge: false,
        };
        Box::new(Conv::new(&geometry, true, (self.bias, self.spectral_norm), offset))
    }
}
