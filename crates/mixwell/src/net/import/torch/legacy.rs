//! Checkpoints of before PyTorch 1.6: five pickles (a magic number, a version, facts of the system, the object, the keys of its
//! storages), then for each key a count of 8 bytes and the numbers.

use std::collections::HashMap;

use super::storage::storage;
use super::{Storages, flatten};
use crate::io::excerpt;
use crate::net::import::pickle::{self, Id, Object, Pickle};
use crate::net::import::{ArrayFileKind, ImportError, ImportLimits, NamedArrays};

/// 0x1950a86a20f9469cfc6c, little-endian, as a number of Python.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: i64 = 1001;

/// Whether a file begins with the magic number.
pub(in crate::net::import) fn is_legacy(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, _, 0x8a, 10, rest @ ..] if rest.starts_with(&MAGIC))
}

/// Reads such a checkpoint.
pub(in crate::net::import) fn read(bytes: &[u8], limits: &ImportLimits) -> Result<NamedArrays, ImportError> {
    let mut at = 0;
    let damaged = |at: usize, reason: String| ImportError::Damaged {
        part: "the checkpoint".into(),
        offset: at,
        reason,
    };
    let mut next = |part: &'static str| -> Result<(Pickle<'_>, usize), ImportError> {
        let pickle = pickle::run(part, &bytes[at..], limits.steps).map_err(|e| shifted(e, at))?;
        at += pickle.length;
        Ok((pickle, at))
    };
    let (magic, _) = next("the magic number")?;
    if magic.get(magic.root) != &Object::LongInt(&MAGIC) {
        return Err(damaged(0, "the magic number is another".into()));
    }
    let (protocol, place) = next("the version")?;
    if protocol.int(protocol.root) != Some(PROTOCOL) {
        return Err(damaged(place, format!("its version is not {PROTOCOL}")));
    }
    let (system, place) = next("the facts of the system")?;
    if big_endian(&system) {
        return Err(damaged(place, "it was written on a big-endian machine, which is not read".into()));
    }
    let (object, _) = next("the object")?;
    let (keys, mut at) = next("the keys of the storages")?;

    // How many bytes a key's numbers take is known only from what names it in the object.
    let named = object.persistents().filter_map(|id| storage(&object, id).ok());
    let sizes: HashMap<&str, usize> =
        named.map(|s| (s.key, s.element.map_or(1, |element| element.size()))).collect();
    let mut storages = Storages::empty();
    let list = keys.sequence(keys.root).ok_or_else(|| damaged(at, "the keys are no list".into()))?;
    for key in list {
        let key = keys.text(*key).ok_or_else(|| damaged(at, "a key is no text".into()))?;
        let unknown = || damaged(at, format!("nothing says what the storage `{}` holds", excerpt(key)));
        let size = sizes.get(key).ok_or_else(unknown)?;
        let cut = || damaged(at, format!("the storage `{}` is cut off", excerpt(key)));
        let (count, rest) = bytes[at..].split_first_chunk::<8>().ok_or_else(cut)?;
        let count = usize::try_from(i64::from_le_bytes(*count)).ok().and_then(|n| n.checked_mul(*size));
        let own = count.and_then(|length| rest.get(..length)).ok_or_else(cut)?;
        if storages.bytes.insert(key, own.into()).is_some() {
            return Err(damaged(at, format!("the storage `{}` comes twice", excerpt(key))));
        }
        at += 8 + own.len();
    }
    if at != bytes.len() {
        return Err(damaged(at, format!("there are {} bytes after the last storage", bytes.len() - at)));
    }
    flatten::arrays(&object, &storages, ArrayFileKind::TorchLegacy, limits)
}

/// The facts say whether numbers begin with their smallest byte.
fn big_endian(facts: &Pickle<'_>) -> bool {
    let Object::Dict(pairs) = facts.get(facts.root) else { return false };
    let order = |(key, _): &&(Id, Id)| facts.text(*key) == Some("little_endian");
    pairs.iter().find(order).is_some_and(|(_, value)| facts.get(*value) == &Object::Bool(false))
}

/// An error of one of the pickles, its place counted from the beginning of the file.
fn shifted(e: ImportError, by: usize) -> ImportError {
    match e {
        ImportError::Damaged { part, offset, reason } => {
            ImportError::Damaged { part: format!("the checkpoint ({part})"), offset: offset + by, reason }
        }
        other => other,
    }
}
