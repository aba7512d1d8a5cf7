//! Why there is no report.

use std::path::PathBuf;

use mixwell::io::IoError;
use mixwell::sampler::RunError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run's files cannot be read or are not what the run left, or the report cannot be written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The run has not made all of its draws.
    #[error(
        "the run in `{folder}` is not finished, so there is nothing to report yet; go on with `mixwell resume {folder}`, or look at what there is with `mixwell summary {folder}`"
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
    /// The folder is that of a training.
    #[error(
        "`{folder}` is the folder of a training; there are no reports of trainings yet; see `mixwell summary {folder}`"
    )]
    Training {
        /// The folder.
        folder: PathBuf,
    },
}

impl From<IoError> for ReportError {
    fn from(error: IoError) -> Self {
        Self::Run(error.into())
    }
}

impl ReportError {
    /// Whether something that was typed or handed over is wrong, and not the machine.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Run(e) => e.is_input(),
            _ => true,
        }
    }
}
