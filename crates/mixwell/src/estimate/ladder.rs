//! The ladder of inverse temperatures `0 = b_0 < b_1 < .. < b_K = 1` between a base and a target.
//!
//! - `linear`: `b_k = k / K`.
//! - `geometric`: `b_k = first^((K - k) / (K - 1))` for `k >= 1`: fine near the base, where the target is far wider or far
//!   more peaked than it.
//! - `sigmoid`: `b_k = (s_k - s_0) / (s_K - s_0)`, `s_k = logistic(slope (2 k / K - 1))`: fine at both ends.
//! - `adaptive`: the next `b` is the largest at which the conditional ESS of the increments, `(sum W v)^2 / sum W v^2` with
//!   `v = w(b) / w(b_k)` and the weights `W` so far, is at least a share `ess` of what it is for `b -> b_k`. It does
//!   not rise with `b` (log-sum-exp is convex), so bisection finds it.
//!
//! Reference: Neal, Statistics and Computing 11 (2001); conditional ESS: Zhou, Johansen, Aston, JCGS 25 (2016), section 3.2.
//! Differs from ex2mcmc, whose ladder runs from 1 down to 0.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::math::{log_sum_exp, logistic};
use crate::range::{at_least, at_most, open_share, within};

/// Most rungs of a ladder; each keeps a kernel.
const MOST_RUNGS: usize = 100_000;
/// Slopes of a sigmoid that doubles can tell from a line and from a step.
const SLOPES: (f64, f64) = (1e-6, 1e3);

/// How inverse temperatures are spaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LadderConfig {
    /// Evenly.
    Linear {
        /// Number of increments.
        rungs: usize,
    },
    /// Evenly in their logarithm.
    Geometric {
        /// Number of increments, at least 2.
        rungs: usize,
        /// The first inverse temperature above zero.
        first: f64,
    },
    /// Densely near both ends.
    Sigmoid {
        /// Number of increments.
        rungs: usize,
        /// How much more densely.
        slope: f64,
    },
    /// As given.
    Given {
        /// Inverse temperatures in rising order; zero may be left out, the last must be 1.
        betas: Vec<f64>,
    },
    /// So that every increment keeps this share of the effective sample size.
    Adaptive {
        /// The share, between 0 and 1.
        ess: f64,
    },
}

impl LadderConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        let count = |rungs: usize, least: usize| {
            at_least("rungs", rungs, least).and_then(|()| at_most("rungs", rungs, MOST_RUNGS))
        };
        match self {
            Self::Linear { rungs } => count(*rungs, 1),
            Self::Geometric { rungs, first } => {
                count(*rungs, 2)?;
                open_share("first", *first)
            }
            Self::Sigmoid { rungs, slope } => {
                count(*rungs, 1)?;
                within("slope", *slope, SLOPES.0, SLOPES.1)
            }
            Self::Given { betas } => {
                let above_zero = betas.strip_prefix(&[0.0]).unwrap_or(betas);
                let rising = above_zero.windows(2).all(|pair| pair[0] < pair[1]);
                if rising && above_zero.first().is_some_and(|b| *b > 0.0) && above_zero.last() == Some(&1.0) {
                    return Ok(());
                }
                let reason = "inverse temperatures must rise strictly from 0 and end with 1";
                Err(ConfigError::new("betas", format!("{betas:?}"), reason))
            }
            Self::Adaptive { ess } => open_share("ess", *ess),
        }
    }

    /// The inverse temperatures above zero, in rising order; `None` for an adaptive ladder.
    ///
    /// ```
    /// use mixwell::estimate::LadderConfig;
    /// assert_eq!(LadderConfig::Linear { rungs: 4 }.betas().unwrap(), [0.25, 0.5, 0.75, 1.0]);
    /// ```
    pub fn betas(&self) -> Option<Vec<f64>> {
        let spaced = |rungs: usize, beta: &dyn Fn(f64) -> f64| {
            let inner = (1..rungs).map(|k| beta(k as f64 / rungs as f64));
            Some(inner.chain([1.0]).collect())
        };
        match self {
            Self::Linear { rungs } => spaced(*rungs, &|share| share),
            Self::Geometric { rungs, first } => {
                let exponent = |k: usize| (rungs - k) as f64 / (rungs - 1) as f64;
                Some((1..=*rungs).map(|k| first.powf(exponent(k))).collect())
            }
            Self::Sigmoid { rungs, slope } => {
                let s = |share: f64| logistic(slope * (2.0 * share - 1.0));
                spaced(*rungs, &|share| (s(share) - s(0.0)) / (s(1.0) - s(0.0)))
            }
            Self::Given { betas } => Some(betas.strip_prefix(&[0.0]).unwrap_or(betas).to_vec()),
            Self::Adaptive { .. } => None,
        }
    }
}

