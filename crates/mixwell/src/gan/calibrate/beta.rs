//! Beta calibration of Kull, Silva Filho and Flach (2017): `a ln D - b ln(1 - D) + c`, `D = 1 / (1 + e^-d)` [kull2017beta].
//!
//! Right where the probabilities of each class follow a beta law; `a = b` is logistic calibration. `ln D = -softplus(-d)` and `-ln(1 - D) = softplus(d)`, so nothing is cut off.
//! As in the paper, `a` and `b` are kept from being negative, so that a higher score never becomes a lower one: the likelihood is concave, so if one comes out negative, the
//! best is on the border where it is zero.

use serde::{Deserialize, Serialize};

use super::regression::regression;
use super::{CalibrationMeasures, Calibrator, Scores};
use crate::math::{logistic, softplus};
use crate::{ConfigError, range};

/// `a ln D - b ln(1 - D) + c`, with `D` the probability that a score stands for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BetaCalibrator {
    /// The slope where scores are low.
    pub a: f64,
    /// The slope where they are high.
    pub b: f64,
    /// What is added.
    pub c: f64,
}

impl BetaCalibrator {
    pub(super) fn fit(scores: Scores<'_>) -> Self {
        let [a, b, c] = regression(scores, |r| [-softplus(-r), softplus(r), 1.0]);
        if a >= 0.0 && b >= 0.0 {
            return Self { a, b, c };
        }
        let [low, low_level] = regression(scores, |r| [-softplus(-r), 1.0]);
        let [high, high_level] = regression(scores, |r| [softplus(r), 1.0]);
        let low_only = Self { a: low, b: 0.0, c: low_level };
        let high_only = Self { a: 0.0, b: high, c: high_level };
        // Both zero: every point as likely real as any other.
        let flat = Self { a: 0.0, b: 0.0, c: 0.0 };
        let loss = |c: &Self| CalibrationMeasures::of(&Calibrator::Beta(*c), scores).log_loss.value;
        let allowed = [flat, low_only, high_only].into_iter().filter(|c| c.a >= 0.0 && c.b >= 0.0);
        allowed.min_by(|x, y| loss(x).total_cmp(&loss(y))).unwrap_or(flat)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        range::not_negative("a", self.a)?;
        range::not_negative("b", self.b)?;
        range::finite("c", self.c)
    }

    pub(super) fn apply(&self, score: f64) -> f64 {
        let score = score.clamp(f64::MIN, f64::MAX);
        self.b * softplus(score) - self.a * softplus(-score) + self.c
    }

    pub(super) fn slope(&self, score: f64) -> f64 {
        self.a * logistic(-score) + self.b * logistic(score)
    }
}
