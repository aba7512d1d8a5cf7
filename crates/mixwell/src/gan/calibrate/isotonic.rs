//! Isotonic calibration: the rising step function of the score that fits the labels best [zadrozny2002transforming].
//!
//! Pool adjacent violators: scores in order, each a block with its share of real points; while a block's share is not above that of the block before, they become one. The
//! result is the maximum of the likelihood (and of minus the squared error) among all rising functions. Shares are kept `1 / 2n` away from 0 and 1, with `n` the number of scores, before they become
//! log odds. Between the last score of a block and the first of the next, log odds rise in a straight line; outside all scores they stay.

use serde::{Deserialize, Serialize};

use super::Scores;
use crate::{ConfigError, range};

/// A rising function through knots: constant within a block of scores, a straight line between blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsotonicCalibrator {
    /// Scores of the knots, rising.
    pub scores: Vec<f64>,
    /// The log-ratio at each, never falling.
    pub log_ratios: Vec<f64>,
}

/// Neighbouring scores that share a value.
#[derive(Clone, Copy)]
struct Block {
    first: f64,
    last: f64,
    real: usize,
    n: usize,
}

impl Block {
    /// Whether its share of real points is not above that of another, without a division.
    fn not_above(&self, before: &Self) -> bool {
        self.real as u128 * before.n as u128 <= before.real as u128 * self.n as u128
    }

    fn join(&mut self, next: &Self) {
        self.last = next.last;
        self.real += next.real;
        self.n += next.n;
    }
}

/// Blocks of rising shares.
fn pooled(scores: Scores<'_>) -> Vec<Block> {
    let mut labelled: Vec<(f64, bool)> = scores.labelled().collect();
    labelled.sort_by(|x, y| x.0.total_cmp(&y.0));
    let mut blocks: Vec<Block> = vec![];
    let mut rest = labelled.as_slice();
    while let Some((score, _)) = rest.first() {
        // Equal scores get one value, so they are one block from the start.
        let equal = rest.iter().take_while(|other| other.0 == *score).count();
        let real = rest[..equal].iter().filter(|(_, real)| *real).count();
        let mut block = Block { first: *score, last: *score, real, n: equal };
        while let Some(before) = blocks.last().filter(|before| block.not_above(before)) {
            let mut joined = *before;
            joined.join(&block);
            block = joined;
            blocks.pop();
        }
        blocks.push(block);
        rest = &rest[equal..];
    }
    blocks
}

impl IsotonicCalibrator {
    pub(super) fn fit(scores: Scores<'_>) -> Self {
        let edge = 0.5 / scores.len() as f64;
        let offset = scores.prior_log_odds();
        let mut found = Self { scores: vec![], log_ratios: vec![] };
        for block in pooled(scores) {
            let share = (block.real as f64 / block.n as f64).clamp(edge, 1.0 - edge);
            let log_ratio = share.ln() - (-share).ln_1p() - offset;
            found.scores.push(block.first);
            found.log_ratios.push(log_ratio);
            if block.last > block.first {
                found.scores.push(block.last);
                found.log_ratios.push(log_ratio);
            }
        }
        found
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        range::vector("scores", &self.scores)?;
        range::vector("log_ratios", &self.log_ratios)?;
        if self.scores.len() != self.log_ratios.len() {
            let reason = format!("there are {} scores, and each has one", self.scores.len());
            return Err(ConfigError::new("log_ratios", format!("{} numbers", self.log_ratios.len()), reason));
        }
        let falls = |values: &[f64], strictly: bool| {
            values.windows(2).position(|w| w[1] < w[0] || (strictly && w[1] == w[0]))
        };
        for (key, values, strictly) in
            [("scores", &self.scores, true), ("log_ratios", &self.log_ratios, false)]
        {
            if let Some(i) = falls(values, strictly) {
                let reason = format!("it must not fall below what is before it, {}", values[i]);
                return Err(ConfigError::new(format!("{key}[{}]", i + 1), values[i + 1], reason));
            }
        }
        Ok(())
    }

