//! Score matching: fit the gradient of the log-density; no negatives and no chains.
//!
//! The cheap baseline. Denoising fits the data blurred by `sigma`; sliced fits the data themselves, with more noise in its loss, and
//! needs an energy that is smooth (second derivatives: a leaky ReLU has none). Both are blind to weights of modes that do not touch.
//! References: [vincent2011connection]; [song2019sliced].

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::ebm::recipe::{FlowRole, Objective, Recipe, Source};
use crate::{ConfigError, range};

/// Which score matching.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScoreMethod {
    /// On blurred points.
    Denoising {
        /// Standard deviation of the blur, in the units of the data.
        sigma: f64,
    },
    /// Along random directions.
    Sliced {
        /// Step to either side for second derivatives, in the units of the data.
        #[serde(default = "width")]
        width: f64,
    },
}

fn width() -> f64 {
    0.02
}

/// Fit the gradient of the log-density.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreTrainer {
    /// Denoising or sliced.
    pub method: ScoreMethod,
}

impl Default for ScoreTrainer {
    fn default() -> Self {
        Self { method: ScoreMethod::Denoising { sigma: 0.1 } }
    }
}

impl Settings for ScoreTrainer {
    fn check(&self, _: usize) -> Result<(), ConfigError> {
        match self.method {
            ScoreMethod::Denoising { sigma } => range::positive("method.sigma", sigma),
            ScoreMethod::Sliced { width } => range::positive("method.width", width),
        }
    }

    fn recipe(&self) -> Recipe {
        let objective = match self.method {
            ScoreMethod::Denoising { sigma } => Objective::Denoising { sigma },
            ScoreMethod::Sliced { width } => Objective::Sliced { width },
        };
        Recipe { source: Source::Nothing, objective, flow: FlowRole::Unused }
    }
}
