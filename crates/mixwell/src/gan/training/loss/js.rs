//! The loss whose discriminator is the logit of a classifier of data against generated points, with the generator's loss that does
//! not saturate.
//!
//! Discriminator: `softplus(-d(x)) + softplus(d(G(z)))`, least at `d = ln p_data / p_G`, where it is `ln 4` less twice the
//! Jensen-Shannon divergence. Generator: `softplus(-d(G(z)))`. Reference: [goodfellow2014generative].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Adversarial, Term};
use crate::math::{logistic, softplus};
use crate::{ConfigError, range};

/// Settings of the loss `js`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JsLoss {
    /// Factor of the gradient penalty between data and generated points; 0 for none.
    pub penalty: f64,
}

impl Adversarial for JsLoss {
    fn check(&self) -> Result<(), ConfigError> {
        range::not_negative("penalty", self.penalty)
    }

    fn on_data(&self, score: f64) -> Term {
        Term { value: softplus(-score), slope: -logistic(-score) }
    }

    fn on_generated(&self, score: f64) -> Term {
        Term { value: softplus(score), slope: logistic(score) }
    }

    fn of_generator(&self, score: f64) -> Term {
        self.on_data(score)
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }
}
