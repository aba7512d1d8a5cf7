//! One Zarr array on disk: its `zarr.json` and its chunks. zarrs gives the format, we write the files.
//!
//! An array has at most one axis that grows, the draws; along it lie the chunks, along every other axis there is one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use zarrs::array::codec::{BytesCodec, Crc32cCodec, ZstdCodec};
use zarrs::array::{
    Array, ArrayBuilder, ArrayMetadataOptions, ArrayToBytesCodecTraits, ChunkKeySeparator, CodecOptions,
    FillValue, IntoArrayBytes, data_type,
};

use super::super::{IoError, atomic};
use super::schema::StatKind;

/// Mantissas are noise to a packer; what packs is rejected moves, which repeat a row. On 350 MB of 64 chains where two moves in
/// five are rejected, level -1 took 0.6 s and left 185 MB, level 1 took 1.3 s and left 178 MB.
const ZSTD_LEVEL: i32 = -1;

/// Name of the file that describes an array or a group.
pub(super) const METADATA: &str = "zarr.json";

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
    array: Array<()>,
    grows: Option<usize>,
    n_axes: usize,
}

/// The numbers of one chunk.
pub(super) enum ChunkData {
    Float(Vec<f64>),
    Int(Vec<i64>),
    Bool(Vec<bool>),
}

impl ZarrArray {
    /// Describes an array; nothing is written yet.
    pub(super) fn new(folder: PathBuf, kind: StatKind, axes: &[Axis]) -> Result<Self, IoError> {
        let shape: Vec<u64> = axes.iter().map(|a| if a.grows { 0 } else { a.len as u64 }).collect();
        let chunk: Vec<u64> = axes.iter().map(|a| a.len as u64).collect();
        let (data_type, fill) = match kind {
            StatKind::Float => (data_type::float64(), FillValue::from(f64::NAN)),
            StatKind::Int => (data_type::int64(), FillValue::from(0i64)),
            StatKind::Bool => (data_type::bool(), FillValue::from(false)),
        };
        let array = ArrayBuilder::new(shape, chunk, data_type, fill)
            .chunk_key_encoding_default_separator(ChunkKeySeparator::Dot)
            .array_to_bytes_codec(Arc::new(BytesCodec::little()))
            .bytes_to_bytes_codecs(vec![
                Arc::new(ZstdCodec::new(ZSTD_LEVEL, false)),
                Arc::new(Crc32cCodec::new()),
            ])
            .dimension_names(Some(axes.iter().map(|a| a.name.as_str())))
            .build(Arc::new(()), "/")
            .map_err(|e| IoError::Schema(format!("`{}`: {e}", folder.display())))?
            .with_metadata_options(ArrayMetadataOptions::default().with_include_zarrs_metadata(false));
        Ok(Self { folder, array, grows: axes.iter().position(|a| a.grows), n_axes: axes.len() })
    }

    /// The folder of the array.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name, which is that of its folder.
    pub(super) fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Sets the number of draws and returns the description that a reader needs.
    pub(super) fn metadata(&mut self, n_draws: u64) -> Result<Value, IoError> {
        if let Some(axis) = self.grows {
            let mut shape = self.array.shape().to_vec();
            shape[axis] = n_draws;
            let changed = self.array.set_shape(shape).map(|_| ());
            changed.map_err(|e| self.problem(&e))?;
        }
        let options = ArrayMetadataOptions::default().with_include_zarrs_metadata(false);
        serde_json::to_value(self.array.metadata_opt(&options)).map_err(|e| self.problem(&e))
    }

    /// Writes chunk `index` along the draws and returns its path; the disk is not waited for.
    pub(super) fn write_chunk(&self, index: u64, data: ChunkData) -> Result<PathBuf, IoError> {
        let data_type = self.array.data_type();
        let bytes = match data {
            ChunkData::Float(values) => values.into_array_bytes(data_type),
            ChunkData::Int(values) => values.into_array_bytes(data_type),
            ChunkData::Bool(values) => values.into_array_bytes(data_type),
        };
        let bytes = bytes.map_err(|e| self.problem(&e))?;
        let shape = self.array.chunk_shape(&vec![0; self.n_axes]).map_err(|e| self.problem(&e))?;
        let encoded = self
            .array
            .codecs()
            .encode(bytes, &shape, data_type, self.array.fill_value(), &CodecOptions::default())
            .map_err(|e| self.problem(&e))?;
        let path = self.chunk_path(index);
        atomic::replace(&path, &encoded)?;
        Ok(path)
    }

    /// The file of chunk `index` along the draws.
    pub(super) fn chunk_path(&self, index: u64) -> PathBuf {
        self.folder.join(chunk_name(self.n_axes, self.grows, index))
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
        (chunk_name(self.n_axes, self.grows, index) == name).then_some(index)
    }

    fn problem(&self, e: &dyn std::fmt::Display) -> IoError {
        IoError::Metadata { path: self.folder.join(METADATA), reason: e.to_string() }
    }
}

/// `c.0.K.0`: one index per axis, all zero but that of the draws.
fn chunk_name(n_axes: usize, grows: Option<usize>, index: u64) -> String {
    let mut name = String::from("c");
    for axis in 0..n_axes {
        name += &format!(".{}", if grows == Some(axis) { index } else { 0 });
    }
    name
}

/// The description of a group with these attributes.
pub(super) fn group_metadata(attributes: &Map<String, Value>) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("zarr_format".into(), 3.into());
    metadata.insert("node_type".into(), "group".into());
    metadata.insert("attributes".into(), Value::Object(attributes.clone()));
    metadata
}

/// Writes the description of a node into its folder.
pub(super) fn write_metadata(folder: &Path, metadata: &Value) -> Result<PathBuf, IoError> {
    let path = folder.join(METADATA);
    let text = serde_json::to_vec_pretty(metadata)
        .map_err(|e| IoError::Metadata { path: path.clone(), reason: e.to_string() })?;
    atomic::replace(&path, &text)?;
    Ok(path)
}
