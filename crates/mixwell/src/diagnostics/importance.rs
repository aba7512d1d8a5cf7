//! Importance sampling from its log-weights: effective sample size, evidence with its error, and the shape of the tail.
//!
//! Independent draws `x_i` of a proposal `q`, `w_i = pi(x_i) / q(x_i)`:
//! `ESS = (sum w)^2 / sum w^2`, `log Z = ln(mean w)` where `pi` is not normalised, with the standard error
//! `sd(w) / (mean(w) sqrt(n))` of the delta method. All from log-weights with the largest subtracted.
//! How far that error can itself be trusted is said by its degrees of freedom, `2 n / (kurtosis(w) - 1)` but at most `n - 1`:
//! the chi-square law with that many has the mean and the variance of the sample variance (Satterthwaite). Weights
//! of a normal law have all of them, a set in which one weight decides everything has about two.

use serde::Serialize;

use super::moments::{mean, squares_about};
use super::pareto_smooth;

/// What a set of log-weights says about the estimates made with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ImportanceSummary {
    /// Number of draws.
    pub n: usize,
    /// Effective number of draws.
    pub ess: f64,
    /// The same as a share of the draws, between `1/n` and 1.
    pub ess_share: f64,
    /// Largest normalised weight: near 1 means that one draw decides everything.
    pub max_weight: f64,
    /// Estimate of the log of the normalising constant.
    pub log_evidence: f64,
    /// Standard error of `log_evidence`; too small when `pareto_k` is above 0.7.
    pub log_evidence_error: f64,
    /// Degrees of freedom of that error, for an interval by Student's t law.
    pub degrees_of_freedom: f64,
    /// Skewness of the weights; 0 when they are equal.
    pub skewness: f64,
    /// Shape of the tail of the weights, see [`pareto_smooth`].
    pub pareto_k: f64,
}

