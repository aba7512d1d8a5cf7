//! Convolutions and transposed convolutions (cross-correlations, as everybody computes them).
//!
//! Both join the pixels of a large and a small image: pixel `(i, j)` of the small one and pixel `(s i + a - p, s j + b - p)` of the
//! large one by tap `(a, b)` of the kernel. A convolution sums over the large image at each pixel of the small one, a
//! transposed one the other way round, and each is the way back through the other. Weights are `small x large x kernel x kernel`
//! channels: `out x in x k x k` of a convolution, `in x out x k x k` of a transposed one; then the biases.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::dense::yes;
use super::spectral_norm::SpectralNorm;
use super::weights::{self, Weights};
use super::{Backward, Layer, Settings, Shape, is_parallel, is_worth_sharing, positive};
use crate::Stream;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::{Init, Scratch, grow};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, rows_in};
use mixwell_vector::matmul::{
    Finish, Gather, Panels, Tap, WeightPlaces, gather_outer, gather_outer_scratch, gather_product,
};

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

/// Which pixels of a large and a small image are joined by which taps.
struct Geometry {
    large: Shape,
    small: Shape,
    kernel: usize,
    stride: usize,
    padding: usize,
    edge: bool,
}

impl Geometry {
    /// The place in the large image along one axis, of place `i` of the small one and tap `a`.
    fn place(&self, i: usize, a: usize, n: usize) -> Option<usize> {
        let at = i * self.stride + a;
        if self.edge {
            Some(at.saturating_sub(self.padding).min(n - 1))
        } else {
            at.checked_sub(self.padding).filter(|at| *at < n)
        }
    }

    /// The taps at each pixel of the small image, in the order of the kernel.
    fn down(&self) -> Vec<Vec<Tap>> {
        let k = self.kernel;
        let at = |pixel: usize| {
            let (i, j) = (pixel / self.small.width, pixel % self.small.width);
            let tap = |t: usize| {
                let line = self.place(i, t / k, self.large.height)?;
                let pixel = line * self.large.width + self.place(j, t % k, self.large.width)?;
                Some(Tap { tap: t, pixel })
            };
            (0..k * k).filter_map(tap).collect()
        };
        (0..self.small.n_pixels()).map(at).collect()
    }

    /// The order of taps in which neighbouring ones join neighbouring pixels of the small image to one of the large: within a
    /// line of the kernel, from right to left in steps of the stride.
    fn order(&self) -> Vec<usize> {
        let (k, s) = (self.kernel, self.stride);
        let line = |a: usize| {
            (0..s.min(k))
                .flat_map(move |r| (r..k).step_by(s).rev().map(move |b| a * k + b).collect::<Vec<_>>())
        };
        (0..k).flat_map(line).collect()
    }

    /// The taps at each pixel of the large image, numbered in this order.
    fn up(&self, down: &[Vec<Tap>], order: &[usize]) -> Vec<Vec<Tap>> {
        let mut number = vec![0; order.len()];
        order.iter().enumerate().for_each(|(n, tap)| number[*tap] = n);
        let mut up = vec![vec![]; self.large.n_pixels()];
        for (small, taps) in down.iter().enumerate() {
            for Tap { tap, pixel } in taps {
                up[*pixel].push(Tap { tap: number[*tap], pixel: small });
            }
        }
        up.iter_mut().for_each(|taps: &mut Vec<Tap>| taps.sort_unstable_by_key(|t| (t.tap, t.pixel)));
        up
    }
}

/// One direction: what is summed where, the weights packed for it, and where they lie in the flat vector.
#[derive(Clone, Debug)]
struct Way<T> {
    gather: Arc<Gather>,
    places: Arc<WeightPlaces>,
    panels: Panels<T>,
}

impl<T: Real> Way<T> {
    fn new(gather: Gather, n_out: usize, places: WeightPlaces) -> Self {
        let panels = Panels::new(gather.depth(), n_out);
        Self { gather: Arc::new(gather), places: Arc::new(places), panels }
    }

    fn pack(&mut self, weights: &[T], n_out: usize, ordered: &mut Vec<T>) {
        let (channels, WeightPlaces { output, channel, taps }) = (self.gather.channels(), &*self.places);
        ordered.clear();
        for o in 0..n_out {
            for tap in taps {
                ordered.extend((0..channels).map(|c| weights[o * output + c * channel + tap]));
            }
        }
        self.panels.pack(ordered, self.gather.depth(), 1);
    }
}

