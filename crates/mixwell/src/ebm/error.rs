//! Why a training cannot begin or go on.

use crate::ConfigError;
use crate::density::EvaluationError;
use crate::kernel::StateError;
use crate::net::WeightsError;

/// Why a training cannot begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A setting, or settings and data together, cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The energy cannot be evaluated any more.
    #[error("the energy cannot be evaluated any more: {0}")]
    Evaluation(#[from] EvaluationError),
    /// It diverged too often.
    #[error(
        "training diverged {returns} times, last at update {update} ({reason}), although the learning rate fell to {learning_rate:e}; look at the step size of the chains, the regulariser and the data's scale"
    )]
    Diverged {
        /// The update.
        update: u64,
        /// What was seen.
        reason: String,
        /// Times that it went back.
        returns: u32,
        /// The learning rate at last.
        learning_rate: f64,
    },
    /// A saved state belongs to another training.
    #[error("the saved state belongs to a training with other settings")]
    OtherState,
    /// A saved state has other parameters.
    #[error("the saved state belongs to a training with other settings: {0}")]
    Weights(#[from] WeightsError),
    /// A saved state has other kernels.
    #[error("the saved state belongs to a training with other settings: {0}")]
    Kernel(#[from] StateError),
}
