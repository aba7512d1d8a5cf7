//! Monte Carlo standard error: how far an estimate from these draws may be from the truth, if the chains have converged.
//!
//! - [`mcse_mean`]      `sd / sqrt(ESS)`, ESS of the mean, sd with divisor `S - 1`
//! - [`mcse_sd`]        delta method on the variance: `sqrt((m4 - m2^2) / ESS / m2) / 2`, ESS of the squared deviations
//! - [`mcse_quantile`]  half the distance between the order statistics at the 15.9 % and 84.1 % quantiles of
//!   `Beta(ESS p + 1, ESS (1 - p) + 1)`, ESS of the quantile (Vehtari et al. 2021)
//!
//! NaN with a NaN draw or fewer than 4 draws per chain. `mcse_sd` follows ArviZ 0.23; ArviZ 1.x divides by the ESS of
//! the mean instead, which says nothing about how the squares mix.

use super::Draws;
use super::moments::{mean, squares_about, variance};
use super::workspace::with_workspace;
use super::{ess_mean, ess_sd};
use crate::math::beta_quantile;

/// Standard error of the mean of the draws.
///
/// ```
/// use mixwell::{Stream, diagnostics::{Draws, mcse_mean}};
/// let mut x = vec![0.0; 10_000];
/// Stream::new(1, 0).fill_normal(&mut x);
/// let error = mcse_mean(Draws::new(&x, 4)); // independent draws: 1 / sqrt(10 000)
/// assert!((error - 0.01).abs() < 0.001);
/// ```
pub fn mcse_mean(draws: Draws<'_>) -> f64 {
    (variance(draws.data()) / ess_mean(draws)).sqrt()
}

/// Standard error of the standard deviation of the draws.
pub fn mcse_sd(draws: Draws<'_>) -> f64 {
    mcse_sd_given(draws.data(), mean(draws.data()), ess_sd(draws))
}

/// The same where mean and ESS of the squares are known.
pub(super) fn mcse_sd_given(x: &[f64], center: f64, ess: f64) -> f64 {
    let second = squares_about(x, center) / x.len() as f64;
    let squares: Vec<f64> = x.iter().map(|v| (v - center) * (v - center)).collect();
    // Variance of the squares, about their mean: m4 - m2^2 without the cancellation.
    let spread = squares_about(&squares, second) / x.len() as f64;
    (spread / ess / second).sqrt() / 2.0
}

/// Standard error of the quantile at `p`.
pub fn mcse_quantile(draws: Draws<'_>, p: f64) -> f64 {
    if !draws.usable() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    with_workspace(|w| {
        w.load(draws);
        let ess = w.ess_quantile(p);
        let sorted = w.order().values();
        let last = sorted.len() as f64 - 1.0;
        // One standard deviation of the normal law to either side.
        let at = |q: f64| beta_quantile(q, ess * p + 1.0, ess * (1.0 - p) + 1.0) * sorted.len() as f64 - 1.0;
        let (low, high) = (at(0.158_655_3).floor().max(0.0), at(0.841_344_7).ceil().min(last));
        if low.is_nan() || high.is_nan() {
            return f64::NAN;
        }
        (sorted[high as usize] - sorted[low as usize]) / 2.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn errors_of_independent_normal_draws() {
        // Mean 1/sqrt(n), sd 1/sqrt(2n), median sqrt(pi/2)/sqrt(n): n = 40 000.
        let mut x = vec![0.0; 40_000];
        Stream::new(4, 0).fill_normal(&mut x);
        let draws = Draws::new(&x, 4);
        assert!((mcse_mean(draws) * 200.0 - 1.0).abs() < 0.05);
        assert!((mcse_sd(draws) * 200.0 * 2f64.sqrt() - 1.0).abs() < 0.05);
        // About 200 draws lie between the two order statistics, so their distance is known to 7 %: five times that.
        assert!((mcse_quantile(draws, 0.5) * 200.0 / 1.2533 - 1.0).abs() < 0.35);
    }

    #[test]
    fn nan_and_short_chains() {
        for f in [mcse_mean as fn(Draws<'_>) -> f64, mcse_sd, |d| mcse_quantile(d, 0.5)] {
            assert!(f(Draws::new(&[1.0, 2.0, 3.0], 1)).is_nan());
            assert!(f(Draws::new(&[1.0, 2.0, 3.0, f64::NAN, 5.0], 1)).is_nan());
        }
        assert!(mcse_quantile(Draws::new(&[1.0, 2.0, 3.0, 4.0], 1), -0.1).is_nan());
    }
}
