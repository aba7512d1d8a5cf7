//! Why images cannot be read, chosen or written.

use std::path::PathBuf;

use super::ImageShape;
use crate::io::IoError;

/// What can go wrong with images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The operating system refused an operation on a file or folder.
    #[error(transparent)]
    Io(#[from] IoError),
    /// None of the kinds of files that are read.
    #[error(
        "`{path}`: {found}; what is read are idx files (as of MNIST), CIFAR's binary files, the text files of optdigits, NumPy's .npy of bytes, all also compressed by gzip, and folders of PNG pictures"
    )]
    Kind {
        /// The file or folder.
        path: PathBuf,
        /// What it is, as far as it tells.
        found: String,
    },
    /// The bytes are not those of such a file.
    #[error(
        "`{path}` is damaged or cut off: {reason}, at byte {offset}; get the file again from where it came"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, in bytes from the beginning, counted after decompression.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// The pixels would take more memory than is allowed.
    #[error(
        "`{path}` would take {bytes} bytes of pixels or more, and at most {most} are read; use a part of it"
    )]
    Limit {
        /// The file or folder.
        path: PathBuf,
        /// Bytes of all pixels, as far as they were counted.
        bytes: u64,
        /// Bytes that are read.
        most: u64,
    },
    /// A picture in a folder is of a kind that is not read.
    #[error("`{path}`: {reason}")]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Pictures of one folder have different shapes.
    #[error(
        "`{path}` is a picture of {found}, but those before it are of {expected}; bring all to one size and kind"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The shape of the pictures before.
        expected: ImageShape,
        /// Its shape.
        found: ImageShape,
    },
    /// There are more or fewer labels than images.
    #[error("there are {labels} labels for {images} images; give the labels of these images")]
    Labels {
        /// Number of labels.
        labels: usize,
        /// Number of images.
        images: usize,
    },
    /// What was asked for is not in the set.
    #[error("{what} is asked for, and there is {has}")]
    Missing {
        /// What was asked for.
        what: String,
        /// What there is.
        has: String,
    },
    /// Numbers, or a setting, that make no images.
    #[error("{0}")]
    Unusable(String),
}

impl ImageError {
    /// Whether the input is at fault, and not the machine.
    pub fn is_input(&self) -> bool {
        if let Self::Io(e) = self { e.is_input() } else { true }
    }
}
