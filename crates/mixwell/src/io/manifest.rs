//! `manifest.json` records what a finished run left, so that loss and changes are noticed: a SHA-256 of its summary and its weights,
//! and the expected contents of its draws ([`StoreContents`]); a training has no draws. It carries a hash of itself, and is written
//! last.
//!
//! The attribute [`MANIFEST_ATTRIBUTE`] of the draws says that there must be one; runs of earlier versions have none.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store::{DrawReader, StoreContents};
use super::{IoError, RunFolder, atomic_write, open};

/// Attribute of a store that names the file which says what the store must hold.
pub const MANIFEST_ATTRIBUTE: &str = "manifest";
/// The name of that file.
pub const MANIFEST: &str = "manifest.json";

/// Bytes of a file that is hashed or read as a whole.
const MOST_BYTES: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Manifest {
    /// SHA-256 of `left` as JSON without spaces.
    sha256: String,
    left: Left,
}

#[derive(Serialize, Deserialize)]
struct Left {
    /// SHA-256 of each file, by its name in the folder.
    files: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    draws: Option<StoreContents>,
}

impl RunFolder {
    /// Where the manifest lies.
    pub fn manifest(&self) -> PathBuf {
        self.path().join(MANIFEST)
    }

    /// Writes the manifest of a run that is finished, its summary and flow written.
    pub fn write_manifest(&self, draws: StoreContents) -> Result<(), IoError> {
        self.write_left(&[self.summary(), self.flow()], Some(draws))
    }

    /// Writes the manifest of a training that is finished, its summary and these files written.
    pub fn write_training_manifest(&self, files: &[&str]) -> Result<(), IoError> {
        let mut paths = vec![self.summary(), self.curve()];
        paths.extend(files.iter().map(|name| self.path().join(name)));
        self.write_left(&paths, None)
    }

    fn write_left(&self, paths: &[PathBuf], draws: Option<StoreContents>) -> Result<(), IoError> {
        let mut files = BTreeMap::new();
        for path in paths.iter().filter(|path| path.exists()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, hex(&open::read(path, MOST_BYTES)?));
        }
        let left = Left { files, draws };
        let manifest = Manifest { sha256: self.hash(&left)?, left };
        let text = serde_json::to_vec(&manifest).map_err(|e| self.changed(self.manifest(), e.to_string()))?;
        atomic_write(&self.manifest(), &text)
    }

    /// Compares summary, flow and draws of a finished run with its manifest, and returns what the manifest says of the draws.
    ///
    /// A run of an earlier version has no manifest: its chunks are checked against themselves, and `None` is returned.
    pub fn verify_finished(&self) -> Result<Option<StoreContents>, IoError> {
        let path = self.manifest();
        let reader = DrawReader::open(&self.draws())?;
        if !path.exists() && !reader.attributes().contains_key(MANIFEST_ATTRIBUTE) {
            return match reader.verify()?.into_iter().next() {
                Some(problem) => Err(problem),
                None => Ok(None),
            };
        }
        let draws = self.verify_files()?.draws;
        let draws = draws.ok_or_else(|| self.changed(path, "it does not speak of draws".into()))?;
        reader.verify_contents(&draws)?;
        Ok(Some(draws))
    }

    /// Compares what a finished training left with its manifest.
    pub fn verify_training(&self) -> Result<(), IoError> {
        self.verify_files().map(|_| ())
    }

    /// Compares the files that the manifest names with what it says of them.
    fn verify_files(&self) -> Result<Left, IoError> {
        let path = self.manifest();
        let text = open::read(&path, MOST_BYTES)?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|e| self.changed(path.clone(), e.to_string()))?;
        if self.hash(&manifest.left)? != manifest.sha256 {
            return Err(self.changed(path, "its own hash does not fit".into()));
        }
        for (name, hash) in &manifest.left.files {
            let path = self.path().join(name);
            if hex(&open::read(&path, MOST_BYTES)?) != *hash {
                return Err(self.changed(path, "its hash is another".into()));
            }
        }
        Ok(manifest.left)
    }

    fn hash(&self, left: &Left) -> Result<String, IoError> {
        let text = serde_json::to_vec(left).map_err(|e| self.changed(self.manifest(), e.to_string()))?;
        Ok(hex(&text))
    }

    fn changed(&self, path: PathBuf, reason: String) -> IoError {
        IoError::Changed { path, reason, run: self.path().to_path_buf() }
    }
}

/// The SHA-256 of some bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
