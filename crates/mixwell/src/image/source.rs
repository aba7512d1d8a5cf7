//! Reads images from a file or folder of any of the kinds; its contents say which it is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{ImageError, ImageSet, cifar, compressed, folder, idx, npy, optdigits};
use crate::io::IoError;

/// Most bytes of pixels that are read: 4 GiB.
pub const MOST_BYTES: u64 = 4 << 30;

fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, ImageError> {
    let mut bytes = vec![];
    let file = File::open(path).map_err(IoError::file("read", path))?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(IoError::file("read", path))?;
    if bytes.len() as u64 > most {
        return Err(ImageError::Limit { path: path.into(), bytes: bytes.len() as u64, most });
    }
    Ok(bytes)
}

/// Where the labels of an idx file of images are by custom: `train-labels-idx1-ubyte` beside `train-images-idx3-ubyte`.
fn labels_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let other = name.replace("images", "labels").replace("idx3", "idx1");
    let other = path.with_file_name(&other);
    (other != path && other.is_file()).then_some(other)
}

impl ImageSet {
    /// Reads the images of a file (idx, CIFAR, optdigits or bytes in NumPy's `.npy`, plain, gzip or xz) or of a folder of PNG pictures (the folder in which a picture lies is its
    /// class). The labels of an idx file are read too where they lie beside it (`train-images-idx3-ubyte.gz`,
    /// `train-labels-idx1-ubyte.gz`).
    ///
    /// # Errors
    /// When it cannot be read, is of none of the kinds, is damaged, or has more than [`MOST_BYTES`] bytes; the message names the file and
    /// the place in it.
    pub fn read(path: &Path) -> Result<Self, ImageError> {
        if path.is_dir() {
            return folder::images(path, MOST_BYTES);
        }
        let set = Self::from_bytes(path, &bytes(path, MOST_BYTES)?, MOST_BYTES)?;
        match labels_beside(path) {
            Some(labels) if set.labels().is_none() => set.with_labels(read_labels(&labels)?),
            _ => Ok(set),
        }
    }

    /// Reads the images of a file that is in memory, with at most so many bytes of pixels; `path` is its name in messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(path: &Path, bytes: &[u8], most: u64) -> Result<Self, ImageError> {
        let bytes = compressed::contents(path, bytes, most)?;
        if idx::is_idx(&bytes) {
            return idx::images(path, &bytes);
        }
        if npy::is_npy(&bytes) {
            return npy::images(path, &bytes);
        }
        if cifar::is_cifar(&bytes) {
            return cifar::images(path, &bytes);
        }
        if optdigits::is_optdigits(&bytes) {
            return optdigits::images(path, &bytes);
        }
        if bytes.starts_with(super::png::SIGNATURE) {
            let (shape, pixels) = super::png::decode(path, &bytes, most)?;
            return Self::new(shape, pixels, None);
        }
        let found = match &*bytes {
            [] => "it is empty",
            [0xff, 0xd8, ..] => "it is a JPEG picture",
            [b'P', b'K', ..] => "it is a zip archive; unpack it first",
            _ if bytes.get(257..262) == Some(b"ustar") => "it is a tar archive; unpack it first",
            _ => "nothing at its beginning is known, and its length is not that of CIFAR's images",
        };
        Err(ImageError::Kind { path: path.into(), found: found.into() })
    }
}

/// Reads labels from an idx file, plain, gzip or xz.
///
/// # Errors
/// When it cannot be read or is no such file.
pub fn read_labels(path: &Path) -> Result<Vec<u32>, ImageError> {
    let bytes = bytes(path, MOST_BYTES)?;
    let bytes = compressed::contents(path, &bytes, MOST_BYTES)?;
    if !idx::is_idx(&bytes) {
        return Err(ImageError::Kind { path: path.into(), found: "it is no idx file of labels".into() });
    }
    idx::labels(path, &bytes)
}
