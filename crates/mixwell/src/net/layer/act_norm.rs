//! An affine map of every channel whose start is chosen so that a first batch leaves it with mean 0 and deviation 1:
//! `y = (x + bias) exp(factor log_scale)`. Reference: [kingma2018glow].
//!
//! The factor lets the logarithm learn faster than the rest; that of Glow is 3.

use serde::{Deserialize, Serialize};

use super::per_channel::{Apply, each_pixel};
use super::{Backward, Layer, Settings, Shape};
use crate::Stream;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::{Init, Scratch};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, rows_in};
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd;

/// Added to the deviation of the first batch.
const LEAST_DEVIATION: f64 = 1e-6;

/// Settings of an affine map of every channel, see
/// [`Network::initialise_from_batch`](crate::net::Network::initialise_from_batch).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActNorm {
    /// What the logarithms of the scales are multiplied by.
    #[serde(default = "factor")]
    pub log_scale_factor: f64,
    /// The name of its arrays in files of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn factor() -> f64 {
    3.0
}

impl Default for ActNorm {
    fn default() -> Self {
        Self { log_scale_factor: factor(), name: None }
    }
}

/// Its arrays.
const ARRAYS: &[&str] = &["bias", "log_scale"];

impl Settings for ActNorm {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if self.log_scale_factor > 0.0 && self.log_scale_factor.is_finite() {
            Ok(input)
        } else {
            Err(format!("`log_scale_factor` is {}, it must be positive", self.log_scale_factor))
        }
    }

    fn arrays(&self) -> &'static [&'static str] {
        ARRAYS
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, offset: usize) -> Box<dyn Layer<T>> {
        Box::new(Affine {
            channels: input.channels,
            pixels: input.n_pixels(),
            offset,
            factor: self.log_scale_factor,
            mean: vec![T::ZERO; input.channels],
            scale: vec![T::ONE; input.channels],
            zero: vec![T::ZERO; input.channels],
        })
    }
}

#[derive(Clone, Debug)]
struct Affine<T> {
    channels: usize,
    pixels: usize,
    offset: usize,
    factor: f64,
    /// Minus the biases.
    mean: Vec<T>,
    scale: Vec<T>,
    zero: Vec<T>,
}

impl<T: Real> Affine<T> {
    /// `(x - mean) scale + bias`, or `x scale`.
    fn scaled(&self, x: &[T], y: &mut [T], mean_and_bias: Option<(&[T], &[T])>, rows: usize) {
        let len = self.channels * BLOCK;
        each_pixel([self.channels, self.pixels], y, rows, |i, y| {
            simd::run(Apply { x: &x[i * len..][..len], scale: &self.scale, mean_and_bias, y });
        });
    }

    /// The numbers of each channel at each pixel of each block: channel, how many are rows, where they begin.
    fn places(&self, rows: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let (channels, pixels) = (self.channels, self.pixels);
        (0..blocks(rows) * pixels * channels)
            .map(move |i| (i % channels, rows_in(rows, i / channels / pixels), i * BLOCK))
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
        2 * self.channels
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        let array = |(i, array): (usize, &&str)| ArraySpec {
            name: name(array),
            shape: vec![self.channels],
            offset: self.offset + i * self.channels,
            is_statistic: false,
        };
        ARRAYS.iter().enumerate().map(array).collect()
    }

    fn initialise(&self, params: &mut [T], _: Init, _: bool, _: &mut Stream) {
        params[self.offset..][..2 * self.channels].fill(T::ZERO);
    }

    fn initialise_from_batch(&mut self, x: &[T], params: &mut [T], rows: usize) {
        let n = (rows * self.pixels) as f64;
        let mut moments = vec![[0.0; 2]; self.channels];
        for (c, rows, at) in self.places(rows) {
            moments[c][0] += x[at..at + rows].iter().map(|x| x.to_f64()).sum::<f64>() / n;
        }
        for (c, rows, at) in self.places(rows) {
            let mean = moments[c][0];
            moments[c][1] += x[at..at + rows].iter().map(|x| (x.to_f64() - mean).powi(2)).sum::<f64>() / n;
        }
        let (bias, log_scale) = params[self.offset..][..2 * self.channels].split_at_mut(self.channels);
        for ((bias, log_scale), [mean, variance]) in bias.iter_mut().zip(log_scale).zip(moments) {
            *bias = T::from_f64(-mean);
            *log_scale = T::from_f64(-(variance.sqrt() + LEAST_DEVIATION).ln() / self.factor);
        }
        self.pack(params);
    }

    fn pack(&mut self, params: &[T]) {
        let (bias, log_scale) = params[self.offset..][..2 * self.channels].split_at(self.channels);
        self.mean.iter_mut().zip(bias).for_each(|(mean, bias)| *mean = -*bias);
        for (scale, log) in self.scale.iter_mut().zip(log_scale) {
            *scale = T::from_f64((self.factor * log.to_f64()).exp());
        }
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.scaled(x, y, Some((&self.mean, &self.zero)), rows);
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        self.scaled(x, y, None, rows);
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { x, dy, dx, gradient, is_tangent, rows, .. } = pass;
        if let Some(gradient) = gradient {
            let (biases, logs) = gradient[self.offset..][..2 * self.channels].split_at_mut(self.channels);
            for (c, rows, at) in self.places(rows) {
                let mean = if is_tangent { T::ZERO } else { self.mean[c] };
                let (mut sum, mut product) = (T::ZERO, T::ZERO);
                for (x, dy) in x[at..at + rows].iter().zip(&dy[at..]) {
                    sum += *dy;
                    product += *dy * (*x - mean);
                }
                logs[c] += product * self.scale[c] * T::from_f64(self.factor);
                if !is_tangent {
                    biases[c] += sum * self.scale[c];
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
