//! Reports of an estimator: one rung of a ladder, one round of training.

use serde::{Deserialize, Serialize};

use crate::diagnostics::null_as_nan;

/// What happened at one inverse temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// The inverse temperature.
    pub beta: f64,
    /// Effective share of the population after its weights were multiplied by the increment.
    pub ess_share: f64,
    /// Whether the population was resampled.
    pub resampled: bool,
    /// Mean acceptance of the moves at this temperature.
    pub acceptance: Option<f64>,
    /// Step size of the kernel's first part that has one, after the moves.
    pub step_size: Option<f64>,
}

/// How a round went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Effective share of the round's draws.
    #[serde(deserialize_with = "null_as_nan")]
    pub ess_share: f64,
    /// The power that the weights were raised to for training; 1 for weights as they are.
    pub power: f64,
    /// Loss of the last optimiser step.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss: f64,
}
