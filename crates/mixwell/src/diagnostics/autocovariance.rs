//! Autocovariance of several series at once, averaged over them, by fast Fourier transform.
//!
//! `acov_t = 1/(m n) sum over series, s  (x_s - mean)(x_{s+t} - mean)`: each series of length `n` is centred by its own
//! mean, and every lag is divided by `n` (the biased form, which keeps the sequence positive definite).
//!
//! Only the average is wanted, so power spectra are added up and transformed back once; and two real series share one
//! complex transform, because the power of `a + ib` at frequencies `k` and `-k` adds up to twice that of `a` and `b`.
//! The real part of the transform back sees the sum of both frequencies only, so they need not be taken apart.
//! Padding only needs to be as long as the largest lag asked for.
//!
//! Shapes: `m x n`, series after series. Plans and buffers are kept for the next call.

use rustfft::algorithm::Radix4;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, Length};

use super::moments::mean;
use crate::fourier;

/// Plans and buffers of the transforms.
pub(super) struct Autocovariance {
    /// The transform of the last call; usually the next one has the same length.
    plan: Radix4<f64>,
    buffer: Vec<Complex64>,
    scratch: Vec<Complex64>,
    power: Vec<f64>,
}

impl Autocovariance {
    pub(super) fn new() -> Self {
        Self { plan: fourier::plan(1), buffer: Vec::new(), scratch: Vec::new(), power: Vec::new() }
    }

    /// Writes the autocovariance at lags `0..lags`, averaged over the series of length `n` in `series`, to `out`.
    pub(super) fn averaged(&mut self, series: &[f64], n: usize, lags: usize, out: &mut Vec<f64>) {
        // Lag t wraps around onto the n - (size - t) draws at the end unless size >= n + t.
        let size = fourier::size(n + lags);
        if self.plan.len() != size {
            self.plan = fourier::plan(size);
        }
        let plan = &self.plan;
        let zero = Complex64::default();
        self.scratch.resize(plan.get_inplace_scratch_len().max(self.scratch.len()), zero);
        self.buffer.resize(size, zero);
        self.power.clear();
        self.power.resize(size, 0.0);
        for pair in series.chunks(2 * n) {
            let (a, b) = pair.split_at(n);
            let mean_a = mean(a);
            if b.is_empty() {
                for (z, x) in self.buffer.iter_mut().zip(a) {
                    *z = Complex64::new(x - mean_a, 0.0);
                }
            } else {
                let mean_b = mean(b);
                for ((z, x), y) in self.buffer.iter_mut().zip(a).zip(b) {
                    *z = Complex64::new(x - mean_a, y - mean_b);
                }
            }
            self.buffer[n..].fill(zero);
            plan.process_with_scratch(&mut self.buffer, &mut self.scratch);
            for (p, z) in self.power.iter_mut().zip(&self.buffer) {
                *p += z.norm_sqr();
            }
        }
        for (z, p) in self.buffer.iter_mut().zip(&self.power) {
            *z = Complex64::new(*p, 0.0);
        }
        plan.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let scale = 1.0 / (size as f64 * series.len() as f64);
        out.clear();
        out.extend(self.buffer[..lags].iter().map(|z| z.re * scale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    /// The definition, term by term.
    fn slow(series: &[f64], n: usize) -> Vec<f64> {
        let mut out = vec![0.0; n];
        for x in series.chunks(n) {
            let center = x.iter().sum::<f64>() / n as f64;
            for (t, acov) in out.iter_mut().enumerate() {
                *acov += (0..n - t).map(|s| (x[s] - center) * (x[s + t] - center)).sum::<f64>();
            }
        }
        out.iter().map(|v| v / series.len() as f64).collect()
    }

    #[test]
    fn equals_the_definition() {
        let mut stream = Stream::new(1, 0);
        let mut engine = Autocovariance::new();
        let mut fast = Vec::new();
        for (m, n) in [(1, 2), (2, 5), (3, 17), (4, 64), (5, 100), (8, 33)] {
            let x: Vec<f64> = (0..m * n).map(|i| 3.0 * (i / n) as f64 + stream.normal()).collect();
            for lags in [1, n / 2, n] {
                engine.averaged(&x, n, lags, &mut fast);
                assert_eq!(fast.len(), lags);
                for (t, (a, b)) in fast.iter().zip(slow(&x, n)).enumerate() {
                    assert!((a - b).abs() < 1e-13, "m = {m}, n = {n}, lag {t} of {lags}: {a} is not {b}");
                }
            }
        }
    }
}
