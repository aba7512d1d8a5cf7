//! Bandwidths of Gaussian kernel density estimates of one number.
//!
//! *Scott*: `h = sd n^(-1/5)`, good for one bump, far too wide for narrow separate modes.
//!
//! *Improved Sheather-Jones* (Botev, Grotowski, Kroese 2010, section 4): `h^2` minimises the asymptotic mean integrated squared error,
//! where the roughness of the density it asks for is itself estimated by kernels, whose bandwidths are found the same way, five levels
//! up. With `t = (h/R)^2`, `R` the width of the grid, and `a_k` the cosine coefficients of the binned sample,
//! `|f^(s)|^2(t) = 2 pi^(2s) sum_k k^(2s) a_k^2 exp(-k^2 pi^2 t)`, `t` solves `t = (2 n sqrt(pi) |f^(2)|^2(t_2))^(-2/5)`,
//! `t_s = ((1 + 2^(-s-1/2)) (2s-1)!! 2 / (3 sqrt(2 pi) n |f^(s+1)|^2(t_{s+1})))^(2/(3+2s))`, `t_7 = t`.
//! For a weighted sample `n` is its effective size.
//!
//! Differs from the authors: the smallest root is searched from below on a geometric scale; without one, Scott's rule is used.

use std::f64::consts::PI;

use rustfft::Fft;
use rustfft::num_complex::Complex64;

use super::kernel_density::{Grid, bin};
use super::sample::Marginal;
use crate::fourier;

/// Places of the binned sample.
const BINS: usize = 4096;
/// The highest derivative whose roughness is estimated.
const LEVELS: i32 = 7;

/// `sd n^(-1/5)`, with the effective size of a weighted sample.
pub(super) fn scott(marginal: Marginal<'_>) -> f64 {
    marginal.sd() * marginal.effective_size().powf(-0.2)
}

/// The improved Sheather-Jones bandwidth, or Scott's where its equation has no solution.
pub(super) fn improved_sheather_jones(marginal: Marginal<'_>) -> f64 {
    let (low, high) = marginal.range();
    if low < high { solve(marginal, low, high).unwrap_or_else(|| scott(marginal)) } else { scott(marginal) }
}

fn solve(marginal: Marginal<'_>, low: f64, high: f64) -> Option<f64> {
    // A margin, because cosines reflect at the ends.
    let margin = 0.1 * (high - low);
    let grid = Grid::spanning(low - margin, high + margin, BINS);
    let squares = squared_cosines(&bin(marginal, grid));
    let n = marginal.effective_size();
    let excess = |t: f64| t - next(&squares, n, t);
    // From half a bin to a third of the grid.
    let mut below = (0.5 / BINS as f64).powi(2);
    if excess(below) > 0.0 {
        return None;
    }
    let mut above = below;
    while excess(above) <= 0.0 {
        below = above;
        above *= 1.5;
        if above > 0.1 {
            return None;
        }
    }
    for _ in 0..30 {
        let middle = (below * above).sqrt();
        if excess(middle) > 0.0 {
            above = middle;
        } else {
            below = middle;
        }
    }
    Some(above.sqrt() * grid.step * BINS as f64)
}

/// `a_k^2`, `a_k = sum_j p_j cos(pi k (2j + 1) / (2n))`: the sample followed by its mirror image has the transform `2 a_k` up to a phase.
fn squared_cosines(shares: &[f64]) -> Vec<f64> {
    let mirrored = shares.iter().chain(shares.iter().rev());
    let mut buffer: Vec<Complex64> = mirrored.map(|p| Complex64::new(*p, 0.0)).collect();
    let plan = fourier::plan(buffer.len());
    let mut scratch = vec![Complex64::default(); plan.get_inplace_scratch_len()];
    plan.process_with_scratch(&mut buffer, &mut scratch);
    buffer[..shares.len()].iter().map(|z| z.norm_sqr() / 4.0).collect()
}

/// `|f^(s)|^2` smoothed by `t`.
fn roughness(squares: &[f64], s: i32, t: f64) -> f64 {
    let mut sum = 0.0;
    for (k, a2) in squares.iter().enumerate().skip(1) {
        let k2 = (k * k) as f64;
        let decay = k2 * PI * PI * t;
        if decay > 700.0 {
            break;
        }
        sum += k2.powi(s) * a2 * (-decay).exp();
    }
    2.0 * PI.powi(2 * s) * sum
}

/// The right-hand side of the equation for `t`.
fn next(squares: &[f64], n: f64, t: f64) -> f64 {
    let mut f = roughness(squares, LEVELS, t);
    for s in (2..LEVELS).rev() {
        let odd_product: f64 = (1..=s).map(|i| f64::from(2 * i - 1)).product();
        let constant = (1.0 + 0.5f64.powf(f64::from(s) + 0.5)) / 3.0;
        let time =
            (2.0 * constant * odd_product / ((2.0 * PI).sqrt() * n * f)).powf(2.0 / f64::from(3 + 2 * s));
        f = roughness(squares, s, time);
    }
    (2.0 * n * PI.sqrt() * f).powf(-0.4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn normal(n: usize) -> Vec<f64> {
        let mut values = vec![0.0; n];
        Stream::new(11, 0).fill_normal(&mut values);
        values
    }

    #[test]
    fn a_normal_sample_gets_the_optimum() {
        // The best bandwidth for N(0,1) is (4/(3n))^(1/5): 0.168 for n = 10 000; Scott's rule is n^(-1/5) = 0.158.
        let values = normal(10_000);
        let marginal = Marginal { values: &values, weights: None };
        let best = (4.0f64 / 30_000.0).powf(0.2);
        assert!((improved_sheather_jones(marginal) / best - 1.0).abs() < 0.1);
        assert!((scott(marginal) / 10_000f64.powf(-0.2) - 1.0).abs() < 0.04);
    }

    #[test]
    fn narrow_modes_get_a_narrow_kernel() {
        // 1/2 N(+-1, 0.05^2): |f''|^2 is half that of one mode, so the best is 0.05 (8/(3n))^(1/5) = 0.0133 for n = 2000; Scott's
        // rule, 1 * 2000^(-1/5) = 0.22, would blur the two into one.
        let mut values = normal(2000);
        for (i, x) in values.iter_mut().enumerate() {
            *x = 0.05 * *x + if i % 2 == 0 { 1.0 } else { -1.0 };
        }
        let marginal = Marginal { values: &values, weights: None };
        let best = 0.05 * (8.0f64 / 6000.0).powf(0.2);
        assert!((improved_sheather_jones(marginal) / best - 1.0).abs() < 0.25);
        assert!(scott(marginal) > 0.2);
    }

    #[test]
    fn weights_count() {
        // Weight 1 on every draw from N(0,1), 0 on the draws from N(50,1): as if those were not there.
        let mut values = normal(4000);
        let alone = improved_sheather_jones(Marginal { values: &values[..2000], weights: None });
        values[2000..].iter_mut().for_each(|x| *x += 50.0);
        let weights: Vec<f64> = (0..4000).map(|i| if i < 2000 { 1.0 / 2000.0 } else { 0.0 }).collect();
        let weighted = improved_sheather_jones(Marginal { values: &values, weights: Some(&weights) });
        assert!((weighted / alone - 1.0).abs() < 1e-9);
    }

    #[test]
    fn no_spread_has_no_width() {
        assert_eq!(improved_sheather_jones(Marginal { values: &[2.0; 9], weights: None }), 0.0);
        assert!(improved_sheather_jones(Marginal { values: &[f64::NAN, 1.0], weights: None }).is_nan());
    }
}
