//! Training as data: what one call does, and the settings all calls share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tempering;
use crate::ConfigError;
use crate::net::LearningRate;

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

/// What a training call minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Objective {
    /// Forward KL on past draws: `-mean log q(x)` over the replay buffer; for the flow `flow_matching` its own loss.
    #[default]
    Forward,
    /// Self-normalised forward KL over the particles of the last i-SIR step, weights and particles constant,
    /// mixed with reverse KL: `a L_forward + (1 - a) L_reverse`.
    Pool {
        /// The weight `a` of the forward part.
        #[serde(default)]
        mix: MixSchedule,
    },
    /// Reverse KL, `mean[log rho(z) - log_det - log_prob(T(z))]` over fresh latents.
    Reverse,
    /// Forward KL on past draws mixed with reverse KL.
    Mixed {
        /// The weight `a` of the forward part.
        #[serde(default)]
        mix: MixSchedule,
    },
    /// Markovian score climbing: the gradient of `log q` at the chains' new states (Naesseth et al. 2020).
    ScoreClimbing,
}

impl Objective {
    /// The weight of the forward part after a fraction `progress` of the training.
    pub fn forward_weight(&self, progress: f64) -> f64 {
        match self {
            Objective::Forward | Objective::ScoreClimbing => 1.0,
            Objective::Reverse => 0.0,
            Objective::Pool { mix } | Objective::Mixed { mix } => mix.forward_weight(progress),
        }
    }

    /// Whether some gradient of the target is ever needed.
    pub fn uses_target(&self) -> bool {
        match self {
            Objective::Forward | Objective::ScoreClimbing => false,
            Objective::Reverse => true,
            Objective::Pool { mix } | Objective::Mixed { mix } => {
                *mix != MixSchedule::Constant { forward: 1.0 }
            }
        }
    }
}

/// How the weight `a` of the forward KL moves with progress `t/T` through the planned training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum MixSchedule {
    /// Always `forward`.
    Constant {
        /// The weight, between 0 and 1.
        forward: f64,
    },
    /// `min(cap, slope * t/T)`; the default is cap 0.5 and slope 3.
    Ramp {
        /// Largest weight.
        cap: f64,
        /// How fast it grows.
        slope: f64,
    },
}

impl Default for MixSchedule {
    fn default() -> Self {
        MixSchedule::Ramp { cap: 0.5, slope: 3.0 }
    }
}

impl MixSchedule {
    /// The weight of the forward part at `progress` between 0 and 1.
    pub fn forward_weight(&self, progress: f64) -> f64 {
        match *self {
            MixSchedule::Constant { forward } => forward,
            MixSchedule::Ramp { cap, slope } => (slope * progress).min(cap),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let fraction = |key: &str, v: f64| {
            if (0.0..=1.0).contains(&v) {
                Ok(())
            } else {
                Err(ConfigError::new(key, v, "a weight lies between 0 and 1"))
            }
        };
        match *self {
            MixSchedule::Constant { forward } => fraction("mix.forward", forward),
            MixSchedule::Ramp { cap, slope } => {
                fraction("mix.cap", cap)?;
                if slope > 0.0 && slope.is_finite() {
                    Ok(())
                } else {
                    Err(ConfigError::new("mix.slope", slope, "it must be positive and finite"))
                }
            }
        }
    }
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
        matches!(self.objective, Objective::Pool { .. }) && self.steps > 0
    }

    /// Checks ranges and that passes are only asked of the objective that has a fixed set of examples.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.epochs > 0 && self.objective != Objective::Forward {
            return Err(ConfigError::new(
                "epochs",
                self.epochs,
                "only the objective `forward` has epochs; use `steps`",
            ));
        }
        if let Objective::Pool { mix } | Objective::Mixed { mix } = &self.objective {
            mix.check()?;
        }
        self.tempering.check()
    }
}

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
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let positive = |key: &str, v: f64| {
            if v > 0.0 && v.is_finite() {
                Ok(())
            } else {
                Err(ConfigError::new(key, v, "it must be positive and finite"))
            }
        };
        let at_least_one = |key: &str, v: usize| {
            if v > 0 { Ok(()) } else { Err(ConfigError::new(key, v, "at least 1 is needed")) }
        };
        positive("learning_rate", self.learning_rate)?;
        positive("clip_norm", self.clip_norm)?;
        positive("jump_tolerance", self.jump_tolerance)?;
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(ConfigError::new("weight_decay", self.weight_decay, "it must be zero or positive"));
        }
        at_least_one("batch", self.batch)?;
        at_least_one("reverse_draws", self.reverse_draws)?;
        if self.max_examples < 2 {
            return Err(ConfigError::new("max_examples", self.max_examples, "at least 2 are needed"));
        }
        if !(0.0..1.0).contains(&self.validation) {
            return Err(ConfigError::new(
                "validation",
                self.validation,
                "a share lies between 0 and 1, 1 excluded",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_of_flex2_is_capped() {
        let mix = MixSchedule::default();
        assert_eq!(mix.forward_weight(0.0), 0.0);
        assert!((mix.forward_weight(0.1) - 0.3).abs() < 1e-15);
        assert_eq!(mix.forward_weight(0.9), 0.5);
    }

    #[test]
    fn unusable_settings_are_named() {
        let bad = TrainingConfig { learning_rate: f64::NAN, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "learning_rate");
        let bad = TrainingConfig { validation: 1.0, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "validation");
        let bad = TrainAction { objective: Objective::Reverse, epochs: 3, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "epochs");
        let bad = TrainAction { tempering: Tempering::Constant { beta: f64::NAN }, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "tempering.beta");
        TrainingConfig::default().check().unwrap();
    }
}
