//! The hinge loss.
//!
//! Discriminator: `relu(1 - d(x)) + relu(1 + d(G(z)))`. Generator: `-d(G(z))`. The score is no log-ratio of densities. Reference:
//! [miyato2018spectral], section 4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Adversarial, Term};
use crate::{ConfigError, range};

/// Settings of the loss `hinge`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HingeLoss {
    /// Factor of the gradient penalty between data and generated points; 0 for none.
    pub penalty: f64,
}

impl Adversarial for HingeLoss {
    fn check(&self) -> Result<(), ConfigError> {
        range::not_negative("penalty", self.penalty)
    }

    fn on_data(&self, score: f64) -> Term {
        let Term { value, slope } = self.on_generated(-score);
        Term { value, slope: -slope }
    }

    fn on_generated(&self, score: f64) -> Term {
        let value = 1.0 + score;
        // A score that is not a number stays none.
        if value <= 0.0 { Term { value: 0.0, slope: 0.0 } } else { Term { value, slope: 1.0 } }
    }

    fn of_generator(&self, score: f64) -> Term {
        Term { value: -score, slope: -1.0 }
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }
}
