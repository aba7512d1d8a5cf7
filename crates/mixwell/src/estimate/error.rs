//! Errors of an estimator.

use crate::ConfigError;
use crate::density::{EvaluationError, TargetError};

/// An estimate that could not be made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EstimateError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The target cannot be built from its settings.
    #[error("target: {0}")]
    Target(#[from] TargetError),
    /// The target cannot be evaluated any more, in its own words.
    #[error("the target failed: {0}")]
    Evaluation(#[from] EvaluationError),
    /// No particle has a weight.
    #[error(
        "every particle has weight zero at inverse temperature {beta}; choose a base that covers the target, or more particles"
    )]
    Extinct {
        /// The inverse temperature that was tried.
        beta: f64,
    },
    /// The adaptive ladder does not arrive.
    #[error(
        "the ladder has {rungs} rungs and has only reached inverse temperature {beta}; choose a base that is nearer to the target, or a lower `ess`"
    )]
    Endless {
        /// Rungs so far.
        rungs: usize,
        /// The inverse temperature reached.
        beta: f64,
    },
}
