//! Linear calibration: `logit P(real) = a D + b`, with `D = 1 / (1 + e^-d)` the discriminator's probability.
//!
//! So called in the code of Metropolis-Hastings GANs [turner2019mhgan]: a logistic regression on the probability, not on its log odds. What it gives stays between `b` and
//! `a + b`, so it forgives a discriminator that is far too sure.

use serde::{Deserialize, Serialize};

use super::Scores;
use super::regression::regression;
use crate::math::logistic;
use crate::{ConfigError, range};

/// `a D + b`, with `D` the probability that a score stands for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearCalibrator {
    /// What the probability is multiplied by.
    pub a: f64,
    /// What is added.
    pub b: f64,
}

impl LinearCalibrator {
    pub(super) fn fit(scores: Scores<'_>) -> Self {
        let [a, b] = regression(scores, |r| [logistic(r), 1.0]);
        Self { a, b }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        range::finite("a", self.a)?;
        range::finite("b", self.b)
    }

    pub(super) fn apply(&self, score: f64) -> f64 {
        self.a * logistic(score) + self.b
    }

    pub(super) fn slope(&self, score: f64) -> f64 {
        self.a * logistic(score) * logistic(-score)
    }
}
