//! flowMC: rounds of local steps, training on past draws, and global steps; then the same with the flow frozen.
//!
//! Reference: Gabrié, Rotskoff and Vanden-Eijnden, "Adaptive Monte Carlo augmented with normalizing flows", PNAS 2022.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::{Expand, default_local};
use crate::kernel::{IndependentMhConfig, KernelConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};
use crate::train::TrainAction;

/// Settings of the flowMC scheme.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowMc {
    /// The local kernel.
    pub local: Box<KernelConfig>,
    /// Local steps per round.
    pub local_steps: usize,
    /// The global kernel: independent Metropolis-Hastings or i-SIR.
    pub global: Box<KernelConfig>,
    /// Global steps per round.
    pub global_steps: usize,
    /// Rounds with training.
    pub training_loops: usize,
    /// Passes over the replay buffer per round.
    pub epochs: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for FlowMc {
    fn default() -> Self {
        Self {
            local: Box::new(default_local()),
            local_steps: 100,
            global: Box::new(KernelConfig::IndependentMh(IndependentMhConfig::default())),
            global_steps: 10,
            training_loops: 20,
            epochs: 5,
            frozen: 110,
        }
    }
}

impl Expand for FlowMc {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        vec![("local".into(), (*self.local).clone()), ("global".into(), (*self.global).clone())]
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        self.parts()
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("local_steps", self.local_steps),
            ("global_steps", self.global_steps),
            ("training_loops", self.training_loops),
            ("epochs", self.epochs),
            ("frozen", self.frozen),
        ]
    }

    fn schedule(&self) -> Schedule {
        let train = TrainAction { epochs: self.epochs, whiten: true, ..TrainAction::default() };
        let actions = vec![
            Action::moves("local", self.local_steps),
            Action::Train(train),
            Action::moves("global", self.global_steps),
        ];
        Schedule {
            warmup: vec![Stage { repeat: self.training_loops, actions }],
            frozen: self.frozen,
            production: vec![Move::new("local", self.local_steps), Move::new("global", self.global_steps)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warmup_has_the_length_that_was_asked_for() {
        assert_eq!(FlowMc::default().schedule().adapting_draws(), 20 * 110);
    }
}
