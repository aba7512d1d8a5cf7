//! One training call of a schedule, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objective, Tempering};
use crate::ConfigError;
use crate::footprint::MOST_COUNT;
use crate::range::at_most;

/// Most optimiser steps on one set of particles.
const MOST_POOL_STEPS: usize = 10_000;

/// One training call of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainAction {
    /// What is minimised.
    pub objective: Objective,
    /// Passes over the examples (objective `forward` only; zero for the others).
    pub epochs: usize,
    /// Single optimiser steps (zero when `epochs` is used).
    pub steps: usize,
    /// Inverse temperature of the target that is learnt.
    pub tempering: Tempering,
    /// Set the flow's whitening to the mean and spread of the replay buffer before training.
    pub whiten: bool,
    /// Empty the replay buffer afterwards, so that the next call learns from newer draws only.
    pub forget: bool,
}

impl Default for TrainAction {
    fn default() -> Self {
        Self {
            objective: Objective::Forward,
            epochs: 0,
            steps: 0,
            tempering: Tempering::default(),
            whiten: false,
            forget: false,
        }
    }
}

impl TrainAction {
    /// Whether it takes optimiser steps at all.
    pub fn optimises(&self) -> bool {
        self.epochs > 0 || self.steps > 0
    }

    /// Whether it learns from the particles of the last i-SIR step.
    pub fn needs_pool(&self) -> bool {
        self.steps > 0 && self.objective.with(|loss| loss.uses_particles())
    }

    /// Checks ranges and that passes are only asked of the objective that has a fixed set of examples.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.epochs > 0 && !self.objective.with(|loss| loss.has_epochs()) {
            return Err(ConfigError::new(
                "epochs",
                self.epochs,
                "only the objective `forward` has epochs; use `steps`",
            ));
        }
        at_most("epochs", self.epochs, MOST_COUNT)?;
        // A call that learns from particles runs to its end before an interruption is seen.
        at_most("steps", self.steps, if self.needs_pool() { MOST_POOL_STEPS } else { MOST_COUNT })?;
        self.objective.check()?;
        self.tempering.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_settings_are_named() {
        let bad = TrainAction { objective: Objective::Reverse, epochs: 3, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "epochs");
        let bad = TrainAction { tempering: Tempering::Constant { beta: f64::NAN }, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "tempering.beta");
    }
}
