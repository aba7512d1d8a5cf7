//! The reliability table: of the points to which a probability near `P` of being real is given, what share is real?

use serde::{Deserialize, Serialize};

use super::{Calibrator, Scores};
use crate::math::logistic;
use crate::{ConfigError, range};

/// Points whose probability lies in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// How many points.
    pub n: usize,
    /// The mean of their probabilities.
    pub predicted: f64,
    /// The share of them that is real.
    pub observed: f64,
    /// The standard error of that share if the probabilities are right: `sqrt(sum P (1 - P)) / n`.
    pub standard_error: f64,
}

/// Points in intervals of equal width of the probability, those with points only, from low to high.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityTable {
    /// The intervals that hold points.
    pub bins: Vec<ReliabilityBin>,
}

impl ReliabilityTable {
    /// Most intervals.
    const MOST: usize = 1000;

    /// Sorts what a calibrator makes of scores into `n_bins` intervals.
    ///
    /// # Errors
    /// When there is no interval, or more than 1000.
    pub fn of(calibrator: &Calibrator, scores: Scores<'_>, n_bins: usize) -> Result<Self, ConfigError> {
        range::within("n_bins", n_bins, 1, Self::MOST)?;
        let offset = scores.prior_log_odds();
        let mut bins = vec![(0usize, 0.0, 0usize, 0.0); n_bins];
        for (score, real) in scores.labelled() {
            let logit = calibrator.apply(score) + offset;
            let p = logistic(logit);
            // NaN becomes 0 in the conversion; finite scores and a checked calibrator give none.
            let bin = &mut bins[((p * n_bins as f64) as usize).min(n_bins - 1)];
            *bin = (bin.0 + 1, bin.1 + p, bin.2 + usize::from(real), bin.3 + p * logistic(-logit));
        }
        let filled = bins.into_iter().filter(|bin| bin.0 > 0);
        let bins = filled.map(|(n, predicted, real, variance)| ReliabilityBin {
            n,
            predicted: predicted / n as f64,
            observed: real as f64 / n as f64,
            standard_error: variance.sqrt() / n as f64,
        });
        Ok(Self { bins: bins.collect() })
    }

    /// How many standard errors the share of the interval that is farthest off is away from what was predicted; zero where nothing can be said.
    pub fn worst(&self) -> f64 {
        let off = |b: &ReliabilityBin| (b.observed - b.predicted).abs() / b.standard_error;
        self.bins.iter().map(off).filter(|z| z.is_finite()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let (real, generated) = ([logit(0.9), logit(0.8), logit(0.1)], [logit(0.2), logit(0.1), logit(0.85)]);
        let table =
            ReliabilityTable::of(&Calibrator::Raw {}, Scores::new(&real, &generated).unwrap(), 2).unwrap();
        let [low, high] = table.bins[..] else { panic!("two bins: {table:?}") };
        assert_eq!((low.n, high.n), (3, 3));
        assert!((low.predicted - 0.4 / 3.0).abs() < 1e-15 && (low.observed - 1.0 / 3.0).abs() < 1e-15);
        assert!((high.predicted - 0.85).abs() < 1e-15 && (high.observed - 2.0 / 3.0).abs() < 1e-15);
        assert!((low.standard_error - (2.0 * 0.09 + 0.16f64).sqrt() / 3.0).abs() < 1e-15);
        let ones =
            ReliabilityTable::of(&Calibrator::Raw {}, Scores::new(&[900.0; 2], &[-900.0; 2]).unwrap(), 10);
        let ones = ones.unwrap();
        assert_eq!((ones.bins.len(), ones.worst()), (2, 0.0));
        let none = ReliabilityTable::of(&Calibrator::Raw {}, Scores::new(&real, &generated).unwrap(), 0);
        assert_eq!(none.unwrap_err().key, "n_bins");
    }
}
