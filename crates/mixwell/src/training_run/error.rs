//! Errors of setting up, running and resuming a training.

use std::path::PathBuf;

use crate::ConfigError;
use crate::image::ImageError;
use crate::io::{CheckpointError, IoError};
use crate::net::WeightsError;
use crate::net::import::ImportError;

/// A training that could not be made or could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingRunError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Images cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Images that cannot be learned from.
    #[error("`{path}`: {reason}")]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The description of a network cannot be read.
    #[error("`{path}` does not describe a network: {reason}")]
    Network {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Weights to start from cannot be read.
    #[error("the weights to start from cannot be used: {0}")]
    Start(#[from] ImportError),
    /// A file or folder of the run.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint holds another model.
    #[error("the checkpoint's model cannot be used: {0}")]
    Weights(#[from] WeightsError),
    /// The training of an energy cannot go on.
    #[error(transparent)]
    Energy(crate::ebm::TrainingError),
    /// The files of a trained energy.
    #[error(transparent)]
    Law(#[from] crate::ebm::LawFileError),
    /// The files of a trained GAN.
    #[error(transparent)]
    Gan(#[from] crate::gan::GanFileError),
    /// The summary cannot be written or read.
    #[error("the summary of the training cannot be used: {0}")]
    Summary(#[from] serde_json::Error),
}

impl TrainingRunError {
    /// Whether something that was typed or handed over is wrong, and not the machine that the training is on.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Io(e) | Self::Checkpoint(CheckpointError::Io(e)) | Self::Image(ImageError::Io(e)) => {
                e.is_input()
            }
            Self::Law(crate::ebm::LawFileError::Io(e)) => e.is_input(),
            Self::Gan(crate::gan::GanFileError::Io(e)) => e.is_input(),
            Self::Energy(_) => false,
            _ => true,
        }
    }
}
