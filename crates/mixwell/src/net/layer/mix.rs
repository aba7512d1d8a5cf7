//! Layers that mix pixels, the same way in every channel: `y[p] = sum_q w[p, q] x[q]` with fixed weights. Means and sums of windows
//! or of the whole image, nearest and bilinear upsampling.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Settings, Shape, is_parallel, positive};
use crate::footprint::bytes;
use crate::net::sequential::Scratch;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks};
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// What becomes of the pixels of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

/// Means or sums of windows of `size x size` pixels; pixels that fill no window are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AveragePool {
    /// Pixels of a window in each direction.
    pub size: usize,
    /// Pixels from one window to the next; the size where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Mean or sum.
    #[serde(default)]
    pub reduction: Reduction,
}

/// The mean or sum of each channel over all pixels, as a vector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalPool {
    /// Mean or sum.
    #[serde(default)]
    pub reduction: Reduction,
}

/// How pixels between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// As the nearest.
    #[default]
    Nearest,
    /// Between the four nearest; pixels are squares, whose centres are half a pixel from the edge (`align_corners` false).
    Bilinear,
}

/// An image with `factor` times as many pixels in each direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// How many times as many.
    pub factor: usize,
    /// How they are found.
    #[serde(default)]
    pub mode: Upsampling,
}

/// Bytes of one weight between two pixels, while both directions are made.
const SOURCE: usize = 160;

impl AveragePool {
    fn step(&self) -> usize {
        self.stride.unwrap_or(self.size)
    }
}

/// Windows of `size` pixels, `stride` apart, in a line of `n`.
pub(super) fn windows(n: usize, size: usize, stride: usize) -> Result<usize, String> {
    positive("size", size)?;
    positive("stride", stride)?;
    let left =
        n.checked_sub(size).ok_or_else(|| format!("a window of {size} does not fit into {n} pixels"))?;
    Ok(left / stride + 1)
}

impl Settings for AveragePool {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let size = |n| windows(n, self.size, self.step());
        Shape::from_sizes(&[input.channels, size(input.height)?, size(input.width)?])
    }

    fn bytes(&self, _: Shape, output: Shape) -> u64 {
        bytes(SOURCE, &[output.n_pixels(), self.size, self.size])
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        let weight =
            if self.reduction == Reduction::Sum { 1.0 } else { 1.0 / (self.size * self.size) as f64 };
        let axis = |i: usize| (0..self.size).map(move |a| (i * self.step() + a, 1.0)).collect::<Vec<_>>();
        Mix::boxed(input, output, weight, axis)
    }
}

impl Settings for GlobalPool {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        Ok(Shape::vector(input.channels))
    }

    fn bytes(&self, input: Shape, _: Shape) -> u64 {
        bytes(SOURCE, &[input.n_pixels()])
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, _: usize) -> Box<dyn Layer<T>> {
        let n = input.n_pixels();
        let weight = if self.reduction == Reduction::Sum { 1.0 } else { 1.0 / n as f64 };
        let sources = vec![(0..n).map(|p| (p as u32, T::from_f64(weight))).collect()];
        Box::new(Mix::new(input.channels, n, sources))
    }
}

impl Settings for Upsample {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        positive("factor", self.factor)?;
        let size = |n: usize| n.saturating_mul(self.factor);
        Shape::from_sizes(&[input.channels, size(input.height), size(input.width)])
    }

    fn bytes(&self, _: Shape, output: Shape) -> u64 {
        bytes(SOURCE, &[output.n_pixels(), if self.mode == Upsampling::Bilinear { 4 } else { 1 }])
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        if self.mode == Upsampling::Nearest {
            return Mix::boxed(input, output, 1.0, |i| vec![(i / self.factor, 1.0)]);
        }
        let n = [input.height, input.width];
        let axis = |n: usize| {
            move |i: usize| {
                let at = ((i as f64 + 0.5) / self.factor as f64 - 0.5).max(0.0);
                let (low, part) = (at as usize, at.fract());
                vec![(low, 1.0 - part), ((low + 1).min(n - 1), part)]
            }
        };
        Mix::boxed_by(input, output, 1.0, axis(n[0]), axis(n[1]))
    }
}

