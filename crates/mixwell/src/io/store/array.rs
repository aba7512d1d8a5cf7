//! One Zarr array being written: its `zarr.json` and its chunks.
//!
//! An array has at most one axis that grows, the draws; along it lie the chunks, along every other axis there is one.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::{IoError, atomic};
use super::chunk::ChunkData;
use super::contents::{ArrayContents, ChunkHash};
use super::description::{ArrayDescription, write_metadata};
use super::schema::StatKind;

/// Name and length of an axis; the length is that of a chunk for the axis that grows.
pub(super) struct Axis {
    pub(super) name: String,
    pub(super) len: usize,
    pub(super) grows: bool,
}

impl Axis {
    pub(super) fn fixed(name: impl Into<String>, len: usize) -> Self {
        Self { name: name.into(), len, grows: false }
    }

    pub(super) fn draws(chunk: usize) -> Self {
        Self { name: "draw".into(), len: chunk, grows: true }
    }
}

/// An array being written.
pub(super) struct ZarrArray {
    folder: PathBuf,
    description: ArrayDescription,
    grows: Option<usize>,
}

impl ZarrArray {
    /// Describes an array; nothing is written yet.
    pub(super) fn new(folder: PathBuf, kind: StatKind, axes: &[Axis]) -> Self {
        let description = ArrayDescription {
            kind,
            shape: axes.iter().map(|a| if a.grows { 0 } else { a.len as u64 }).collect(),
            chunk: axes.iter().map(|a| a.len as u64).collect(),
            dims: axes.iter().map(|a| a.name.clone()).collect(),
        };
        Self { folder, description, grows: axes.iter().position(|a| a.grows) }
    }

    /// The folder of the array.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name, which is that of its folder.
    pub(super) fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Writes the description with this number of draws, and returns it.
    pub(super) fn write_metadata(&mut self, n_draws: u64) -> Result<(PathBuf, Value), IoError> {
        if let Some(axis) = self.grows {
            self.description.shape[axis] = n_draws;
        }
        let metadata = self.description.to_json();
        Ok((write_metadata(&self.folder, &metadata)?, metadata))
    }

    /// Writes chunk `index` along the draws and returns its path and hash; the disk is not waited for.
    pub(super) fn write_chunk(&self, index: u64, data: &ChunkData) -> Result<(PathBuf, ChunkHash), IoError> {
        let path = self.chunk_path(index);
        let file = data.encode();
        atomic::replace(&path, &file)?;
        Ok((path, ChunkHash::of(&file)))
    }

    /// What is written of it: this many draws, in chunks of these hashes.
    pub(super) fn contents(&self, group: &str, n_draws: u64, chunks: &[ChunkHash]) -> ArrayContents {
        ArrayContents {
            group: group.to_owned(),
            name: self.name(),
            kind: self.description.kind,
            n_draws,
            chunk: self.description.chunk.clone(),
            chunks: chunks.to_vec(),
        }
    }

    /// The file of chunk `index` along the draws.
    pub(super) fn chunk_path(&self, index: u64) -> PathBuf {
        self.folder.join(self.description.chunk_name(self.grows, index))
    }

    /// Deletes chunks from `from` on and the rests of interrupted writes.
    pub(super) fn delete_chunks_from(&self, from: u64) -> Result<(), IoError> {
        let read = IoError::file("read the folder", &self.folder);
        let entries: Vec<_> =
            std::fs::read_dir(&self.folder).and_then(|entries| entries.collect()).map_err(read)?;
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let late = self.chunk_index(name).is_some_and(|index| index >= from);
            if late || name.ends_with(atomic::TEMPORARY) {
                std::fs::remove_file(entry.path()).map_err(IoError::file("delete", &entry.path()))?;
            }
        }
        Ok(())
    }

    fn chunk_index(&self, name: &str) -> Option<u64> {
        let axis = self.grows?;
        let index = name.strip_prefix("c.")?.split('.').nth(axis)?.parse().ok()?;
        (self.description.chunk_name(self.grows, index) == name).then_some(index)
    }
}
