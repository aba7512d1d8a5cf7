//! Logistic calibration of Platt (1999): `a d + b` [platt1999probabilistic].
//!
//! Maximum likelihood on labels 0 and 1, as in REP-GAN, not on Platt's smoothed ones.

use serde::{Deserialize, Serialize};

use super::Scores;
use super::regression::regression;
use crate::{ConfigError, range};

/// `a d + b`: another temperature and another level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticCalibrator {
    /// What the score is multiplied by: below 1 for a discriminator that is too sure.
    pub a: f64,
    /// What is added.
    pub b: f64,
}

impl LogisticCalibrator {
    pub(super) fn fit(scores: Scores<'_>) -> Self {
        let [a, b] = regression(scores, |r| [r, 1.0]);
        Self { a, b }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        range::finite("a", self.a)?;
        range::finite("b", self.b)
    }

    pub(super) fn apply(&self, score: f64) -> f64 {
        // An infinite score times a slope of zero is no number; the largest finite one serves.
        self.a * score.clamp(f64::MIN, f64::MAX) + self.b
    }

    pub(super) fn slope(&self, score: f64) -> f64 {
        if score.is_nan() { f64::NAN } else { self.a }
    }
}
