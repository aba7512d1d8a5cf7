//! Batch normalisation: `y = (x - mean) / sqrt(variance + epsilon) weight + bias`, one of each per channel; in evaluation with its
//! running statistics, in training with those of the batch. Reference: [ioffe2015batch].
//!
//! The four arrays lie in the flat vector one after the other: weight, bias, mean, variance. The last two are statistics: their
//! gradient is what a step takes away from them, nothing in evaluation, `momentum (running - batch)` in training. The variance
//! that runs is the unbiased one, the one that normalises is not, as in PyTorch. On the tape of training lie mean and variance.

use serde::{Deserialize, Serialize};

use super::batch_statistics::Channels;
use super::dense::yes;
use super::per_channel::{AddScaled, Apply, each_pixel};
use super::{Backward, Layer, Settings, Shape};
use crate::Stream;
use crate::footprint::bytes;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::{Init, Scratch};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, rows_in};
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd;

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
    /// The part of the running statistics that a step of training replaces by those of the batch.
    #[serde(default = "momentum")]
    pub momentum: f64,
    /// The name of its arrays in files of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn epsilon() -> f64 {
    1e-5
}

fn momentum() -> f64 {
    0.1
}

fn arrays(affine: bool) -> &'static [&'static str] {
    let names = &["weight", "bias", "running_mean", "running_var"];
    if affine { names } else { &names[2..] }
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { epsilon: epsilon(), affine: true, momentum: momentum(), name: None }
    }
}

impl Settings for BatchNorm {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            Err(format!("`epsilon` is {}, it must not be negative", self.epsilon))
        } else if !(0.0..=1.0).contains(&self.momentum) {
            Err(format!("`momentum` is {}, it must lie in [0, 1]", self.momentum))
        } else {
            Ok(input)
        }
    }

    fn arrays(&self) -> &'static [&'static str] {
        arrays(self.affine)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn bytes(&self, input: Shape, _: Shape) -> u64 {
        bytes(128, &[input.channels])
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, offset: usize) -> Box<dyn Layer<T>> {
        let (channels, one) = (input.channels, vec![T::ONE; input.channels]);
        Box::new(Affine {
            channels,
            pixels: input.n_pixels(),
            offset,
            affine: self.affine,
            epsilon: self.epsilon,
            momentum: self.momentum,
            weight: one.clone(),
            variance: one.clone(),
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
    momentum: f64,
    weight: Vec<T>,
    variance: Vec<T>,
    scale: Vec<T>,
    bias: Vec<T>,
    mean: Vec<T>,
    deviation: Vec<T>,
}

impl<T: Real> Affine<T> {
    fn names(&self) -> &'static [&'static str] {
        arrays(self.affine)
    }

    fn batch(&self, rows: usize) -> Channels {
        Channels { channels: self.channels, pixels: self.pixels, rows }
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
            (self.weight[c], self.variance[c]) = (weight.map_or(T::ONE, |w| w[c]), variance[c]);
            let scale = self.weight[c].to_f64() / deviation;
            (self.scale[c], self.bias[c]) = (T::from_f64(scale), bias.map_or(T::ZERO, |b| b[c]));
            (self.mean[c], self.deviation[c]) = (mean[c], T::from_f64(deviation));
        }
    }

    /// Mean and variance of the batch, in training.
    fn tape_features(&self) -> usize {
        (2 * self.channels).div_ceil(BLOCK)
    }

    fn couples_rows(&self) -> bool {
        true
    }

    fn forward_training(&self, x: &[T], y: &mut [T], tape: &mut [T], _: Finish<'_, T>, rows: usize) {
        let mut moments = vec![[0.0; 2]; self.channels];
        self.batch(rows).moments(x, &mut moments);
        let (means, variances) = tape[..2 * self.channels].split_at_mut(self.channels);
        let mut scale = vec![T::ZERO; self.channels];
        for (c, [mean, variance]) in moments.into_iter().enumerate() {
            (means[c], variances[c]) = (T::from_f64(mean), T::from_f64(variance));
            scale[c] = T::from_f64(self.weight[c].to_f64() / (variance + self.epsilon).sqrt());
        }
        let len = self.channels * BLOCK;
        each_pixel([self.channels, self.pixels], y, rows, |i, y| {
            let mean_and_bias = Some((&*means, self.bias.as_slice()));
            simd::run(Apply { x: &x[i * len..][..len], scale: &scale, mean_and_bias, y });
        });
    }

    fn backward_training(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { x, tape, dy, dx, gradient, rows, .. } = pass;
        let (batch, n) = (self.batch(rows), self.batch(rows).count());
        let (means, variances) = tape[..2 * self.channels].split_at(self.channels);
        // Of each channel: one over the deviation, sum of dy, sum of dy times the normalised number.
        let mut sums = vec![[0.0; 3]; self.channels];
        batch.for_each(&mut sums, |c, sums| {
            let inverse = (variances[c].to_f64() + self.epsilon).sqrt().recip();
            let mean = means[c].to_f64();
            let along = batch.sum(c, dy, x, |dy, x| dy * (x - mean)) * inverse;
            *sums = [inverse, batch.sum(c, dy, x, |dy, _| dy), along];
        });
        if let Some(gradient) = gradient {
            let own = &mut gradient[self.offset..][..self.names().len() * self.channels];
            let (affine, statistics) = own.split_at_mut(own.len() - 2 * self.channels);
            let unbiased = if n > 1.0 { n / (n - 1.0) } else { 1.0 };
            for (c, [_, sum, along]) in sums.iter().enumerate() {
                if self.affine {
                    affine[c] += T::from_f64(*along);
                    affine[self.channels + c] += T::from_f64(*sum);
                }
                let part = |running: T, batch: f64| T::from_f64(self.momentum * (running.to_f64() - batch));
                statistics[c] += part(self.mean[c], means[c].to_f64());
                statistics[self.channels + c] += part(self.variance[c], variances[c].to_f64() * unbiased);
            }
        }
        let Some((dx, _)) = dx else { return };
        let of_channel = |f: &dyn Fn(usize, &[f64; 3]) -> f64| -> Vec<T> {
            sums.iter().enumerate().map(|(c, sums)| T::from_f64(f(c, sums))).collect()
        };
        let scale = of_channel(&|c, [inverse, ..]| self.weight[c].to_f64() * inverse);
        let slope =
            of_channel(&|c, [inverse, _, along]| -self.weight[c].to_f64() * inverse * inverse * along / n);
        let level = of_channel(&|c, [inverse, sum, _]| -self.weight[c].to_f64() * inverse * sum / n);
        let len = self.channels * BLOCK;
        each_pixel([self.channels, self.pixels], dx, rows, |i, dx| {
            let (x, dy) = (&x[i * len..][..len], &dy[i * len..][..len]);
            simd::run(Apply { x, scale: &slope, mean_and_bias: Some((means, &level)), y: dx });
            simd::run(AddScaled { dy, scale: &scale, dx });
        });
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        let len = self.channels * BLOCK;
        each_pixel([self.channels, self.pixels], y, rows, |i, y| {
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
        each_pixel([self.channels, self.pixels], y, rows, |i, y| {
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
