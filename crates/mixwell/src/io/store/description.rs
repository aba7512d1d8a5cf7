//! The `zarr.json` of arrays and groups (Zarr specification, version 3): what is written there, and what is accepted.
//!
//! Of the format we use one data type of three, a regular grid of chunks, file names with dots, and the codecs little-endian
//! bytes, zstd, crc32c. Another program may have added attributes; another data type, grid or codec is refused.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::super::{IoError, atomic, open};
use super::schema::StatKind;

/// Name of the file that describes an array or a group.
pub(super) const METADATA: &str = "zarr.json";
/// Bytes of a description that are read; ours have a few thousand, with all arrays repeated in it some for each of them.
const MOST_BYTES: u64 = 64 << 20;
/// Level that descriptions name; those below zero look for repeats only, which is what `zstd` does.
const ZSTD_LEVEL: i32 = -1;

/// An array as its description tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArrayDescription {
    pub(super) kind: StatKind,
    pub(super) shape: Vec<u64>,
    pub(super) chunk: Vec<u64>,
    pub(super) dims: Vec<String>,
}

impl ArrayDescription {
    /// As it is written.
    pub(super) fn to_json(&self) -> Value {
        let (data_type, fill) = match self.kind {
            StatKind::Float => ("float64", Value::from("NaN")),
            StatKind::Int => ("int64", Value::from(0)),
            StatKind::Bool => ("bool", Value::from(false)),
        };
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": data_type,
            "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": self.chunk } },
            "chunk_key_encoding": { "name": "default", "configuration": { "separator": "." } },
            "fill_value": fill,
            "codecs": [
                { "name": "bytes", "configuration": { "endian": "little" } },
                { "name": "zstd", "configuration": { "level": ZSTD_LEVEL, "checksum": false } },
                { "name": "crc32c" },
            ],
            "dimension_names": self.dims,
        })
    }

    /// Reads a description; the error says which part of it is not as expected.
    pub(super) fn from_json(json: &Value) -> Result<Self, String> {
        expect(json, "/zarr_format", &Value::from(3))?;
        expect(json, "/node_type", &Value::from("array"))?;
        expect(json, "/chunk_grid/name", &Value::from("regular"))?;
        expect(json, "/chunk_key_encoding/name", &Value::from("default"))?;
        expect(json, "/chunk_key_encoding/configuration/separator", &Value::from("."))?;
        for (codec, name) in ["bytes", "zstd", "crc32c"].into_iter().enumerate() {
            expect(json, &format!("/codecs/{codec}/name"), &Value::from(name))?;
        }
        expect(json, "/codecs/0/configuration/endian", &Value::from("little"))?;
        if json.pointer("/codecs/3").is_some() {
            return Err("it names more codecs than bytes, zstd and crc32c".into());
        }
        let kind = match json.get("data_type").and_then(Value::as_str) {
            Some("float64") => StatKind::Float,
            Some("int64") => StatKind::Int,
            Some("bool") => StatKind::Bool,
            _ => {
                return Err(format!(
                    "its data type is {}, not float64, int64 or bool",
                    shown(json, "/data_type")
                ));
            }
        };
        let shape = sizes(json, "/shape")?;
        let chunk = sizes(json, "/chunk_grid/configuration/chunk_shape")?;
        let names = json.get("dimension_names").and_then(Value::as_array);
        let dims: Option<Vec<String>> =
            names.and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
        let dims = dims.ok_or_else(|| format!("its dimensions are {}", shown(json, "/dimension_names")))?;
        if shape.len() != chunk.len() || shape.len() != dims.len() || chunk.contains(&0) {
            return Err(format!("shape {shape:?} in chunks of {chunk:?} with dimensions {dims:?}"));
        }
        Ok(Self { kind, shape, chunk, dims })
    }

    /// Numbers in a chunk; `None` where they are too many to count.
    pub(super) fn chunk_len(&self) -> Option<u64> {
        self.chunk.iter().try_fold(1u64, |product, &n| product.checked_mul(n))
    }

    /// The file of chunk `index` along `axis`, `c.0.K.0`; the other axes have one chunk.
    pub(super) fn chunk_name(&self, axis: Option<usize>, index: u64) -> String {
        let mut name = String::from("c");
        for i in 0..self.shape.len() {
            name += &format!(".{}", if axis == Some(i) { index } else { 0 });
        }
        name
    }
}

/// A list of sizes.
fn sizes(json: &Value, pointer: &str) -> Result<Vec<u64>, String> {
    let numbers = json.pointer(pointer).and_then(Value::as_array);
    let sizes: Option<Vec<u64>> = numbers.and_then(|sizes| sizes.iter().map(Value::as_u64).collect());
    sizes.ok_or_else(|| format!("{pointer} is {}, not a list of sizes", shown(json, pointer)))
}

fn expect(json: &Value, pointer: &str, expected: &Value) -> Result<(), String> {
    if json.pointer(pointer) == Some(expected) {
        return Ok(());
    }
    Err(format!("{pointer} is {}, not {expected}", shown(json, pointer)))
}

/// What stands at a place of a description, its beginning if it is long.
fn shown(json: &Value, pointer: &str) -> String {
    json.pointer(pointer)
        .map_or_else(|| "missing".to_owned(), |value| super::super::excerpt(&value.to_string()))
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

/// Reads the description of a node.
pub(super) fn read_metadata(folder: &Path) -> Result<Value, IoError> {
    let path = folder.join(METADATA);
    let text = open::read(&path, MOST_BYTES)?;
    serde_json::from_slice(&text).map_err(|e| IoError::Metadata { path, reason: e.to_string() })
}
