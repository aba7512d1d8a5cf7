//! Reads a file of any of the kinds; its contents say which it is.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::zip::Archive;
use super::{ImportError, ImportLimits, NamedArrays, numpy, onnx, safetensors, torch};
use crate::io::IoError;

/// What kind of file arrays came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArrayFileKind {
    /// A PyTorch checkpoint that is a zip archive (since version 1.6).
    TorchZip,
    /// A PyTorch checkpoint of pickles in a row (before version 1.6).
    TorchLegacy,
    /// One NumPy array.
    Npy,
    /// An archive of NumPy arrays.
    Npz,
    /// Safetensors.
    Safetensors,
    /// An ONNX graph.
    Onnx,
}

impl fmt::Display for ArrayFileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TorchZip => "PyTorch (zip)",
            Self::TorchLegacy => "PyTorch (legacy)",
            Self::Npy => "NumPy .npy",
            Self::Npz => "NumPy .npz",
            Self::Safetensors => "safetensors",
            Self::Onnx => "ONNX",
        })
    }
}

impl NamedArrays {
    /// Reads all arrays of a file, within the limits for a file of its size.
    ///
    /// # Errors
    /// When it cannot be read, is of none of the kinds, is damaged, or would take too much memory; the message names the file and
    /// the place in it.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let most = ImportLimits::for_file(0).file;
        let mut bytes = vec![];
        let file = File::open(path).map_err(IoError::file("read", path))?;
        file.take(most + 1).read_to_end(&mut bytes).map_err(IoError::file("read", path))?;
        Self::from_bytes(&bytes)
            .map_err(|error| ImportError::InFile { path: path.to_path_buf(), error: Box::new(error) })
    }

    /// Reads all arrays of a file that is in memory, within the limits for a file of its size.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImportError> {
        Self::from_bytes_within(bytes, &ImportLimits::for_file(bytes.len() as u64))
    }

    /// The same within other limits.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes_within(bytes: &[u8], limits: &ImportLimits) -> Result<Self, ImportError> {
        if bytes.len() as u64 > limits.file {
            return Err(ImportError::Limit { what: "bytes", most: limits.file });
        }
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            let archive = Archive::open(bytes)?;
            if torch::is_checkpoint(&archive) {
                return torch::read_zip(&archive, limits);
            }
            if numpy::is_npz(&archive) {
                return numpy::read_npz(&archive, limits);
            }
            return Err(kind("it is a zip archive with neither a PyTorch checkpoint nor NumPy arrays in it"));
        }
        if numpy::is_npy(bytes) {
            return numpy::read_npy(bytes, limits);
        }
        if torch::is_legacy(bytes) {
            return torch::read_legacy(bytes, limits);
        }
        if safetensors::is_safetensors(bytes) {
            return safetensors::read(bytes, limits);
        }
        if onnx::is_model(bytes) {
            return onnx::read(bytes, limits);
        }
        Err(kind(match bytes {
            [] => "it is empty",
            [0x80, 2..=5, ..] => "it is a bare Python pickle",
            [0x89, b'H', b'D', b'F', ..] => "it is an HDF5 file",
            [0x1f, 0x8b, ..] => "it is compressed with gzip; decompress it first",
            _ if bytes.get(257..262) == Some(b"ustar") => "it is a tar archive, as PyTorch wrote before 2017",
            _ => "nothing at its beginning is known",
        }))
    }
}

fn kind(found: &str) -> ImportError {
    ImportError::Kind { found: found.into() }
}
