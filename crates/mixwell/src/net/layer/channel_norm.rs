//! Normalisation over the channels of each pixel: `y = (x - mean) / sqrt(variance + epsilon) weight + bias`, where mean and variance
//! are those of the channels at one pixel, so that no row knows of another; of a vector it is what is called layer normalisation.
//! Reference: [ba2016layer].
//!
//! With `h` the normalised numbers, `r = 1 / sqrt(variance + epsilon)`, `n` channels, and `~` for "without its mean":
//!   back: `dx = r (q~ - h B / n)`, `q = weight dy`, `B = sum h q`;
//!   along p: `s = weight r (p~ - h D / n)`, `D = sum h p`;
//!   and of `sum ds s` with `q = weight ds`, `A = sum q~ p~`: `dp = r (q~ - h B / n)`,
//!   `dx = -r^2 / n (h (A - 3 B D / n) + D q~ + B p~)`.

use serde::{Deserialize, Serialize};

use super::dense::yes;
use super::weights;
use super::{Backward, Layer, Push, PushBack, Settings, Shape};
use crate::Stream;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::{Init, Scratch, grow};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, rows_in};
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd::{self, Isa, Job};

/// Settings of a normalisation over channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelNorm {
    /// Added to the variance.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Whether there are weights and biases, one of each per channel.
    #[serde(default = "yes")]
    pub affine: bool,
    /// The name of its arrays in files of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn epsilon() -> f64 {
    1e-5
}

impl Default for ChannelNorm {
    fn default() -> Self {
        Self { epsilon: epsilon(), affine: true, name: None }
    }
}

impl Settings for ChannelNorm {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if self.epsilon > 0.0 && self.epsilon.is_finite() {
            Ok(input)
        } else {
            Err(format!("`epsilon` is {}, it must be positive", self.epsilon))
        }
    }

    fn arrays(&self) -> &'static [&'static str] {
        if self.affine { weights::names(true) } else { &[] }
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, offset: usize) -> Box<dyn Layer<T>> {
        Box::new(Normalise {
            channels: input.channels,
            pixels: input.n_pixels(),
            offset,
            affine: self.affine,
            epsilon: T::from_f64(self.epsilon),
            weight: vec![T::ONE; input.channels],
            bias: vec![T::ZERO; input.channels],
        })
    }
}

#[derive(Clone, Debug)]
struct Normalise<T> {
    channels: usize,
    pixels: usize,
    offset: usize,
    affine: bool,
    epsilon: T,
    weight: Vec<T>,
    bias: Vec<T>,
}

/// One number for each row of a block.
type Rows<T> = [T; BLOCK];

