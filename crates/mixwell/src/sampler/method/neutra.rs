//! NeuTra: a local kernel in the latent space of a flow that is trained beforehand.
//!
//! Reference: Hoffman et al., "NeuTra-lizing bad geometry in Hamiltonian Monte Carlo using neural transport", 2019.
//! Differs: the flow learns from past draws of a local kernel, by forward KL; reverse KL as published on request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::{Expand, default_local};
use crate::kernel::{HmcConfig, KernelConfig, NeutraConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};
use crate::train::{Objective, Tempering, TrainAction};

/// Settings of NeuTra.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NeutraMethod {
    /// The kernel that makes the flow's first training data.
    pub local: Box<KernelConfig>,
    /// The kernel that runs in latent space.
    pub inner: Box<KernelConfig>,
    /// Rounds of sampling and training.
    pub training_loops: usize,
    /// Local steps per round.
    pub local_steps: usize,
    /// Passes over the replay buffer per round.
    pub epochs: usize,
    /// Reverse-KL steps per round, after the passes.
    pub reverse_steps: usize,
    /// Inverse temperature of the target in the reverse-KL steps, over the training.
    pub tempering: Tempering,
    /// Latent steps in which the inner kernel adapts to the trained flow.
    pub tune: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for NeutraMethod {
    fn default() -> Self {
        Self {
            local: Box::new(default_local()),
            inner: Box::new(KernelConfig::Hmc(HmcConfig::default())),
            training_loops: 10,
            local_steps: 100,
            epochs: 5,
            reverse_steps: 0,
            tempering: Tempering::default(),
            tune: 300,
            frozen: 50,
        }
    }
}

impl Expand for NeutraMethod {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        vec![("local".into(), (*self.local).clone()), ("inner".into(), (*self.inner).clone())]
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        let latent = NeutraConfig { kernel: self.inner.clone(), ..NeutraConfig::default() };
        vec![("local".into(), (*self.local).clone()), ("neutra".into(), KernelConfig::Neutra(latent))]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("training_loops", self.training_loops),
            ("local_steps", self.local_steps),
            ("epochs", self.epochs),
            ("reverse_steps", self.reverse_steps),
            ("tune", self.tune),
            ("frozen", self.frozen),
        ]
    }

    fn schedule(&self) -> Schedule {
        let passes = TrainAction { epochs: self.epochs, whiten: true, ..TrainAction::default() };
        let reverse = TrainAction {
            objective: Objective::Reverse,
            steps: self.reverse_steps,
            tempering: self.tempering,
            ..TrainAction::default()
        };
        let mut actions = vec![Action::moves("local", self.local_steps), Action::Train(passes)];
        if self.reverse_steps > 0 {
            actions.push(Action::Train(reverse));
        }
        Schedule {
            warmup: vec![
                Stage { repeat: self.training_loops, actions },
                Stage { repeat: 1, actions: vec![Action::moves("neutra", self.tune)] },
            ],
            frozen: self.frozen,
            production: vec![Move::new("neutra", 1)],
        }
    }
}