impl ImportanceSummary {
    /// Summarises the log-weights of independent draws. `-inf` is a weight of zero. All NaN when a weight is NaN or
    /// infinite; no evidence (`-inf`) and NaN otherwise when all weights are zero.
    ///
    /// ```
    /// use mixwell::diagnostics::ImportanceSummary;
    /// let s = ImportanceSummary::compute(&[0.0, 0.0, f64::NEG_INFINITY, f64::NEG_INFINITY]);
    /// assert_eq!((s.ess, s.ess_share, s.max_weight), (2.0, 0.5, 0.5));
    /// assert!((s.log_evidence - 0.5f64.ln()).abs() < 1e-15);
    /// ```
    pub fn compute(log_weights: &[f64]) -> Self {
        let n = log_weights.len();
        let max = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let nan = f64::NAN;
        if !max.is_finite() || log_weights.iter().any(|w| w.is_nan()) {
            let nothing = n > 0 && log_weights.iter().all(|w| *w == f64::NEG_INFINITY);
            let log_evidence = if nothing { f64::NEG_INFINITY } else { nan };
            return Self {
                n,
                ess: nan,
                ess_share: nan,
                max_weight: nan,
                log_evidence,
                log_evidence_error: nan,
                degrees_of_freedom: nan,
                skewness: nan,
                pareto_k: nan,
            };
        }
        let weights: Vec<f64> = log_weights.iter().map(|w| (w - max).exp()).collect();
        let mean = mean(&weights);
        let squares = squares_about(&weights, mean);
        let count = n as f64;
        // sum w^2 = n mean^2 + sum (w - mean)^2, so equal weights have an ESS of exactly n.
        let ess_share = 1.0 / (1.0 + squares / (count * mean * mean));
        let (mut third, mut fourth) = (0.0, 0.0);
        for w in &weights {
            let d = w - mean;
            third += d * d * d;
            fourth += d * d * d * d;
        }
        // The weights make room for those that the tail is fitted to.
        drop(weights);
        let excess = count * fourth / (squares * squares) - 1.0;
        Self {
            n,
            ess: count * ess_share,
            ess_share,
            max_weight: 1.0 / (count * mean),
            log_evidence: max + mean.ln(),
            log_evidence_error: if n < 2 { nan } else { (squares / ((count - 1.0) * count)).sqrt() / mean },
            // Equal weights have no kurtosis (NaN), two equally frequent ones a kurtosis of 1; both get the most.
            degrees_of_freedom: if excess > 0.0 {
                (2.0 * count / excess).min(count - 1.0)
            } else {
                count - 1.0
            },
            skewness: if squares > 0.0 { third / count * (count / squares).powf(1.5) } else { 0.0 },
            pareto_k: pareto_smooth(log_weights, 1.0).pareto_k,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    /// Log-weights of N(0, I) under the proposal N(0, 2 I): `d/2 ln 2 - |x|^2/2 + |x|^2/4`.
    fn gaussian(d: usize, n: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, 0);
        (0..n)
            .map(|_| {
                let square: f64 = (0..d).map(|_| 2.0 * stream.normal().powi(2)).sum();
                0.5 * d as f64 * 2f64.ln() - square / 4.0
            })
            .collect()
    }

    #[test]
    fn a_gaussian_under_a_wider_one_has_the_ess_of_theory() {
        // E w = 1 and E w^2 = (4/3)^(d/2), so ESS/n -> (3/4)^(d/2), log Z = 0 with error sqrt((E w^2 - 1)/n). Weights are
        // bounded by 2^(d/2), so the tail is short.
        for d in [1, 4, 10] {
            let n = 100_000;
            let s = ImportanceSummary::compute(&gaussian(d, n, d as u64));
            let second = (4.0f64 / 3.0).powf(d as f64 / 2.0);
            assert!((s.ess_share * second - 1.0).abs() < 0.03, "d = {d}: {s:?}");
            let error = ((second - 1.0) / n as f64).sqrt();
            assert!(s.log_evidence.abs() < 5.0 * error && (s.log_evidence_error / error - 1.0).abs() < 0.1);
            assert!(s.max_weight <= 1.01 * 2f64.powf(d as f64 / 2.0) / n as f64);
            assert!(s.pareto_k < 0.5, "{s:?}");
        }
    }

    #[test]
    fn a_proposal_that_is_too_narrow_is_found_out() {
        // The other way around: N(0, 4) under N(0, 1) has weights with tail index 4/3, k = 3/4, and infinite variance.
        let mut stream = Stream::new(3, 0);
        let w: Vec<f64> = (0..100_000).map(|_| stream.normal().powi(2) * (0.5 - 0.125)).collect();
        let k = ImportanceSummary::compute(&w).pareto_k;
        assert!((k - 0.75).abs() < 0.2, "{k}");
    }

    #[test]
    fn a_constant_in_the_log_weights_moves_the_evidence_only() {
        let w = gaussian(3, 500, 9);
        let moved: Vec<f64> = w.iter().map(|v| v - 5000.0).collect();
        let (a, b) = (ImportanceSummary::compute(&w), ImportanceSummary::compute(&moved));
        assert!((a.ess - b.ess).abs() < 1e-7 && (a.log_evidence - b.log_evidence - 5000.0).abs() < 1e-9);
        assert!((a.pareto_k - b.pareto_k).abs() < 1e-7);
    }

    #[test]
    fn degrees_of_freedom_by_hand() {
        // Weights 0, 0, 0, 4: mean 1, squares 12, fourth powers 84; kurtosis 4 * 84 / 144 = 7/3, so 8 / (4/3) = 6, cut at 3.
        let dof = |w: &[f64]| {
            ImportanceSummary::compute(&w.iter().map(|w| w.ln()).collect::<Vec<_>>()).degrees_of_freedom
        };
        assert_eq!(dof(&[0.0, 0.0, 0.0, 4.0]), 3.0);
        // One among 1000: kurtosis about 1000, so about 2.
        let mut one = vec![0.0; 1000];
        one[7] = 1.0;
        assert!((dof(&one) - 2.0).abs() < 0.01);
        // Third powers of 0, 0, 0, 4 about 1: (27 - 3) / 4 / 3^1.5.
        let skewed =
            ImportanceSummary::compute(&[f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY, f64::NEG_INFINITY]);
        assert!((skewed.skewness - 6.0 / 27f64.sqrt()).abs() < 1e-14);
        assert_eq!((dof(&[3.0; 5]), dof(&[1.0, 2.0, 1.0, 2.0])), (4.0, 3.0));
    }

    #[test]
    fn edge_cases() {
        let s = ImportanceSummary::compute(&[2.0; 30]);
        assert_eq!((s.ess, s.log_evidence, s.log_evidence_error, s.pareto_k), (30.0, 2.0, 0.0, 0.0));
        assert_eq!(ImportanceSummary::compute(&[f64::NEG_INFINITY; 3]).log_evidence, f64::NEG_INFINITY);
        assert!(ImportanceSummary::compute(&[0.0, f64::NAN]).ess.is_nan());
        assert!(ImportanceSummary::compute(&[0.0, f64::INFINITY]).ess.is_nan());
        assert!(ImportanceSummary::compute(&[]).log_evidence.is_nan());
        assert!(ImportanceSummary::compute(&[1.0]).log_evidence_error.is_nan());
    }
}
