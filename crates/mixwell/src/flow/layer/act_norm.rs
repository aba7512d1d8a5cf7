//! Affine map of every channel of an image, `z = (x + b) exp(l)` with `l = 3 log_scale` in direction x -> z, whose start is chosen
//! so that the first examples leave it with mean 0 and deviation 1 in every channel. Reference: [kingma2018glow], section 3.1.
//!
//! inverse (x -> z) adds `pixels sum l` to the log-determinant, forward subtracts it.
//! Parameters: `log_scale` and `bias`, one of each per channel, and whether the start was chosen, which is stored with them.

use super::bijection::{Backward, Bijection, Direction, Scratch};
use super::frame::Frame;
use crate::Stream;
use crate::net::{ArraySpec, Init, Parameters};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, rows_in};

/// How much faster the logarithm of a scale learns.
const LOG_SCALE_FACTOR: f64 = 3.0;

/// Added to the deviation of the first examples.
const LEAST_DEVIATION: f64 = 1e-6;

/// An affine map of every channel.
#[derive(Clone, Debug)]
pub(crate) struct ActNorm<T> {
    dim: usize,
    frame: Frame,
    offset: usize,
    scale: Vec<T>,
    bias: Vec<T>,
    log_det: f64,
}

impl<T: Real> ActNorm<T> {
    /// The layer of these coordinates of `dim`, whose parameters begin at `offset` of the flow's flat vector.
    pub fn new(dim: usize, frame: Frame, offset: usize) -> Self {
        let n = frame.shape.channels;
        Self { dim, frame, offset, scale: vec![T::ONE; n], bias: vec![T::ZERO; n], log_det: 0.0 }
    }

    fn channels(&self) -> usize {
        self.frame.shape.channels
    }

    /// Calls `f` with the channel and the place of every coordinate of block `b`, and its place among those of the layer.
    fn each(&self, b: usize, mut f: impl FnMut(usize, usize, usize)) {
        let (n, len) = (self.frame.shape.n_pixels(), self.frame.places.len());
        for (i, place) in self.frame.places.iter().enumerate() {
            f(i / n, (b * self.dim + place) * BLOCK, (b * len + i) * BLOCK);
        }
    }
}

impl<T: Real> Parameters<T> for ActNorm<T> {
    fn layout(&self, prefix: &str) -> Vec<ArraySpec> {
        let n = self.channels();
        let arrays = [("log_scale", n, 0, false), ("bias", n, n, false), ("is_started", 1, 2 * n, true)];
        let array = |(name, n, at, is_statistic)| ArraySpec {
            name: format!("{prefix}{name}"),
            shape: vec![n],
            offset: self.offset + at,
            is_statistic,
        };
        arrays.map(array).to_vec()
    }

    fn initialise(&self, params: &mut [T], _init: Init, _stream: &mut Stream) {
        params[self.offset..self.offset + 2 * self.channels() + 1].fill(T::ZERO);
    }

    fn pack(&mut self, params: &[T]) {
        let n = self.channels();
        let (log_scale, bias) = params[self.offset..self.offset + 2 * n].split_at(n);
        let log = |s: &T| LOG_SCALE_FACTOR * s.to_f64();
        for (scale, s) in self.scale.iter_mut().zip(log_scale) {
            *scale = T::from_f64(log(s).exp());
        }
        self.bias.copy_from_slice(bias);
        self.log_det = self.frame.shape.n_pixels() as f64 * log_scale.iter().map(log).sum::<f64>();
    }
}

impl<T: Real> Bijection<T> for ActNorm<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        f("", self);
    }

    fn tape_len(&self, rows: usize) -> usize {
        buffer_len(rows, self.frame.places.len())
    }

    fn start_from(&mut self, v: &[T], rows: usize, params: &mut [T]) {
        let n = self.channels();
        let mut sums = vec![[0.0; 2]; n];
        for pass in 0..2 {
            let count = (rows * self.frame.shape.n_pixels()) as f64;
            let means: Vec<f64> = sums.iter().map(|[sum, _]| sum / count).collect();
            for b in 0..blocks(rows) {
                self.each(b, |c, at, _| {
                    let values = v[at..at + rows_in(rows, b)].iter().map(|v| v.to_f64());
                    sums[c][pass] += if pass == 0 {
                        values.sum::<f64>()
                    } else {
                        values.map(|v| (v - means[c]).powi(2)).sum::<f64>()
                    };
                });
            }
        }
        let count = (rows * self.frame.shape.n_pixels()) as f64;
        for (c, [sum, square]) in sums.iter().enumerate() {
            let log_scale = -((square / count).sqrt() + LEAST_DEVIATION).ln() / LOG_SCALE_FACTOR;
            params[self.offset + c] = T::from_f64(log_scale);
            params[self.offset + n + c] = T::from_f64(-sum / count);
        }
        params[self.offset + 2 * n] = T::ONE;
        self.pack(params);
    }

    fn is_started(&self, params: &[T]) -> bool {
        params[self.offset + 2 * self.channels()] != T::ZERO
    }

    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize) {
        for b in 0..blocks(rows) {
            self.each(b, |c, at, own| {
                let (scale, bias) = (self.scale[c], self.bias[c]);
                let (feature, tape) = (&mut v[at..at + BLOCK], &mut tape[own..own + BLOCK]);
                // The tape holds the x-side in either direction.
                if direction == Direction::Inverse {
                    tape.copy_from_slice(feature);
                    feature.iter_mut().for_each(|v| *v = (*v + bias) * scale);
                } else {
                    let inverse = T::ONE / scale;
                    feature.iter_mut().for_each(|v| *v = *v * inverse - bias);
                    tape.copy_from_slice(feature);
                }
            });
        }
        let sign = if direction == Direction::Inverse { 1.0 } else { -1.0 };
        log_det[..blocks(rows) * BLOCK].iter_mut().for_each(|sum| *sum += sign * self.log_det);
    }

    fn pull(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { direction, tape, dv, dlog_det, mut gradient, rows } = pass;
        let (n, inverse) = (self.channels(), direction == Direction::Inverse);
        let factor = T::from_f64(LOG_SCALE_FACTOR);
        for b in 0..blocks(rows) {
            let used = rows_in(rows, b);
            let dl: T = dlog_det[b * BLOCK..][..used].iter().fold(T::ZERO, |sum, d| sum + *d);
            self.each(b, |c, at, own| {
                let d = &mut dv[at..at + BLOCK];
                let scale = if inverse { self.scale[c] } else { T::ONE / self.scale[c] };
                if let Some(gradient) = gradient.as_deref_mut() {
                    let (mut ds, mut db) = (T::ZERO, T::ZERO);
                    for (d, x) in d[..used].iter().zip(&tape[own..]) {
                        // z = (x + b) exp(l); x = z exp(-l) - b, whose derivative in l is -(x + b).
                        ds += *d * (*x + self.bias[c]);
                        db += *d;
                    }
                    let (ds, db) = if inverse { (ds * scale + dl, db * scale) } else { (-ds - dl, -db) };
                    gradient[self.offset + c] += factor * ds;
                    gradient[self.offset + n + c] += db;
                }
                d.iter_mut().for_each(|d| *d *= scale);
            });
        }
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}
