//! One rung of a ladder as it was climbed.

use serde::{Deserialize, Serialize};

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
