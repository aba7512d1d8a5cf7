//! FlEx2MCMC: Ex2 with a flow trained on the particles while sampling, then frozen.
//!
//! Reference: Samsonov et al., "Local-Global MCMC kernels: the best of both worlds", NeurIPS 2022, algorithm 3.
//! Differs: the flow is frozen before production, so that the draws follow the target's law exactly; where chains start in modes that are known, the
//! flow can learn all of them before the first jump.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::{Expand, default_local, round};
use crate::kernel::{IsirConfig, KernelConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};
use crate::train::{MixSchedule, Objective, Tempering, TrainAction};

/// The kernel of the rounds without jumps.
const APART: &str = "apart";

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
    /// Rounds of one local step before the first jump. From the last half of them the flow learns every mode that chains start in, and goes on to
    /// learn from past draws beside the particles; without them, jumps of a flow that knows nothing empty the light modes before it can. With
    /// `history = "reservoir"` these draws are never all forgotten. Zero for none, as published.
    pub apart: usize,
    /// Passes over the states of these rounds, of which the best by those held out is kept.
    pub apart_epochs: usize,
    /// Rounds before training starts; without `apart`, the flow's whitening is set from their last half.
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
            apart: 0,
            apart_epochs: 30,
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
        let rounds = ("flex2".into(), round(&self.global, &self.local, self.local_steps));
        let apart = (self.apart > 0).then(|| (APART.into(), (*self.local).clone()));
        std::iter::once(rounds).chain(apart).collect()
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("apart", self.apart),
            ("apart_epochs", self.apart_epochs),
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
        let forget = Action::Train(TrainAction { forget: true, ..TrainAction::default() });
        // Half of the steps are forgotten; the flow learns from the others.
        let learned_from = |kernel, steps: usize, epochs| {
            let learn = TrainAction { whiten: true, epochs, ..TrainAction::default() };
            [
                Stage { repeat: 1, actions: vec![Action::moves(kernel, steps / 2), forget.clone()] },
                Stage {
                    repeat: 1,
                    actions: vec![Action::moves(kernel, steps - steps / 2), Action::Train(learn)],
                },
            ]
        };
        let mut warmup = Vec::new();
        if self.apart > 0 {
            warmup.extend(learned_from(APART, self.apart, self.apart_epochs));
            warmup.push(Stage { repeat: 1, actions: vec![Action::moves("flex2", self.burn_in)] });
        } else {
            warmup.extend(learned_from("flex2", self.burn_in, 0));
        }
        let mut rounds = vec![Action::moves("flex2", 1), Action::Train(learn)];
        if self.apart > 0 {
            rounds.push(Action::Train(TrainAction { steps: 1, ..TrainAction::default() }));
        }
        warmup.extend([
            Stage { repeat: self.train_iterations, actions: rounds },
            Stage { repeat: 1, actions: vec![Action::moves("flex2", self.tune)] },
        ]);
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
        let apart = Flex2 { apart: 5, ..flex2 };
        assert_eq!(apart.schedule().adapting_draws(), 26);
        apart.check().unwrap();
    }
}
