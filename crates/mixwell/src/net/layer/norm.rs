//! Batch normalisation with its running statistics, as in evaluation: `y = (x - mean) / sqrt(variance + epsilon) weight + bias`,
//! one of each per channel. Reference: [ioffe2015batch].
//!
//! The four arrays lie in the flat vector one after the other: weight, bias, mean, variance. The last two are
//! statistics: no derivative is taken in them, and in evaluation their entries in the gradient are zero.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::dense::yes;
use super::{Backward, Layer, Settings, Shape, is_parallel};
use crate::Stream;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::{Init, Scratch};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, rows_in};
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// Settings of a batch normalisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Added to the variance.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Whether there are weights and biases.
    #[serde(default = "yes")]
    pub affine: bool,
    /// The name of its arrays in files of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn epsilon() -> f64 {
    1e-5
}

fn arrays(affine: bool) -> &'static [&'static str] {
    let names = &["weight", "bias", "running_mean", "running_var"];
    if affine { names } else { &names[2..] }
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { epsilon: epsilon(), affine: true, name: None }
    }
}

impl Settings for BatchNorm {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if self.epsilon >= 0.0 && self.epsilon.is_finite() {
            Ok(input)
        } else {
            Err(format!("`epsilon` is {}, it must not be negative", self.epsilon))
        }
    }

    fn arrays(&self) -> &'static [&'static str] {
        arrays(self.affine)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, offset: usize) -> Box<dyn Layer<T>> {
        let (channels, one) = (input.channels, vec![T::ONE; input.channels]);
        Box::new(Affine {
            channels,
            pixels: input.n_pixels(),
            offset,
            affine: self.affine,
            epsilon: self.epsilon,
            scale: one.clone(),
            bias: vec![T::ZERO; channels],
            mean: vec![T::ZERO; channels],
            deviation: one,
        })
    }
}

#[derive(Clone, Debug)]
struct Affine<T> {
    channels: usize,
    pixels: usize,
    offset: usize,
    affine: bool,
    epsilon: f64,
    scale: Vec<T>,
    bias: Vec<T>,
    mean: Vec<T>,
    deviation: Vec<T>,
}

impl<T: Real> Affine<T> {
    fn names(&self) -> &'static [&'static str] {
        arrays(self.affine)
    }

    /// Every pixel of every block, as `channels x 64`.
    fn each(&self, y: &mut [T], rows: usize, pixel: impl Fn(usize, &mut [T]) + Sync) {
        let len = self.channels * BLOCK;
        let y = &mut y[..blocks(rows) * self.pixels * len];
        if is_parallel(8 * self.n_out(), rows) {
            y.par_chunks_exact_mut(len).enumerate().with_min_len(8).for_each(|(i, y)| pixel(i, y));
        } else {
            y.chunks_exact_mut(len).enumerate().for_each(|(i, y)| pixel(i, y));
        }
    }
}

/// `y = (x - mean) scale + bias`, channel by channel; or `y = x scale`. The mean is taken away first, so that a large one costs no
/// digits.
struct Apply<'a, T> {
    x: &'a [T],
    scale: &'a [T],
    mean_and_bias: Option<(&'a [T], &'a [T])>,
    y: &'a mut [T],
}

impl<T: Real> Job for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let channels = self.x.chunks_exact(BLOCK).zip(self.y.chunks_exact_mut(BLOCK)).enumerate();
        for (c, (x, y)) in channels {
            let (mean, bias) =
                self.mean_and_bias.map_or((T::ZERO, T::ZERO), |(mean, bias)| (mean[c], bias[c]));
            let [scale, mean, bias] = [self.scale[c], mean, bias].map(Lanes::<T, I>::splat);
            for (y, x) in y.chunks_exact_mut(lanes).zip(x.chunks_exact(lanes)) {
                scale.mul_add(Lanes::<T, I>::of(x) - mean, bias).put(y);
            }
        }
    }
}

impl<T: Real> Layer<T> for Affine<T> {
    fn n_in(&self) -> usize {
        self.channels * self.pixels
    }

    fn n_out(&self) -> usize {
        self.channels * self.pixels
    }

    fn n_params(&self) -> usize {
        self.names().len() * self.channels
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        let array = |(i, array): (usize, &&str)| {
            let offset = self.offset + i * self.channels;
            let is_statistic = array.starts_with("running");
            ArraySpec { name: name(array), shape: vec![self.channels], offset, is_statistic }
        };
        self.names().iter().enumerate().map(array).collect()
    }

    fn initialise(&self, params: &mut [T], _: Init, _: bool, _: &mut Stream) {
        for (name, values) in self.names().iter().zip(params[self.offset..].chunks_exact_mut(self.channels)) {
            values.fill(if matches!(*name, "weight" | "running_var") { T::ONE } else { T::ZERO });
        }
    }

    fn pack(&mut self, params: &[T]) {
        let own = &params[self.offset..self.offset + <Self as Layer<T>>::n_params(self)];
        let array = |name: &str| {
            let i = self.names().iter().position(|n| *n == name)?;
            Some(&own[i * self.channels..(i + 1) * self.channels])
        };
        let (weight, bias) = (array("weight"), array("bias"));
        let (mean, variance) =
            (array("running_mean").expect("always there"), array("running_var").expect("always there"));
        for c in 0..self.channels {
            let deviation = (variance[c].to_f64() + self.epsilon).sqrt();
            let scale = weight.map_or(1.0, |w| w[c].to_f64()) / deviation;
            (self.scale[c], self.bias[c]) = (T::from_f64(scale), bias.map_or(T::ZERO, |b| b[c]));
            (self.mean[c], self.deviation[c]) = (mean[c], T::from_f64(deviation));
        }
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        let len = self.channels * BLOCK;
        self.each(y, rows, |i, y| {
            simd::run(Apply {
                x: &x[i * len..][..len],
                scale: &self.scale,
                mean_and_bias: Some((&self.mean, &self.bias)),
                y,
            });
        });
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        let len = self.channels * BLOCK;
        self.each(y, rows, |i, y| {
            simd::run(Apply { x: &x[i * len..][..len], scale: &self.scale, mean_and_bias: None, y });
        });
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { x, dy, dx, gradient, is_tangent, rows, .. } = pass;
        let len = self.channels * BLOCK;
        if let Some(gradient) = gradient.filter(|_| self.affine) {
            let own = &mut gradient[self.offset..self.offset + 2 * self.channels];
            let (weights, biases) = own.split_at_mut(self.channels);
            for at in 0..blocks(rows) * self.pixels {
                let n = rows_in(rows, at / self.pixels);
                for c in 0..self.channels {
                    let place = at * len + c * BLOCK;
                    let mean = if is_tangent { T::ZERO } else { self.mean[c] };
                    let (mut sum, mut product) = (T::ZERO, T::ZERO);
                    for (x, dy) in x[place..place + n].iter().zip(&dy[place..place + n]) {
                        sum += *dy;
                        product += *dy * (*x - mean);
                    }
                    weights[c] += product / self.deviation[c];
                    if !is_tangent {
                        biases[c] += sum;
                    }
                }
            }
        }
        if let Some((dx, _)) = dx {
            self.tangent(dy, dx, rows);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
