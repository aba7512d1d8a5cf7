//! Gaussian kernel density estimates of one number on equally spaced places, exactly and by Fourier transform.
//!
//! `p(y) = sum_i w_i phi((y - x_i)/h) / h`, `phi` the standard normal density, `h` the bandwidth.
//!
//! *Exactly*: along equally spaced places a Gaussian is a product of two geometric sequences,
//! `phi(u + (k+1) s) = phi(u + k s) r_k`, `r_{k+1} = r_k exp(-s^2)`, so a point costs three exponentials and two products per place.
//! Tails beyond 8.5 bandwidths (below 1e-15 of the peak) are left out.
//!
//! *By Fourier transform* (Silverman 1982): each point is shared between its two neighbouring places in proportion to nearness, and the
//! sums are convolved with the kernel by multiplying their transform with the kernel's. Sharing replaces the kernel by its linear
//! interpolation, which is off by at most `step^2/8 |phi_h''|`; half the integral of that bounds the error of a total variation:
//! `step^2/(16 h^2) 4 phi(1) = 0.061 (step/h)^2`, that is 6e-5 at 32 places per bandwidth.

use rustfft::algorithm::Radix4;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, Length};

use super::sample::Marginal;
use crate::fourier;

/// Where the kernel's tail is cut, in bandwidths.
const TAIL: f64 = 8.5;
/// `1 / sqrt(2 pi)`.
const PEAK: f64 = 0.398_942_280_401_432_7;

/// The places `start + step j`, `j = 0..len`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) start: f64,
    pub(super) step: f64,
    pub(super) len: usize,
}

impl Grid {
    /// `len >= 2` places from `low` to `high`, both among them.
    pub(super) fn spanning(low: f64, high: f64, len: usize) -> Self {
        Self { start: low, step: (high - low) / (len - 1) as f64, len }
    }

    pub(super) fn at(&self, j: usize) -> f64 {
        self.start + self.step * j as f64
    }

    fn nearest(&self, x: f64) -> usize {
        (((x - self.start) / self.step).round() as usize).min(self.len - 1)
    }

    /// The place at or below `x`, with room for a neighbour above.
    fn below(&self, x: f64) -> usize {
        (((x - self.start) / self.step) as usize).min(self.len - 2)
    }
}

/// The estimate at every place of the grid, each kernel evaluated.
pub(super) fn direct(marginal: Marginal<'_>, bandwidth: f64, grid: Grid) -> Vec<f64> {
    let mut density = vec![0.0; grid.len];
    let s = grid.step / bandwidth;
    let shrink = (-s * s).exp();
    for (x, w) in marginal.iter() {
        // The nearest place, so that |u| <= s/2 and both ratios start below one.
        let nearest = grid.nearest(x);
        let u = (grid.at(nearest) - x) / bandwidth;
        let peak = w * PEAK / bandwidth * (-0.5 * u * u).exp();
        let (left, right) = density.split_at_mut(nearest);
        let reach = |distance: f64| 1 + (distance.max(0.0) / s) as usize;
        let mut value = peak;
        let mut ratio = (-s * (u + 0.5 * s)).exp();
        for place in right.iter_mut().take(reach(TAIL - u)) {
            *place += value;
            value *= ratio;
            ratio *= shrink;
        }
        ratio = (-s * (0.5 * s - u)).exp();
        value = peak * ratio;
        for place in left.iter_mut().rev().take(reach(TAIL + u)) {
            ratio *= shrink;
            *place += value;
            value *= ratio;
        }
    }
    density
}

/// Shares every point between the two places next to it: the weight found at each place.
pub(super) fn bin(marginal: Marginal<'_>, grid: Grid) -> Vec<f64> {
    let mut shares = vec![0.0; grid.len];
    for (x, w) in marginal.iter() {
        let j = grid.below(x);
        let upper = (x - grid.at(j)) / grid.step;
        shares[j] += w * (1.0 - upper);
        shares[j + 1] += w * upper;
    }
    shares
}

/// Estimates on grids of one length by Fourier transform. Points within a few bandwidths of an end of the grid lose mass there.
pub(super) struct Convolution {
    plan: Radix4<f64>,
}

impl Convolution {
    /// For grids of `len` places.
    pub(super) fn new(len: usize) -> Self {
        // As much again of empty places, so that what leaves at one end does not enter at the other.
        Self { plan: fourier::plan(2 * len) }
    }

    /// The estimate at every place of the grid.
    pub(super) fn density(&self, marginal: Marginal<'_>, bandwidth: f64, grid: Grid) -> Vec<f64> {
        let size = self.plan.len();
        let mut buffer = vec![Complex64::default(); size];
        for (z, share) in buffer.iter_mut().zip(bin(marginal, grid)) {
            z.re = share / grid.step;
        }
        let mut scratch = vec![Complex64::default(); self.plan.get_inplace_scratch_len()];
        self.plan.process_with_scratch(&mut buffer, &mut scratch);
        let frequency = std::f64::consts::TAU * bandwidth / (size as f64 * grid.step);
        for (k, z) in buffer.iter_mut().enumerate() {
            let w = frequency * k.min(size - k) as f64;
            // The transform of the conjugate is the conjugate of the transform back.
            *z = z.conj() * ((-0.5 * w * w).exp() / size as f64);
        }
        self.plan.process_with_scratch(&mut buffer, &mut scratch);
        buffer[..grid.len].iter().map(|z| z.re).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn draws(n: usize) -> Vec<f64> {
        let mut values = vec![0.0; n];
        Stream::new(3, 0).fill_normal(&mut values);
        values
    }

    #[test]
    fn direct_equals_the_definition() {
        let values = draws(40);
        let weights: Vec<f64> = (0..40).map(|i| f64::from(i) / 780.0).collect();
        let marginal = Marginal { values: &values, weights: Some(&weights) };
        let (low, high) = marginal.range();
        for (bandwidth, len) in [(0.02, 300), (0.3, 1000), (0.3, 2), (5.0, 64), (1e-4, 100)] {
            let grid = Grid::spanning(low, high, len);
            let fast = direct(marginal, bandwidth, grid);
            for (j, p) in fast.iter().enumerate() {
                let slow: f64 = marginal
                    .iter()
                    .map(|(x, w)| {
                        w * PEAK / bandwidth * (-0.5 * ((grid.at(j) - x) / bandwidth).powi(2)).exp()
                    })
                    .sum();
                assert!(
                    (p - slow).abs() < 1e-11 * (1.0 + slow),
                    "h = {bandwidth}, place {j} of {len}: {p} is not {slow}"
                );
            }
        }
    }

    #[test]
    fn the_transform_stays_within_its_bound() {
        let values = draws(1000);
        let marginal = Marginal { values: &values, weights: None };
        for (bandwidth, len) in [(0.25, 2048), (0.25, 256), (0.08, 1000)] {
            let (low, high) = marginal.range();
            let grid = Grid::spanning(low - 4.0 * bandwidth, high + 4.0 * bandwidth, len);
            let exact = direct(marginal, bandwidth, grid);
            let fast = Convolution::new(len).density(marginal, bandwidth, grid);
            let error: f64 =
                exact.iter().zip(&fast).map(|(a, b)| (a - b).abs()).sum::<f64>() * grid.step / 2.0;
            let bound = 0.061 * (grid.step / bandwidth).powi(2);
            assert!(error < bound, "{error} against {bound}");
            // The estimate integrates to one up to the tails beyond four bandwidths.
            assert!((fast.iter().sum::<f64>() * grid.step - 1.0).abs() < 1e-5);
        }
    }
}