impl<T: Real> Normalise<T> {
    /// The numbers of one pixel of a block.
    fn pixel<'a>(&self, i: usize, buffer: &'a [T]) -> &'a [T] {
        let n = self.channels * BLOCK;
        &buffer[i * n..][..n]
    }

    fn pixel_mut<'a>(&self, i: usize, buffer: &'a mut [T]) -> &'a mut [T] {
        let n = self.channels * BLOCK;
        &mut buffer[i * n..][..n]
    }

    fn n_pixels(&self, rows: usize) -> usize {
        blocks(rows) * self.pixels
    }

    /// `1 / n`.
    fn share(&self) -> T {
        T::from_f64(1.0 / self.channels.max(1) as f64)
    }

    /// Mean over channels of `f(channel, row)`.
    #[inline(always)]
    fn mean(&self, f: impl Fn(usize, usize) -> T) -> Rows<T> {
        let mut sum = [T::ZERO; BLOCK];
        for c in 0..self.channels {
            for (r, sum) in sum.iter_mut().enumerate() {
                *sum += f(c, r);
            }
        }
        let share = self.share();
        sum.map(|sum| sum * share)
    }

    /// Mean, and one over the deviation, of each row.
    #[inline(always)]
    fn moments(&self, x: &[T]) -> (Rows<T>, Rows<T>) {
        let mean = self.mean(|c, r| x[c * BLOCK + r]);
        let variance = self.mean(|c, r| {
            let off = x[c * BLOCK + r] - mean[r];
            off * off
        });
        (mean, variance.map(|v| T::ONE / T::from_f64((v + self.epsilon).to_f64().sqrt())))
    }

    /// `to = after r (v~ - h sum(h v) / n)` with `v = before v`: the way along and the way back.
    #[inline(always)]
    fn project(&self, way: Way, x: &[T], v: &[T], to: &mut [T]) {
        let (mean, inverse) = self.moments(x);
        let before = |c: usize| if way == Way::Back { self.weight[c] } else { T::ONE };
        let v = |c: usize, r: usize| before(c) * v[c * BLOCK + r];
        let h = |c: usize, r: usize| (x[c * BLOCK + r] - mean[r]) * inverse[r];
        let (level, along) = (self.mean(v), self.mean(|c, r| h(c, r) * v(c, r)));
        for c in 0..self.channels {
            let after = if way == Way::Along { self.weight[c] } else { T::ONE };
            for r in 0..BLOCK {
                to[c * BLOCK + r] = after * inverse[r] * (v(c, r) - level[r] - h(c, r) * along[r]);
            }
        }
    }

    /// The same at every pixel.
    fn project_all(&self, way: Way, x: &[T], v: &[T], to: &mut [T], rows: usize) {
        for i in 0..self.n_pixels(rows) {
            simd::run(Project(self, way, self.pixel(i, x), self.pixel(i, v), self.pixel_mut(i, to)));
        }
    }

    /// Adds to the gradient in the weights, and in the biases where they count, at one pixel: `dw += sum dy unit`.
    fn add_gradient(&self, dy: &[T], unit: &[T], gradient: &mut [T], bias: bool, rows: usize) {
        let (weights, biases) = gradient[self.offset..][..2 * self.channels].split_at_mut(self.channels);
        for c in 0..self.channels {
            let (mut sum, mut product) = (T::ZERO, T::ZERO);
            for (dy, unit) in dy[c * BLOCK..][..rows].iter().zip(&unit[c * BLOCK..]) {
                sum += *dy;
                product += *dy * *unit;
            }
            weights[c] += product;
            if bias {
                biases[c] += sum;
            }
        }
    }
}

/// Where the weights stand.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Along,
    Back,
    /// Nowhere.
    Unit,
}

struct Project<'a, T>(&'a Normalise<T>, Way, &'a [T], &'a [T], &'a mut [T]);

impl<T: Real> Job for Project<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        self.0.project(self.1, self.2, self.3, self.4);
    }
}

struct Forward<'a, T>(&'a Normalise<T>, &'a [T], &'a mut [T]);

impl<T: Real> Job for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self(layer, x, y) = self;
        let (mean, inverse) = layer.moments(x);
        for c in 0..layer.channels {
            for r in 0..BLOCK {
                let h = (x[c * BLOCK + r] - mean[r]) * inverse[r];
                y[c * BLOCK + r] = h * layer.weight[c] + layer.bias[c];
            }
        }
    }
}

/// What a derivative in `s` adds to that in `x`.
struct Bend<'a, T> {
    layer: &'a Normalise<T>,
    x: &'a [T],
    p: &'a [T],
    ds: &'a [T],
    dx: &'a mut [T],
}

impl<T: Real> Job for Bend<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self { layer, x, p, ds, dx } = self;
        let (mean, inverse) = layer.moments(x);
        let h = |c: usize, r: usize| (x[c * BLOCK + r] - mean[r]) * inverse[r];
        let q = |c: usize, r: usize| layer.weight[c] * ds[c * BLOCK + r];
        let p = |c: usize, r: usize| p[c * BLOCK + r];
        let (level_q, level_p) = (layer.mean(q), layer.mean(p));
        // A, B and D over n.
        let a = layer.mean(|c, r| (q(c, r) - level_q[r]) * (p(c, r) - level_p[r]));
        let b = layer.mean(|c, r| h(c, r) * q(c, r));
        let d = layer.mean(|c, r| h(c, r) * p(c, r));
        let three = T::from_f64(3.0);
        for c in 0..layer.channels {
            for r in 0..BLOCK {
                let both = d[r] * (q(c, r) - level_q[r]) + b[r] * (p(c, r) - level_p[r]);
                let bent = h(c, r) * (a[r] - three * b[r] * d[r]) + both;
                dx[c * BLOCK + r] -= inverse[r] * inverse[r] * bent;
            }
        }
    }
}

