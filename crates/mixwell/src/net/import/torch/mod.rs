//! PyTorch's checkpoints, as torch.save writes them.
//!
//! Since version 1.6 a zip archive: `ROOT/data.pkl` is the pickle of the object, `ROOT/data/KEY` the numbers of a storage. Before,
//! five pickles in a row and then the storages ([`legacy`]). In both the pickle names storages by persistent identifiers
//! ([`storage`]), and tensors are views of them ([`tensor`]).

mod flatten;
mod legacy;
mod storage;
mod tensor;

use std::borrow::Cow;
use std::collections::HashMap;

use super::limits::Budget;
use super::zip::Archive;
use super::{ArrayFileKind, ImportError, ImportLimits, NamedArrays, pickle};

pub(super) use legacy::{is_legacy, read as read_legacy};

/// The bytes of the storages of a file, by key.
struct Storages<'a> {
    bytes: HashMap<&'a str, Cow<'a, [u8]>>,
    big_endian: bool,
}

/// The ending of the name of an archive's pickle.
const PICKLE: &str = "data.pkl";

/// Whether an archive is a checkpoint: it has a pickle.
pub(super) fn is_checkpoint(archive: &Archive<'_>) -> bool {
    root(archive).is_some()
}

/// The folder of an archive in which all lies, with its slash.
fn root<'a>(archive: &Archive<'a>) -> Option<&'a str> {
    let named = archive.entries().iter().filter_map(|e| e.name.strip_suffix(PICKLE));
    named.filter(|root| root.is_empty() || root.ends_with('/')).min_by_key(|root| root.len())
}

/// Reads a checkpoint that is a zip archive.
pub(super) fn read_zip(archive: &Archive<'_>, limits: &ImportLimits) -> Result<NamedArrays, ImportError> {
    let root = root(archive).unwrap_or_default();
    let mut inflated = Budget::new("compressed entries", limits.inflated);
    let (mut program, mut storages) = (Cow::Borrowed(&[][..]), Storages::empty());
    for entry in archive.entries() {
        let Some(name) = entry.name.strip_prefix(root) else { continue };
        if name == PICKLE {
            program = entry.contents(&mut inflated)?;
        } else if name == "byteorder" {
            storages.big_endian = entry.contents(&mut inflated)?.as_ref() == b"big";
        } else if let Some(key) = name.strip_prefix("data/") {
            storages.bytes.insert(key, entry.contents(&mut inflated)?);
        }
    }
    let pickle = pickle::run(PICKLE, &program, limits.steps)?;
    flatten::arrays(&pickle, &storages, ArrayFileKind::TorchZip, limits)
}

impl Storages<'_> {
    fn empty() -> Self {
        Self { bytes: HashMap::new(), big_endian: false }
    }
}
