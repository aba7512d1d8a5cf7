//! Why images cannot be scored.

use std::path::PathBuf;

use crate::ConfigError;
use crate::image::ImageError;
use crate::net::import::ImportError;

/// What can go wrong with scores.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// A setting that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Images that cannot be read or prepared.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A file that cannot be read.
    #[error(transparent)]
    Io(#[from] crate::io::IoError),
    /// Weights that do not make the network.
    #[error("`{path}`: {error}")]
    Weights {
        /// Their file.
        path: PathBuf,
        /// What is wrong.
        error: ImportError,
    },
    /// A network that gives no scores.
    #[error("`{path}`: {reason}")]
    Network {
        /// The file of its weights.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Images that do not fit the network, or too few of them.
    #[error("{0}")]
    Unusable(String),
}

impl ScoreError {
    /// Whether the input is at fault, and not the machine.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Io(e) => e.is_input(),
            Self::Image(e) => e.is_input(),
            Self::Weights { error, .. } => error.is_input(),
            _ => true,
        }
    }
}
