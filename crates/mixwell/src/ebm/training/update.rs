//! What an update tells, and what a reader of the run should know besides.

use serde::{Deserialize, Serialize};

/// What one update did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Its number, counted from 1.
    pub update: u64,
    /// The loss of the energy.
    pub loss: f64,
    /// Mean energy of the data. For `nce` and `score`, of `-log p~` instead.
    pub positive_energy: f64,
    /// Mean energy of the negatives.
    pub negative_energy: f64,
    /// Norm of the gradient of the energy, before clipping.
    pub gradient_norm: f64,
    /// Learning rate of the energy.
    pub learning_rate: f64,
    /// Mean acceptance probability of local moves.
    pub local_acceptance: Option<f64>,
    /// Share of jumps after which the chain stood elsewhere.
    pub global_acceptance: Option<f64>,
    /// Mean effective number of particles of a jump.
    pub particle_ess: Option<f64>,
    /// Effective share of weighted walkers.
    pub walker_ess: Option<f64>,
    /// Estimate of `ln Z` that the trainer has of itself (`nce`, `jarzynski`).
    pub log_evidence: Option<f64>,
    /// Loss of the flow.
    pub flow_loss: Option<f64>,
}

impl Update {
    /// Mean energy of the data less that of the negatives: hovers around zero where the chains follow the energy.
    pub fn gap(&self) -> f64 {
        self.positive_energy - self.negative_energy
    }
}

/// Something that a reader of the run should know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The update at which it happened.
    pub update: u64,
    /// What happened.
    pub what: String,
}
