//! How well scores are calibrated, on points that nothing was fitted to.
//!
//! With `P_i` the probability of being real that a score stands for and `y_i` whether the point is: Brier score `mean (y - P)^2`, log loss
//! `-mean log P(y)`, and `Z = sum (y_i - P_i) / sqrt(sum P_i (1 - P_i))`, which is about `N(0, 1)` where probabilities are right on the whole [turner2019mhgan]. `Z` sees a wrong level only; the first two, and a
//! [`ReliabilityTable`](super::ReliabilityTable), see the rest.

use serde::{Deserialize, Serialize};

use super::{Calibrator, Scores};
use crate::math::{logistic, softplus};

/// A mean over points with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The mean.
    pub value: f64,
    /// Its standard error, for independent points of given numbers of real and generated ones.
    pub standard_error: f64,
}

/// Measures of calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationMeasures {
    /// Real points.
    pub n_real: usize,
    /// Generated points.
    pub n_generated: usize,
    /// `mean (y - P)^2`: 1/4 for a discriminator that tells nothing (of equal numbers), lower is better.
    pub brier: Measured,
    /// `-mean log P(y)`: log 2 for one that tells nothing, lower is better.
    pub log_loss: Measured,
    /// `sum (y - P) / sqrt(sum P (1 - P))`: about N(0, 1) where calibrated. `None` where all probabilities are 0 or 1 to rounding.
    pub z: Option<f64>,
}

impl CalibrationMeasures {
    /// Measures of what a calibrator makes of scores.
    ///
    /// ```
    /// use mixwell::gan::calibrate::{CalibrationMeasures, Calibrator, Scores};
    /// let scores = Scores::new(&[0.0, 0.0], &[0.0, 0.0])?;
    /// let measures = CalibrationMeasures::of(&Calibrator::Raw {}, scores);
    /// assert_eq!((measures.brier.value, measures.z), (0.25, Some(0.0)));
    /// # Ok::<(), mixwell::ConfigError>(())
    /// ```
    pub fn of(calibrator: &Calibrator, scores: Scores<'_>) -> Self {
        let offset = scores.prior_log_odds();
        let (mut residual, mut variance) = (0.0, 0.0);
        let mut of_kind = |scores: &[f64], side: f64| {
            let (mut brier, mut log_loss) = (Sums::default(), Sums::default());
            for score in scores {
                let margin = side * (calibrator.apply(*score) + offset);
                let wrong = logistic(-margin);
                residual += side * wrong;
                variance += wrong * logistic(margin);
                brier.add(wrong * wrong);
                log_loss.add(softplus(-margin));
            }
            (brier, log_loss)
        };
        let real = of_kind(scores.real(), 1.0);
        let generated = of_kind(scores.generated(), -1.0);
        Self {
            n_real: scores.real().len(),
            n_generated: scores.generated().len(),
            brier: Sums::together(&real.0, &generated.0),
            log_loss: Sums::together(&real.1, &generated.1),
            z: Some(residual / variance.sqrt()).filter(|z| z.is_finite()),
        }
    }
}

/// Sums of one kind of points, by Welford's recursion.
#[derive(Default)]
struct Sums {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        let off = value - self.mean;
        self.mean += off / self.n;
        self.squares += off * (value - self.mean);
    }

    /// The mean over both kinds: numbers of each are given, so only the spread within a kind makes an error.
    fn together(a: &Self, b: &Self) -> Measured {
        let n = a.n + b.n;
        let of_sum = |s: &Self| s.squares * s.n / (s.n - 1.0).max(1.0);
        let value = a.mean * (a.n / n) + b.mean * (b.n / n);
        Measured { value, standard_error: (of_sum(a) + of_sum(b)).sqrt() / n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // log 3 is a probability of 3/4, 0 one of 1/2. Two real for one generated add log 2: 6/7 and 2/3, 2/5 for -log 3.
        let three = 3f64.ln();
        let real = [three, 0.0];
        let generated = [-three, 0.0];
        let m = CalibrationMeasures::of(&Calibrator::Raw {}, Scores::new(&real, &generated).unwrap());
        let brier = (2.0 * 0.0625 + 2.0 * 0.25) / 4.0;
        assert!((m.brier.value - brier).abs() < 1e-15);
        let log_loss = -(2.0 * 0.75f64.ln() + 2.0 * 0.5f64.ln()) / 4.0;
        assert!((m.log_loss.value - log_loss).abs() < 1e-15);
        assert!(m.z.unwrap().abs() < 1e-15);
        // Of one kind: variance of {1/16, 1/4} is 9/512; both kinds add, of four.
        assert!((m.brier.standard_error - (2.0 * 2.0 * 9.0 / 512.0f64).sqrt() / 4.0).abs() < 1e-15);
        let uneven = [three, 0.0, 0.0, three];
        let m = CalibrationMeasures::of(&Calibrator::Raw {}, Scores::new(&uneven, &generated).unwrap());
        let p: [f64; 6] = [6.0 / 7.0, 2.0 / 3.0, 2.0 / 3.0, 6.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0];
        let z = (4.0 - p.iter().sum::<f64>()) / p.iter().map(|p| p * (1.0 - p)).sum::<f64>().sqrt();
        assert!((m.z.unwrap() - z).abs() < 1e-13, "{m:?} {z}");
    }

    #[test]
    fn scores_beyond_all_probability_stay_numbers() {
        let m =
            CalibrationMeasures::of(&Calibrator::Raw {}, Scores::new(&[900.0, 1e6], &[900.0, -1e6]).unwrap());
        assert_eq!((m.log_loss.value, m.z), (225.0, None));
        assert_eq!(m.brier.value, 0.25);
    }
}
