//! Checkpoint files: one serialisable value, guarded so that a damaged or foreign file is refused with the reason.
//!
//! Layout, integers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `MIXWELLC` |
//! | 4 | version of this layout, [`CHECKPOINT_FORMAT`] |
//! | 1 + n | version of the crate that wrote it, after its length |
//! | 32 | SHA-256 of the config of the run |
//! | 8 + n | payload in postcard encoding, after its length |
//! | 32 | SHA-256 of everything above |
//!
//! Writing goes to a temporary name and ends with a rename; the checkpoint before it stays beside it as `*.previous`.
//! The file is written by the version that reads it: another version may not give the same draws, so it is refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::atomic::{self, atomic_write};
use super::{IoError, open};

/// Version of the layout of checkpoint files.
pub const CHECKPOINT_FORMAT: u32 = 3;

/// Bytes that are enough to tell what a file is, and how long it must be.
const HEAD_BYTES: u64 = 512;
/// Bytes of a file that is read as a whole even when it has another size than it says.
const SMALL_BYTES: u64 = 64 << 20;
const MAGIC: &[u8; 8] = b"MIXWELLC";
const CRATE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// SHA-256 of the config that a run was started with; shown as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConfigHash([u8; 32]);

impl ConfigHash {
    /// The hash of a config, given as the bytes of its resolved text.
    pub fn of(config: &[u8]) -> Self {
        Self(Sha256::digest(config).into())
    }
}

impl std::fmt::Display for ConfigHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a checkpoint cannot be written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The file ends too early.
    #[error(
        "the checkpoint `{path}` is cut off: {expected} bytes are needed and it has {found}; {}",
        fallback(path)
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the part being read needs.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The file is something else.
    #[error("`{path}` is not a checkpoint of mixwell; {}", fallback(path))]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by another version.
    #[error(
        "the checkpoint `{path}` was written by mixwell {found} and this is {expected}; finish the run with that version, or start a new one"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: String,
        /// The version reading it.
        expected: String,
    },
    /// The file belongs to a run with another config.
    #[error(
        "the checkpoint `{path}` belongs to another config (hash {found}, now {expected}); undo the changes to config.toml, or start a new run"
    )]
    Config {
        /// The file.
        path: PathBuf,
        /// The hash in the file.
        found: ConfigHash,
        /// The hash of the config in use.
        expected: ConfigHash,
    },
    /// The contents have changed since they were written.
    #[error("the checkpoint `{path}` is damaged: its check sum does not fit; {}", fallback(path))]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The payload is not what the reader expects, or cannot be written.
    #[error(
        "the contents of the checkpoint `{path}` cannot be {verb}: {reason}; please report this as a bug"
    )]
    Payload {
        /// The file.
        path: PathBuf,
        /// "read" or "written".
        verb: &'static str,
        /// Why.
        reason: String,
    },
}

/// What to do about a file that is lost: the one before it may still be good.
fn fallback(path: &Path) -> String {
    let previous = previous(path);
    if previous.exists() {
        format!(
            "the one before it is kept: rename `{}` to `{}` and resume again",
            previous.display(),
            path.display()
        )
    } else {
        "restore it from a copy, or start the run again: the same config and seed give the same draws"
            .to_owned()
    }
}

/// Where the checkpoint before the one at `path` is kept.
pub(super) fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".previous");
    name.into()
}

/// Writes `payload` to `path`, all or nothing, and keeps the file that was there as `*.previous`.
pub fn save_checkpoint<T: Serialize>(
    path: &Path,
    config: ConfigHash,
    payload: &T,
) -> Result<(), CheckpointError> {
    let bytes = encode(config, payload).map_err(|e| CheckpointError::Payload {
        path: path.to_path_buf(),
        verb: "written",
        reason: e.to_string(),
    })?;
    if path.exists() {
        // Written beside first, so that a full disk is noticed while the old file still has its name.
        let next = path.with_extension("next");
        atomic_write(&next, &bytes)?;
        let old = previous(path);
        fs::rename(path, &old).map_err(IoError::file("rename", path))?;
        fs::rename(&next, path).map_err(IoError::file("rename", &next))?;
        atomic::sync_folder(atomic::parent(path))?;
    } else {
        atomic_write(path, &bytes)?;
    }
    Ok(())
}