/// A sparse matrix between pixels, in both directions.
#[derive(Clone, Debug)]
struct Mix<T> {
    channels: usize,
    forward: Arc<[Vec<(u32, T)>]>,
    backward: Arc<[Vec<(u32, T)>]>,
}

impl<T: Real> Mix<T> {
    fn new(channels: usize, n_in: usize, forward: Vec<Vec<(u32, T)>>) -> Self {
        let mut backward = vec![vec![]; n_in];
        for (to, sources) in forward.iter().enumerate() {
            for (from, weight) in sources {
                backward[*from as usize].push((to as u32, *weight));
            }
        }
        Self { channels, forward: forward.into(), backward: backward.into() }
    }

    /// The product of the same mixture along both axes.
    fn boxed(
        input: Shape,
        output: Shape,
        weight: f64,
        axis: impl Fn(usize) -> Vec<(usize, f64)>,
    ) -> Box<dyn Layer<T>> {
        Self::boxed_by(input, output, weight, &axis, &axis)
    }

    fn boxed_by(
        input: Shape,
        output: Shape,
        weight: f64,
        lines: impl Fn(usize) -> Vec<(usize, f64)>,
        columns: impl Fn(usize) -> Vec<(usize, f64)>,
    ) -> Box<dyn Layer<T>> {
        let sources = |p: usize| {
            let (i, j) = (p / output.width, p % output.width);
            let mut sources: Vec<(u32, T)> = vec![];
            for (line, a) in lines(i) {
                for (column, b) in columns(j) {
                    if a * b != 0.0 {
                        sources.push(((line * input.width + column) as u32, T::from_f64(weight * a * b)));
                    }
                }
            }
            sources
        };
        Box::new(Self::new(input.channels, input.n_pixels(), (0..output.n_pixels()).map(sources).collect()))
    }

    fn apply(&self, matrix: &[Vec<(u32, T)>], n_in: usize, x: &[T], y: &mut [T], rows: usize) {
        let len = self.channels * BLOCK;
        let pixel = |(at, y): (usize, &mut [T])| {
            let (b, p) = (at / matrix.len(), at % matrix.len());
            simd::run(Sum { sources: &matrix[p], x: &x[b * n_in * len..][..n_in * len], y });
        };
        let y = &mut y[..blocks(rows) * matrix.len() * len];
        if is_parallel(8 * self.channels * matrix.len(), rows) {
            y.par_chunks_exact_mut(len).enumerate().with_min_len(8).for_each(pixel);
        } else {
            y.chunks_exact_mut(len).enumerate().for_each(pixel);
        }
    }
}

/// `y = sum of weight times pixel`.
struct Sum<'a, T> {
    sources: &'a [(u32, T)],
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Real> Job for Sum<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self { sources, x, y } = self;
        let (lanes, len) = (Lanes::<T, I>::LANES, y.len());
        y.fill(T::ZERO);
        for (from, weight) in sources {
            let (weight, x) = (Lanes::<T, I>::splat(*weight), &x[*from as usize * len..][..len]);
            for (y, x) in y.chunks_exact_mut(lanes).zip(x.chunks_exact(lanes)) {
                weight.mul_add(Lanes::<T, I>::of(x), Lanes::<T, I>::of(y)).put(y);
            }
        }
    }
}

impl<T: Real> Layer<T> for Mix<T> {
    fn n_in(&self) -> usize {
        self.backward.len() * self.channels
    }

    fn n_out(&self) -> usize {
        self.forward.len() * self.channels
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.tangent(x, y, rows);
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        self.apply(&self.forward, self.backward.len(), x, y, rows);
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        if let Backward { dy, dx: Some((dx, _)), rows, .. } = pass {
            self.apply(&self.backward, self.forward.len(), dy, dx, rows);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
