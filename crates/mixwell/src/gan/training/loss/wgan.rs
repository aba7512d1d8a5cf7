//! The loss of Wasserstein GANs: the critic's score differs between data and generated points by as much as a slope of 1 allows.
//!
//! Critic: `d(G(z)) - d(x)`, generator: `-d(G(z))`. The slope is held by a gradient penalty `penalty (|grad d| - 1)^2`
//! [gulrajani2017improved] or by keeping every weight within `+-clip` after a step [arjovsky2017wasserstein].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Adversarial, Term};
use crate::{ConfigError, range};

/// Settings of the loss `wgan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WganLoss {
    /// Factor of the gradient penalty between data and generated points; 0 for none.
    pub penalty: f64,
    /// Every weight of the critic is kept within plus and minus this after a step, in the penalty's place; 0 for no bound.
    pub clip: f64,
}

impl Default for WganLoss {
    fn default() -> Self {
        Self { penalty: 10.0, clip: 0.0 }
    }
}

impl Adversarial for WganLoss {
    fn check(&self) -> Result<(), ConfigError> {
        range::not_negative("penalty", self.penalty)?;
        range::not_negative("clip", self.clip)?;
        if self.penalty == 0.0 && self.clip == 0.0 {
            let reason = "without it, `clip` must be above 0, or the scores grow without bound";
            return Err(ConfigError::new("penalty", self.penalty, reason));
        }
        Ok(())
    }

    fn on_data(&self, score: f64) -> Term {
        Term { value: -score, slope: -1.0 }
    }

    fn on_generated(&self, score: f64) -> Term {
        Term { value: score, slope: 1.0 }
    }

    fn of_generator(&self, score: f64) -> Term {
        self.on_data(score)
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }

    fn clip(&self) -> f64 {
        self.clip
    }
}
