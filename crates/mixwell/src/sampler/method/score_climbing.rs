//! Markovian score climbing: the flow follows the gradient of `log q` at the states of chains that i-SIR moves with that flow.
//!
//! Each round moves every chain by i-SIR with the flow as proposal (then, if asked for, by local steps) and makes one optimiser
//! step on `-mean_chains log q(x)` at the new states. Since i-SIR keeps the target's law whatever the flow is, this is
//! stochastic approximation of the forward KL: the flow ends up covering the target, where reverse KL picks a part of it.
//! Convergence asks for step sizes as Robbins and Monro have them: `schedule = { kind = "inverse_time", every = 500 }` under `[training]`.
//! Reference: Naesseth, Lindsten and Blei, NeurIPS 2020, algorithm 1. Differs: many chains, whose gradients are averaged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::{Expand, default_local, round};
use crate::kernel::{IsirConfig, KernelConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};
use crate::train::{Objective, TrainAction};

/// Settings of Markovian score climbing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreClimbing {
    /// The global move, a conditional importance sampler.
    pub global: IsirConfig,
    /// The local kernel.
    pub local: Box<KernelConfig>,
    /// Local steps after each global move; 0 for the method as published.
    pub local_steps: usize,
    /// Rounds with one training step each.
    pub train_iterations: usize,
    /// Rounds after training in which only step sizes adapt.
    pub tune: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for ScoreClimbing {
    fn default() -> Self {
        Self {
            global: IsirConfig { n_particles: 10, ..IsirConfig::default() },
            local: Box::new(default_local()),
            local_steps: 0,
            train_iterations: 2000,
            tune: 0,
            frozen: 100,
        }
    }
}

impl Expand for ScoreClimbing {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        vec![
            ("global".into(), KernelConfig::Isir(self.global.clone())),
            ("local".into(), (*self.local).clone()),
        ]
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        vec![("score_climbing".into(), round(&self.global, &self.local, self.local_steps))]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("train_iterations", self.train_iterations), ("tune", self.tune), ("frozen", self.frozen)]
    }

    fn local_steps_of_round(&self) -> Option<(usize, &KernelConfig)> {
        Some((self.local_steps, &self.local))
    }

    fn schedule(&self) -> Schedule {
        let climb = TrainAction { objective: Objective::ScoreClimbing, steps: 1, ..TrainAction::default() };
        let actions = vec![Action::moves("score_climbing", 1), Action::Train(climb)];
        Schedule {
            warmup: vec![
                Stage { repeat: self.train_iterations, actions },
                Stage { repeat: 1, actions: vec![Action::moves("score_climbing", self.tune)] },
            ],
            frozen: self.frozen,
            production: vec![Move::new("score_climbing", 1)],
        }
    }
}
