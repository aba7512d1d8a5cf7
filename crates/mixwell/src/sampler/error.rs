//! Errors of setting up, running and resuming a run.

use crate::ConfigError;
use crate::density::{EvaluationError, TargetError};
use crate::io::{CheckpointError, IoError};
use crate::kernel::StateError;

/// A run that could not be made or could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The target cannot be built from its settings.
    #[error("target: {0}")]
    Target(#[from] TargetError),
    /// The target cannot be evaluated any more, in its own words. A run folder keeps everything drawn until then,
    /// and the run can be resumed.
    #[error("the target failed: {0}")]
    Evaluation(#[from] EvaluationError),
    /// The target is not finite where a chain starts.
    #[error(
        "the {what} is {value} at the start of chain {chain} ({point}); choose other starts with [start], or check the target there"
    )]
    Start {
        /// `log-density` or `gradient`.
        what: &'static str,
        /// What was found: `NaN`, `-inf` or `inf`.
        value: f64,
        /// The chain.
        chain: usize,
        /// The point, its first coordinates.
        point: String,
    },
    /// The run was interrupted, so there is no summary.
    #[error(
        "the run was interrupted before all draws were made, so it has no summary; with a folder it can be resumed"
    )]
    Interrupted,
    /// The run was interrupted before it began.
    #[error(
        "interrupted while a method was being chosen; nothing was written, and the same call begins anew"
    )]
    LookInterrupted,
    /// No variable of this name is reported.
    #[error("no variable is called `{name}`; there are {known}")]
    NoVariable {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The target contradicts itself where a chain starts.
    #[error(
        "at the start of chain {chain} {what}; mend the density or its gradient, or use a method without gradients"
    )]
    Contradiction {
        /// The two numbers that should be equal.
        what: String,
        /// The chain.
        chain: usize,
    },
    /// A file or folder of the run.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint holds another kernel.
    #[error(transparent)]
    Kernel(#[from] StateError),
    /// The checkpoint holds another flow.
    #[error("the checkpoint's flow cannot be used: {0}")]
    Flow(#[from] crate::net::WeightsError),
}

impl RunError {
    /// Whether something that was typed or handed over is wrong, and not the machine that the run is on or a target that gave up.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Io(e) | Self::Checkpoint(CheckpointError::Io(e)) => e.is_input(),
            Self::Evaluation(_) | Self::Interrupted | Self::LookInterrupted => false,
            _ => true,
        }
    }
}
