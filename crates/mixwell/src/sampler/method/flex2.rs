//! FlEx2MCMC: Ex2 with a flow trained on the particles while sampling, then frozen.
//!
//! Reference: Samsonov et al., "Local-Global MCMC kernels: the best of both worlds", NeurIPS 2022, algorithm 3.
//! Differs: the flow is frozen before production, so that the draws follow the target's law exactly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::{Expand, default_local, round};
use crate::kernel::{IsirConfig, KernelConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};
use crate::train::{MixSchedule, Objective, Tempering, TrainAction};

/// Settings of FlEx2MCMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flex2 {
    /// The global move.
    pub global: IsirConfig,
    /// The local kernel.
    pub local: Box<KernelConfig>,
    /// Local steps after each global move; one round is one draw.
    pub local_steps: usize,
    /// Rounds before training starts; the flow's whitening is set from their last half.
    pub burn_in: usize,
    /// Rounds with one training step each.
    pub train_iterations: usize,
    /// The weight of the forward part of the loss (the rest is reverse KL).
    pub mix: MixSchedule,
    /// Inverse temperature of the target that the flow learns, over the training.
    pub tempering: Tempering,
    /// Rounds after training in which only step sizes adapt.
    pub tune: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for Flex2 {
    fn default() -> Self {
        Self {
            global: IsirConfig { n_particles: 64, ..IsirConfig::default() },
            local: Box::new(default_local()),
            local_steps: 5,
            burn_in: 200,
            train_iterations: 1000,
            mix: MixSchedule::default(),
            tempering: Tempering::default(),
            tune: 100,
            frozen: 100,
        }
    }
}

impl Expand for Flex2 {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        vec![
            ("global".into(), KernelConfig::Isir(self.global.clone())),
            ("local".into(), (*self.local).clone()),
        ]
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        vec![("flex2".into(), round(&self.global, &self.local, self.local_steps))]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("burn_in", self.burn_in),
            ("train_iterations", self.train_iterations),
            ("tune", self.tune),
            ("frozen", self.frozen),
        ]
    }

    fn local_steps_of_round(&self) -> Option<(usize, &KernelConfig)> {
        Some((self.local_steps, &self.local))
    }

    fn schedule(&self) -> Schedule {
        let learn = TrainAction {
            objective: Objective::Pool { mix: self.mix },
            steps: 1,
            tempering: self.tempering,
            ..TrainAction::default()
        };
        let whiten = TrainAction { whiten: true, ..TrainAction::default() };
        let forget = Action::Train(TrainAction { forget: true, ..TrainAction::default() });
        let warmup = vec![
            Stage { repeat: 1, actions: vec![Action::moves("flex2", self.burn_in / 2), forget] },
            Stage {
                repeat: 1,
                actions: vec![Action::moves("flex2", self.burn_in - self.burn_in / 2), Action::Train(whiten)],
            },
            Stage {
                repeat: self.train_iterations,
                actions: vec![Action::moves("flex2", 1), Action::Train(learn)],
            },
            Stage { repeat: 1, actions: vec![Action::moves("flex2", self.tune)] },
        ];
        Schedule { warmup, frozen: self.frozen, production: vec![Move::new("flex2", 1)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warmup_has_the_length_that_was_asked_for() {
        let flex2 = Flex2 { burn_in: 7, train_iterations: 11, tune: 3, ..Flex2::default() };
        assert_eq!(flex2.schedule().adapting_draws(), 21);
    }
}
