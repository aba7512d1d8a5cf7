//! Walkers with weights that follow the energy as it changes.
//!
//! Unadjusted Langevin steps, and a log-weight that accounts for the discretisation and for every change of the energy, see
//! `walkers.rs`: weighted means are those of the present energy without bias, and so are the weights of modes, even where no walker
//! ever crosses. The weights grow apart with time; walkers are resampled where too few of them carry the weight.
//! Needs a base that can be drawn from: walkers start there.
//! Reference: [carbone2023efficient].

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::ebm::recipe::{FlowRole, Objective, Recipe, Source, WalkersRecipe};
use crate::kernel::StepSize;
use crate::{ConfigError, range};

/// Walkers with weights that follow the energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JarzynskiTrainer {
    /// Number of walkers, all of which are negatives.
    pub walkers: usize,
    /// Langevin step: a number is `eta` (noise variance `2 eta`); `{ tau = .. }` and `{ dt = .. }` are converted.
    pub step_size: StepSize,
    /// Steps of an update.
    pub steps: usize,
    /// Effective share of walkers below which they are resampled.
    pub resample_below: f64,
}

impl Default for JarzynskiTrainer {
    fn default() -> Self {
        Self { walkers: 1024, step_size: StepSize::from_eta(0.01), steps: 4, resample_below: 0.5 }
    }
}

impl Settings for JarzynskiTrainer {
    fn check(&self, _: usize) -> Result<(), ConfigError> {
        range::at_least("walkers", self.walkers, 2)?;
        self.step_size.check("step_size")?;
        range::at_least("steps", self.steps, 1)?;
        range::share("resample_below", self.resample_below)
    }

    fn recipe(&self) -> Recipe {
        Recipe {
            source: Source::Walkers(WalkersRecipe {
                walkers: self.walkers,
                eta: self.step_size.eta(),
                steps: self.steps,
                resample_below: self.resample_below,
            }),
            objective: Objective::Contrast,
            flow: FlowRole::Unused,
        }
    }
}