/// A convolution of either kind, ready to run.
#[derive(Clone, Debug)]
struct Conv<T> {
    n_in: usize,
    channels: usize,
    pixels: usize,
    weights: Weights<T>,
    forward: Way<T>,
    backward: Way<T>,
    bias: Option<Vec<T>>,
    ordered: Vec<T>,
}

impl<T: Real> Conv<T> {
    fn new(
        geometry: &Geometry,
        is_transposed: bool,
        (bias, spectral_norm): (bool, bool),
        offset: usize,
    ) -> Self {
        let (large, small, k) = (geometry.large, geometry.small, geometry.kernel);
        let (taps, order) = (geometry.down(), geometry.order());
        let back = geometry.up(&taps, &order);
        let (step_small, step_large) = (large.channels * k * k, k * k);
        let down = Way::new(
            Gather::new((large.n_pixels(), large.channels), k * k, small.width, taps),
            small.channels,
            WeightPlaces { output: step_small, channel: step_large, taps: (0..k * k).collect() },
        );
        let up = Way::new(
            Gather::new((small.n_pixels(), small.channels), k * k, large.width, back),
            large.channels,
            WeightPlaces { output: step_large, channel: step_small, taps: order },
        );
        let (input, output, forward, backward) =
            if is_transposed { (small, large, up, down) } else { (large, small, down, up) };
        let shape = vec![small.channels, large.channels, k, k];
        let spectral = spectral_norm.then(|| SpectralNorm::new(&shape, usize::from(is_transposed)));
        Self {
            n_in: input.len(),
            channels: output.channels,
            pixels: output.n_pixels(),
            weights: Weights {
                shape,
                n_biases: if bias { output.channels } else { 0 },
                offset,
                fan_in: input.channels * k * k,
                spectral,
            },
            forward,
            backward,
            bias: bias.then(|| vec![T::ZERO; output.channels]),
            ordered: vec![],
        }
    }
}

impl<T: Real> Layer<T> for Conv<T> {
    fn n_in(&self) -> usize {
        self.n_in
    }

    fn n_out(&self) -> usize {
        self.channels * self.pixels
    }

    fn n_params(&self) -> usize {
        self.weights.len()
    }

    fn work(&self) -> usize {
        self.forward.gather.work() * self.channels
    }

    fn shares_work(&self) -> bool {
        is_worth_sharing(self.work(), BLOCK)
    }

    fn finishes(&self) -> bool {
        true
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        self.weights.layout(name)
    }

    fn initialise(&self, params: &mut [T], init: Init, last: bool, stream: &mut Stream) {
        self.weights.initialise(params, init, last, stream);
    }

    fn pack(&mut self, params: &[T]) {
        let (weights, biases) = self.weights.of(params);
        let weights = self.weights.fold(weights, params);
        let [forward, backward] = [self.channels, self.forward.gather.channels()];
        self.forward.pack(weights, forward, &mut self.ordered);
        self.backward.pack(weights, backward, &mut self.ordered);
        if let Some(bias) = &mut self.bias {
            bias.copy_from_slice(biases);
        }
    }

    fn advance(&self, gradient: &mut [T]) {
        self.weights.advance(gradient);
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], finish: Finish<'_, T>, rows: usize) {
        let Way { gather, panels, .. } = &self.forward;
        gather_product(
            (gather, panels),
            self.bias.as_deref(),
            x,
            finish,
            y,
            rows,
            is_parallel(self.work(), rows),
        );
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        let Way { gather, panels, .. } = &self.forward;
        gather_product((gather, panels), None, x, Finish::Keep, y, rows, is_parallel(self.work(), rows));
    }

    fn backward(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { x, dy, dx, gradient, is_tangent, rows, .. } = pass;
        let parallel = is_parallel(self.work(), rows);
        if let Some(gradient) = gradient {
            let Way { gather, places, .. } = &self.forward;
            let Scratch { turned, weights, .. } = scratch;
            grow(turned, gather_outer_scratch::<T>(gather, self.channels));
            self.weights.add_gradient(gradient, is_tangent, weights, |weights, mut bias| {
                for b in 0..blocks(rows) {
                    let x = &x[b * self.n_in * BLOCK..];
                    let dy = &dy[buffer_len(b * BLOCK, self.n_out())..];
                    let (bias, dy) = (bias.as_deref_mut(), (dy, self.channels));
                    let weights = (&mut *weights, &**places);
                    gather_outer(gather, dy, x, rows_in(rows, b), weights, bias, turned, parallel);
                }
            });
        }
        if let Some((dx, finish)) = dx {
            let Way { gather, panels, .. } = &self.backward;
            gather_product((gather, panels), None, dy, finish, dx, rows, parallel);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