impl<T: Real> Layer<T> for Normalise<T> {
    fn n_in(&self) -> usize {
        self.channels * self.pixels
    }

    fn n_out(&self) -> usize {
        self.channels * self.pixels
    }

    fn n_params(&self) -> usize {
        if self.affine { 2 * self.channels } else { 0 }
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        let array = |(i, array): (usize, &&str)| ArraySpec {
            name: name(array),
            shape: vec![self.channels],
            offset: self.offset + i * self.channels,
            is_statistic: false,
        };
        let names = if self.affine { weights::names(true) } else { &[] };
        names.iter().enumerate().map(array).collect()
    }

    fn initialise(&self, params: &mut [T], _: Init, _: bool, _: &mut Stream) {
        if self.affine {
            let (weights, biases) = params[self.offset..][..2 * self.channels].split_at_mut(self.channels);
            weights.fill(T::ONE);
            biases.fill(T::ZERO);
        }
    }

    fn pack(&mut self, params: &[T]) {
        if self.affine {
            let (weights, biases) = params[self.offset..][..2 * self.channels].split_at(self.channels);
            self.weight.copy_from_slice(weights);
            self.bias.copy_from_slice(biases);
        }
    }

    fn work(&self) -> usize {
        8 * self.channels * self.pixels
    }

    fn bends(&self) -> bool {
        true
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        for i in 0..self.n_pixels(rows) {
            simd::run(Forward(self, self.pixel(i, x), self.pixel_mut(i, y)));
        }
    }

    fn backward(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { x, dy, dx, gradient, rows, .. } = pass;
        if let Some(gradient) = gradient.filter(|_| self.affine) {
            let unit = &mut scratch.turned;
            grow(unit, self.channels * BLOCK);
            for i in 0..self.n_pixels(rows) {
                let (x, dy) = (self.pixel(i, x), self.pixel(i, dy));
                let (mean, inverse) = self.moments(x);
                for (at, (unit, x)) in unit.iter_mut().zip(x).enumerate() {
                    *unit = (*x - mean[at % BLOCK]) * inverse[at % BLOCK];
                }
                self.add_gradient(dy, unit, gradient, true, rows_in(rows, i / self.pixels));
            }
        }
        if let Some((dx, _)) = dx {
            self.project_all(Way::Back, x, dy, dx, rows);
        }
    }

    fn push(&self, pass: Push<'_, T>) {
        self.project_all(Way::Along, pass.x, pass.p, pass.s, pass.rows);
    }

    fn push_back(&self, pass: PushBack<'_, T>, scratch: &mut Scratch<T>) {
        let PushBack { x, p, ds, dp, dx, gradient, rows, .. } = pass;
        if let Some(gradient) = gradient.filter(|_| self.affine) {
            let unit = &mut scratch.turned;
            grow(unit, self.channels * BLOCK);
            for i in 0..self.n_pixels(rows) {
                let n = rows_in(rows, i / self.pixels);
                self.project(Way::Unit, self.pixel(i, x), self.pixel(i, p), unit);
                self.add_gradient(self.pixel(i, ds), unit, gradient, false, n);
            }
        }
        if let Some(dp) = dp {
            self.project_all(Way::Back, x, ds, dp, rows);
        }
        if let Some(dx) = dx {
            for i in 0..self.n_pixels(rows) {
                let (x, p, ds) = (self.pixel(i, x), self.pixel(i, p), self.pixel(i, ds));
                simd::run(Bend { layer: self, x, p, ds, dx: self.pixel_mut(i, dx) });
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
