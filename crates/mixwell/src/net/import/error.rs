//! Why arrays cannot be read from a file: what it is, where it is, what to do.

use std::path::PathBuf;

use super::reader::ArrayFileKind;
use crate::io::IoError;

/// Why a file, or an array in it, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The operating system refused to read the file.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Any of the others, with the file's name.
    #[error("`{path}`: {error}")]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<ImportError>,
    },
    /// None of the kinds of files that are read.
    #[error(
        "{found}; what is read are PyTorch checkpoints (of torch.save), NumPy's .npy and .npz, safetensors, and ONNX"
    )]
    Kind {
        /// What it is, as far as its beginning tells.
        found: String,
    },
    /// The bytes are not those of such a file.
    #[error(
        "damaged or cut off: {reason}, at byte {offset} of {part}; get the file again from where it came"
    )]
    Damaged {
        /// Which part of the file: the file itself or an entry of an archive.
        part: String,
        /// Where in that part, in bytes from its beginning.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
    /// A Python object where weights are expected. It would take running its code to make it, and no code is run.
    #[error(
        "{place} is a Python object `{global}`, which is not read, as that would run code of the file; save plain weights with torch.save(model.state_dict(), ..)"
    )]
    Global {
        /// Where in the file: dotted names, or "the file".
        place: String,
        /// Its name in Python: module and name.
        global: String,
    },
    /// One array is not what it says, or of a kind that is not read.
    #[error("array `{name}`: {reason}")]
    Array {
        /// Its name.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A node of a graph is none of the layers there are, or in a form that is not read.
    #[error("operator `{operator}` (node `{node}`): {reason}")]
    Operator {
        /// What it does, in ONNX's words.
        operator: String,
        /// Its name in the file.
        node: String,
        /// What of it is not understood.
        reason: String,
    },
    /// The description of a network in the file, or one that was made of it, cannot be used.
    #[error("its description of a network cannot be used: {reason}")]
    Network {
        /// What is wrong, and where.
        reason: String,
    },
    /// The file that describes a network cannot be used.
    #[error("the description `{path}` cannot be used: {reason}")]
    Description {
        /// The file, or the name that it was taken for.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of arrays without a description of the network that they belong to.
    #[error(
        "it is a {kind} file: arrays and no description; give one beside it: a TOML or JSON file, or a name of `mixwell list networks`"
    )]
    Undescribed {
        /// What kind of file it is.
        kind: ArrayFileKind,
    },
    /// More would be held than is allowed.
    #[error(
        "its {what} would take more than {most}, the most that is read of a file of its size; if it is to be trusted, raise the limit (ImportLimits)"
    )]
    Limit {
        /// Of what there is too much.
        what: &'static str,
        /// How much is allowed, in bytes or in number.
        most: u64,
    },
    /// There is no array, or nothing at all, under a name.
    #[error("there is no `{name}`; there is {has}")]
    Missing {
        /// What was asked for.
        name: String,
        /// Names that there are.
        has: String,
    },
    /// An array has another shape than was asked for.
    #[error("array `{name}` has the shape {found:?}, and {expected:?} is needed")]
    Shape {
        /// Its name.
        name: String,
        /// The shape that is needed.
        expected: Vec<usize>,
        /// Its shape.
        found: Vec<usize>,
    },
}

impl ImportError {
    /// What is wrong with a description, which may come from anybody: no more than some lines of it.
    pub(in crate::net) fn network(reason: &str) -> Self {
        Self::Network { reason: reason.chars().take(400).collect() }
    }

    /// Whether the input is at fault, and not the machine.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Io(e) => e.is_input(),
            Self::InFile { error, .. } => error.is_input(),
            _ => true,
        }
    }
}
