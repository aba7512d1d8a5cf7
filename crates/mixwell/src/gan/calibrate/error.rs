//! What can be wrong with a file of calibration.

use std::path::PathBuf;

use crate::ConfigError;
use crate::io::IoError;

/// A file of calibration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationFileError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// It is no file of calibration, or damaged.
    #[error(
        "`{path}` is no file of calibration, or damaged: {reason}; make it again with `mixwell calibrate`"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A number in it cannot be used.
    #[error("`{path}` cannot be used: {error}; make it again with `mixwell calibrate`")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Which number.
        error: ConfigError,
    },
    /// It was made with other networks.
    #[error(
        "`{path}` was made for another {network}: the file then had SHA-256 {expected}, now it has {found}; make it again with `mixwell calibrate`"
    )]
    OtherNetwork {
        /// The file.
        path: PathBuf,
        /// "generator" or "discriminator".
        network: &'static str,
        /// The hash in the file.
        expected: String,
        /// The hash of the network.
        found: String,
    },
}