/// Reads what [`save_checkpoint`] wrote for a run with the same config.
///
/// A process killed while renaming leaves only the previous checkpoint, which is then read instead.
pub fn load_checkpoint<T: DeserializeOwned>(path: &Path, config: ConfigHash) -> Result<T, CheckpointError> {
    let old = previous(path);
    let path = if !path.exists() && old.exists() { &old } else { path };
    let bytes = read(path)?;
    decode(path, &bytes, config)
}

/// The bytes of a checkpoint, or its beginning where the size that stands there is not that of the file: then the rest is
/// not worth its memory, and `decode` says what is wrong.
fn read(path: &Path) -> Result<Vec<u8>, IoError> {
    use std::io::Read;
    let (file, size) = open::reading(path)?;
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(IoError::file("read", path))?;
    let version = head.get(MAGIC.len() + 4).map_or(0, |&n| usize::from(n));
    let at = MAGIC.len() + 4 + 1 + version + 32;
    let payload = head.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    let expected = payload.map(|n| n.saturating_add(at as u64 + 8 + 32));
    let small = size <= SMALL_BYTES;
    if small || (head.starts_with(MAGIC) && expected == Some(size)) {
        open::read(path, size)
    } else {
        Ok(head)
    }
}

fn encode<T: Serialize>(config: ConfigHash, payload: &T) -> Result<Vec<u8>, postcard::Error> {
    let payload = postcard::to_allocvec(payload)?;
    let mut bytes = Vec::with_capacity(payload.len() + 128);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&CHECKPOINT_FORMAT.to_le_bytes());
    bytes.push(CRATE_VERSION.len() as u8);
    bytes.extend_from_slice(CRATE_VERSION.as_bytes());
    bytes.extend_from_slice(&config.0);
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&payload);
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    Ok(bytes)
}

/// Checks in the order in which a user wants to hear: what kind of file, complete, intact, which version, which run.
fn decode<T: DeserializeOwned>(path: &Path, bytes: &[u8], config: ConfigHash) -> Result<T, CheckpointError> {
    let path_buf = || path.to_path_buf();
    let mut reader = Reader { bytes, at: 0, path };
    if !MAGIC.starts_with(&bytes[..bytes.len().min(MAGIC.len())]) {
        return Err(CheckpointError::NotACheckpoint { path: path_buf() });
    }
    reader.take(MAGIC.len() as u64)?;
    let format = u32::from_le_bytes(reader.array()?);
    if format != CHECKPOINT_FORMAT {
        let (found, expected) = (
            format!("with file format {format}"),
            format!("{CRATE_VERSION} with format {CHECKPOINT_FORMAT}"),
        );
        return Err(CheckpointError::Version { path: path_buf(), found, expected });
    }
    let version_length = reader.array::<1>()?[0];
    let version = String::from_utf8_lossy(reader.take(version_length.into())?).into_owned();
    let hash = ConfigHash(reader.array()?);
    let payload_length = u64::from_le_bytes(reader.array()?);
    let payload = reader.take(payload_length)?;
    let guarded = &bytes[..reader.at];
    let sum: [u8; 32] = reader.array()?;
    if reader.at != bytes.len() || sum != <[u8; 32]>::from(Sha256::digest(guarded)) {
        return Err(CheckpointError::Damaged { path: path_buf() });
    }
    if version != CRATE_VERSION {
        return Err(CheckpointError::Version {
            path: path_buf(),
            found: version,
            expected: CRATE_VERSION.to_owned(),
        });
    }
    if hash != config {
        return Err(CheckpointError::Config { path: path_buf(), found: hash, expected: config });
    }
    let problem = |reason: String| CheckpointError::Payload { path: path_buf(), verb: "read", reason };
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(problem(format!("{} bytes are left over", rest.len()))),
        Err(e) => Err(problem(e.to_string())),
    }
}

