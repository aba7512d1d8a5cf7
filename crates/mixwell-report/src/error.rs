//! Why there is no report.

use std::path::PathBuf;

use mixwell::io::IoError;
use mixwell::sampler::RunError;
use mixwell::training_run::TrainingRunError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run's files cannot be read or are not what the run left, or the report cannot be written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The run has not made all of its draws.
    #[error(
        "the run in `{folder}` is not finished, so there is nothing to report yet; go on with `mixwell resume {folder}`"
    )]
    Unfinished {
        /// The run folder.
        folder: PathBuf,
    },
    /// The settings in the folder cannot be read.
    #[error("{file}, {reason}")]
    Settings {
        /// The file of the settings.
        file: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// A training's files cannot be read or are not what it left.
    #[error(transparent)]
    Training(#[from] TrainingRunError),
    /// There are no pictures of the samples of a GAN, for this reason.
    #[error("{0}")]
    Pictures(String),
}

impl From<IoError> for ReportError {
    fn from(error: IoError) -> Self {
        Self::Run(error.into())
    }
}

impl ReportError {
    /// A failure to make a picture.
    pub(crate) fn picture(error: impl std::fmt::Display) -> Self {
        Self::Pictures(error.to_string())
    }

    /// Whether something that was typed or handed over is wrong, and not the machine.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Run(e) => e.is_input(),
            Self::Training(e) => e.is_input(),
            _ => true,
        }
    }
}