    pub(super) fn apply(&self, score: f64) -> f64 {
        let knots = self.scores.len().min(self.log_ratios.len());
        let (scores, log_ratios) = (&self.scores[..knots], &self.log_ratios[..knots]);
        let above = scores.partition_point(|knot| *knot <= score);
        if score.is_nan() || knots == 0 {
            f64::NAN
        } else if above == 0 {
            log_ratios[0]
        } else if above == knots {
            log_ratios[knots - 1]
        } else {
            let (low, high) = (log_ratios[above - 1], log_ratios[above]);
            // Halves, since scores may be as far apart as doubles can be.
            let part =
                (0.5 * score - 0.5 * scores[above - 1]) / (0.5 * scores[above] - 0.5 * scores[above - 1]);
            low + (high - low) * part
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Stream;

    /// The best rising shares at sorted groups of equal scores, among all ways to cut them into neighbours.
    fn brute_force(groups: &[(usize, usize)]) -> Vec<f64> {
        let m = groups.len();
        let mut best = (f64::INFINITY, vec![]);
        for cuts in 0..1u32 << (m - 1) {
            let mut shares = vec![];
            let mut begin = 0;
            for end in 1..=m {
                if end == m || cuts & (1 << (end - 1)) != 0 {
                    let (real, n) = groups[begin..end].iter().fold((0, 0), |(r, n), g| (r + g.0, n + g.1));
                    shares.extend(vec![real as f64 / n as f64; end - begin]);
                    begin = end;
                }
            }
            if shares.windows(2).any(|w| w[1] < w[0]) {
                continue;
            }
            let error: f64 = groups
                .iter()
                .zip(&shares)
                .map(|((real, n), p)| *real as f64 * (1.0 - p).powi(2) + (*n - *real) as f64 * p * p)
                .sum();
            if error < best.0 - 1e-12 {
                best = (error, shares);
            }
        }
        best.1
    }

    proptest! {
        #[test]
        fn equals_the_best_of_all_rising_functions(n_real in 2usize..7, n_generated in 2usize..7, seed in 0u64..500) {
            // Whole scores bring ties.
            let mut stream = Stream::new(seed, 0);
            let mut draw = |n: usize, shift: usize| -> Vec<f64> {
                (0..n).map(|_| (stream.index(8) + shift) as f64).collect()
            };
            let (real, generated) = (draw(n_real, 1), draw(n_generated, 0));
            let scores = Scores::new(&real, &generated).unwrap();
            let fitted = IsotonicCalibrator::fit(scores);
            fitted.check().unwrap();
            let mut distinct: Vec<f64> = real.iter().chain(&generated).copied().collect();
            distinct.sort_by(f64::total_cmp);
            distinct.dedup();
            let count = |set: &[f64], v: f64| set.iter().filter(|s| **s == v).count();
            let groups: Vec<(usize, usize)> =
                distinct.iter().map(|v| (count(&real, *v), count(&real, *v) + count(&generated, *v))).collect();
            let edge = 0.5 / scores.len() as f64;
            for (score, want) in distinct.iter().zip(brute_force(&groups)) {
                let share = crate::math::logistic(fitted.apply(*score) + scores.prior_log_odds());
                prop_assert!((share - want.clamp(edge, 1.0 - edge)).abs() < 1e-12, "{score}: {share} {want}");
            }
        }
    }

    #[test]
    fn between_knots_a_line_outside_a_constant() {
        let c = IsotonicCalibrator { scores: vec![0.0, 1.0, 2.0], log_ratios: vec![-1.0, -1.0, 3.0] };
        for (score, want) in [(-9.0, -1.0), (0.5, -1.0), (1.25, 0.0), (2.0, 3.0), (f64::INFINITY, 3.0)] {
            assert_eq!(c.apply(score), want, "{score}");
        }
        assert!(c.apply(f64::NAN).is_nan());
        let far = IsotonicCalibrator { scores: vec![f64::MIN, f64::MAX], log_ratios: vec![0.0, 1.0] };
        assert_eq!(far.apply(0.0), 0.5);
    }

    #[test]
    fn what_falls_is_refused() {
        let refused = |scores: &[f64], log_ratios: &[f64]| {
            IsotonicCalibrator { scores: scores.to_vec(), log_ratios: log_ratios.to_vec() }
                .check()
                .unwrap_err()
                .key
        };
        assert_eq!(refused(&[], &[]), "scores");
        assert_eq!(refused(&[0.0], &[0.0, 1.0]), "log_ratios");
        assert_eq!(refused(&[0.0, 0.0], &[0.0, 1.0]), "scores[1]");
        assert_eq!(refused(&[0.0, 1.0, 2.0], &[0.0, 1.0, 0.5]), "log_ratios[2]");
        // Also without a check nothing panics.
        assert!(IsotonicCalibrator { scores: vec![], log_ratios: vec![1.0] }.apply(0.0).is_nan());
    }
}