/// The conditional ESS of the increments `exp(delta r_i)` under normalised log-weights, as a share.
pub(super) fn conditional_ess(log_weights: &[f64], log_ratio: &[f64], delta: f64) -> f64 {
    let moment = |power: f64| {
        let terms: Vec<f64> =
            log_weights.iter().zip(log_ratio).map(|(w, r)| w + times(power * delta, *r)).collect();
        log_sum_exp(&terms)
    };
    (2.0 * moment(1.0) - moment(2.0)).exp()
}

/// The largest `delta <= most` with a conditional ESS of at least `share` of its limit at zero.
pub(super) fn bisect(log_weights: &[f64], log_ratio: &[f64], share: f64, most: f64) -> f64 {
    // At zero, the conditional ESS is the weight of the points that have a future.
    let alive: f64 = log_weights
        .iter()
        .zip(log_ratio)
        .filter(|(_, r)| **r > f64::NEG_INFINITY)
        .map(|(w, _)| w.exp())
        .sum();
    let enough = |delta: f64| conditional_ess(log_weights, log_ratio, delta) >= share * alive;
    if enough(most) {
        return most;
    }
    // In the logarithm, since the first increments may be smaller than the last by many orders of magnitude.
    let (mut low, mut high) = (most.ln() - 60.0, most.ln());
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if enough(middle.exp()) { low = middle } else { high = middle }
    }
    low.exp()
}

/// `a b`, zero for `a = 0` even if `b` is infinite.
pub(super) fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_rise_from_zero_to_one() {
        let ladders = [
            LadderConfig::Linear { rungs: 7 },
            LadderConfig::Geometric { rungs: 7, first: 1e-3 },
            LadderConfig::Sigmoid { rungs: 7, slope: 4.0 },
            LadderConfig::Given { betas: vec![0.0, 0.1, 0.5, 1.0] },
        ];
        for ladder in ladders {
            ladder.check().unwrap();
            let betas = ladder.betas().unwrap();
            assert!(betas[0] > 0.0 && betas.windows(2).all(|w| w[0] < w[1]) && *betas.last().unwrap() == 1.0);
            LadderConfig::Given { betas }.check().unwrap();
        }
        // 0.001^(2/2), ^(1/2), ^0; the middle of a sigmoid is 1/2.
        let geometric = LadderConfig::Geometric { rungs: 3, first: 0.01 }.betas().unwrap();
        assert!(geometric.iter().zip([0.01, 0.1, 1.0]).all(|(a, b)| (a - b).abs() < 1e-15));
        assert!((LadderConfig::Sigmoid { rungs: 4, slope: 3.0 }.betas().unwrap()[1] - 0.5).abs() < 1e-15);
    }

    #[test]
    fn unusable_ladders_are_refused() {
        let key = |l: LadderConfig| l.check().unwrap_err().key;
        for betas in
            [vec![], vec![0.5], vec![0.5, 0.4, 1.0], vec![f64::NAN, 1.0], vec![0.0], vec![0.0, 0.0, 1.0]]
        {
            assert_eq!(key(LadderConfig::Given { betas }), "betas");
        }
        assert_eq!(key(LadderConfig::Adaptive { ess: 1.0 }), "ess");
        assert_eq!(key(LadderConfig::Geometric { rungs: 1, first: 0.1 }), "rungs");
        for slope in [f64::NAN, 1e-17, 1e300] {
            assert_eq!(key(LadderConfig::Sigmoid { rungs: 3, slope }), "slope");
        }
        for slope in [1e-6, 1e3] {
            let betas = LadderConfig::Sigmoid { rungs: 3, slope }.betas().unwrap();
            assert!(betas.windows(2).all(|w| w[0] <= w[1]) && betas.iter().all(|b| (0.0..=1.0).contains(b)));
        }
        for rungs in [3_000_000_000, usize::MAX] {
            assert_eq!(key(LadderConfig::Linear { rungs }), "rungs");
        }
    }

    #[test]
    fn bisection_hits_the_share() {
        // Half the points at ratio 0, half at 1: cESS = (1 + e^d)^2 / (2 (1 + e^2d)). At d = ln 3: 16 / 20 = 0.8.
        let (w, r) = ([0.25f64.ln(); 4], [0.0, 1.0, 0.0, 1.0]);
        assert!((conditional_ess(&w, &r, 3f64.ln()) - 0.8).abs() < 1e-14);
        assert!((bisect(&w, &r, 0.8, 5.0) - 3f64.ln()).abs() < 1e-9);
        assert_eq!(bisect(&w, &r, 0.8, 1.0), 1.0);
    }

    #[test]
    fn points_without_a_future_do_not_stop_the_ladder() {
        // Half of the weight is lost at once; of the rest, the same share as above is kept.
        let (w, r) = (
            [0.125f64.ln(); 8],
            [0.0, 1.0, 0.0, 1.0, f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
        );
        assert!((bisect(&w, &r, 0.8, 5.0) - 3f64.ln()).abs() < 1e-9);
    }
}
