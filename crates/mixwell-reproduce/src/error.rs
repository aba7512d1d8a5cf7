//! Why an experiment could not be run.

use std::path::PathBuf;

use mixwell::io::IoError;
use mixwell::sampler::RunError;
use mixwell::training_run::TrainingRunError;

/// An experiment that could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReproduceError {
    /// No experiment has this name.
    #[error("no experiment is called `{id}`{hint}; there are {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// "; did you mean ..?", or nothing.
        hint: String,
        /// All names.
        known: String,
    },
    /// The experiment file cannot be used.
    #[error("{experiment}: {message}")]
    File {
        /// Its id or path.
        experiment: String,
        /// What is wrong.
        message: String,
    },
    /// The output folder holds cells of other settings.
    #[error(
        "`{path}` was made with other settings of `{experiment}` than these; give another folder with --out, or delete it"
    )]
    OtherSettings {
        /// The cell's file.
        path: PathBuf,
        /// The experiment.
        experiment: String,
    },
    /// Another process works in the output folder.
    #[error(
        "another process is working in `{0}`; wait until it has finished, or give another folder with --out"
    )]
    Locked(PathBuf),
    /// A file or folder.
    #[error(
        "cannot {operation} `{path}`: {source}; check the path and its permissions, or give another folder with --out"
    )]
    Folder {
        /// What was tried.
        operation: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file that could not be written whole.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A run of one cell.
    #[error("{cell}: {source}")]
    Run {
        /// The cell.
        cell: String,
        /// Why it failed.
        source: Box<RunError>,
    },
    /// A training of one cell.
    #[error("{cell}: {source}")]
    Training {
        /// The cell.
        cell: String,
        /// Why it failed.
        source: Box<TrainingRunError>,
    },
}

impl ReproduceError {
    /// Whether it can be mended by changing what was asked for, and the machine has not failed.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Io(e) => e.is_input(),
            Self::Run { source, .. } => source.is_input(),
            Self::Training { source, .. } => source.is_input(),
            _ => true,
        }
    }
}
