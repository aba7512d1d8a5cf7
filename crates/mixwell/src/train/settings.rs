//! Settings that all training calls of a run share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::net::{LearningRate, OptimiserConfig};
use crate::{ConfigError, range};

/// Which past draws the replay buffer keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// The newest draws.
    #[default]
    Window,
    /// A uniform sample of all draws so far: slower to forget, less prone to lose a mode.
    Reservoir,
}

/// What all training calls of a run share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// How the learning rate moves with the number of steps.
    pub schedule: LearningRate,
    /// Decoupled weight decay (AdamW).
    pub weight_decay: f64,
    /// Gradients longer than this are shortened to it.
    pub clip_norm: f64,
    /// Rows per optimiser step on past draws.
    pub batch: usize,
    /// Fresh latents per optimiser step of the reverse KL.
    pub reverse_draws: usize,
    /// Which past draws are kept.
    pub history: History,
    /// How many past draws are kept, over all chains; the bound on the buffer's memory.
    pub max_examples: usize,
    /// Share of the examples held out to choose the best epoch.
    pub validation: f64,
    /// Stop a call after this many epochs without a better validation loss; 0 never stops early.
    pub patience: usize,
    /// Optimising calls that are skipped at the beginning, while chains find the target.
    pub start_after: usize,
    /// An update is skipped when the loss moved by more than this since the last good one.
    pub jump_tolerance: f64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            schedule: LearningRate::default(),
            weight_decay: 1e-4,
            clip_norm: 1.0,
            batch: 1000,
            reverse_draws: 100,
            history: History::Window,
            max_examples: 10_000,
            validation: 0.1,
            patience: 0,
            start_after: 0,
            jump_tolerance: 1e6,
        }
    }
}

impl TrainingConfig {
    /// The settings of the optimiser.
    pub(super) fn optimiser(&self) -> OptimiserConfig {
        OptimiserConfig {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            clip_norm: self.clip_norm,
            schedule: self.schedule,
            ..OptimiserConfig::default()
        }
    }

    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::positive("learning_rate", self.learning_rate)?;
        range::positive("clip_norm", self.clip_norm)?;
        range::positive("jump_tolerance", self.jump_tolerance)?;
        range::not_negative("weight_decay", self.weight_decay)?;
        range::at_least("batch", self.batch, 1)?;
        range::at_least("reverse_draws", self.reverse_draws, 1)?;
        range::at_least("max_examples", self.max_examples, 2)?;
        range::below_one("validation", self.validation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_settings_are_named() {
        let bad = TrainingConfig { learning_rate: f64::NAN, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "learning_rate");
        let bad = TrainingConfig { validation: 1.0, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "validation");
        TrainingConfig::default().check().unwrap();
    }
}