/// Hands out parts of a byte slice; asking for more than there is an error, whatever the length claims.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    path: &'a Path,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: u64) -> Result<&'a [u8], CheckpointError> {
        let left = (self.bytes.len() - self.at) as u64;
        if n > left {
            return Err(CheckpointError::Truncated {
                path: self.path.to_path_buf(),
                expected: n.saturating_add(self.at as u64),
                found: self.bytes.len() as u64,
            });
        }
        let part = &self.bytes[self.at..self.at + n as usize];
        self.at += n as usize;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let part = self.take(N as u64)?;
        Ok(part.try_into().expect("`take` returns as many bytes as it was asked for"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type State = (u64, Vec<f64>, String, Option<Vec<bool>>);

    fn state() -> State {
        (7, vec![1.5, f64::MIN_POSITIVE, -0.0, f64::INFINITY], "flow".into(), Some(vec![true, false]))
    }

    fn hash() -> ConfigHash {
        ConfigHash::of(b"seed = 1")
    }

    fn read(bytes: &[u8]) -> Result<State, CheckpointError> {
        decode(Path::new("state.bin"), bytes, hash())
    }

    #[test]
    fn hash_is_shown_in_hexadecimal() {
        // SHA-256 of the empty text, a published value.
        let text = ConfigHash::of(b"").to_string();
        assert_eq!(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn round_trip_keeps_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.bin");
        save_checkpoint(&path, hash(), &state()).unwrap();
        let mut second = state();
        second.0 = 8;
        save_checkpoint(&path, hash(), &second).unwrap();
        assert_eq!(load_checkpoint::<State>(&path, hash()).unwrap(), second);
        assert_eq!(load_checkpoint::<State>(&previous(&path), hash()).unwrap(), state());
        save_checkpoint(&path, hash(), &state()).unwrap();
        assert_eq!(load_checkpoint::<State>(&previous(&path), hash()).unwrap(), second);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        // Killed between the two renames: only the previous one has its name.
        fs::remove_file(&path).unwrap();
        assert_eq!(load_checkpoint::<State>(&path, hash()).unwrap(), second);
    }

    #[test]
    fn each_kind_of_bad_file_is_told_apart() {
        let good = encode(hash(), &state()).unwrap();
        assert!(matches!(read(b"PK\x03\x04 zip file"), Err(CheckpointError::NotACheckpoint { .. })));
        assert!(matches!(read(&good[..good.len() - 1]), Err(CheckpointError::Truncated { .. })));
        assert!(matches!(read(b""), Err(CheckpointError::Truncated { .. })));
        let mut format = good.clone();
        format[8] = 9;
        let e = read(&format).unwrap_err().to_string();
        assert!(e.contains("file format 9") && e.contains("with that version"), "{e}");
        let e = decode::<State>(Path::new("s"), &good, ConfigHash::of(b"seed = 2")).unwrap_err();
        assert!(matches!(e, CheckpointError::Config { .. }), "{e}");
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(matches!(read(&flipped), Err(CheckpointError::Damaged { .. })));
        let e = decode::<Vec<String>>(Path::new("s"), &good, hash()).unwrap_err();
        assert!(matches!(e, CheckpointError::Payload { .. }), "{e}");
    }

    #[test]
    fn another_crate_version_is_refused() {
        let mut bytes = encode(hash(), &state()).unwrap();
        bytes[13] = b'9'; // first digit of the version, which follows magic, format and its own length
        let end = bytes.len() - 32;
        let sum = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum);
        assert!(matches!(read(&bytes), Err(CheckpointError::Version { .. })));
    }

    #[test]
    fn a_missing_file_is_named() {
        let e = load_checkpoint::<State>(Path::new("no/such/state.bin"), hash()).unwrap_err().to_string();
        assert!(e.contains("no/such/state.bin"), "{e}");
    }

    proptest! {
        #[test]
        fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
            let mut file = if magic { [MAGIC.as_slice(), &CHECKPOINT_FORMAT.to_le_bytes()].concat() } else { Vec::new() };
            file.extend(bytes);
            prop_assert!(read(&file).is_err());
        }

        #[test]
        fn every_truncation_is_refused(cut in 0.0..1.0f64) {
            let good = encode(hash(), &state()).unwrap();
            let end = (cut * good.len() as f64) as usize;
            let refused = matches!(read(&good[..end]), Err(CheckpointError::Truncated { .. }));
            prop_assert!(refused);
        }

        #[test]
        fn every_flipped_bit_is_refused(byte in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes = encode(hash(), &state()).unwrap();
            let at = byte.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(read(&bytes).is_err());
        }
    }
}
