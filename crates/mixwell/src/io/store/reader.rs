//! The reader: one chunk in memory at a time, and an error wherever draws are missing or damaged.
//!
//! Draws come chain-major, `chains x draws x elements`. Numbers of any stored type are given as `f64`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use zarrs::array::{Array, ArrayMetadata, ArrayToBytesCodecTraits, CodecOptions, FromArrayBytes, data_type};

use super::super::IoError;
use super::array::METADATA;
use super::group::ORDER;

/// Most numbers in a chunk that are read at once; a description that asks for more is damaged.
const CHUNK_MOST: u64 = 1 << 33;

/// Draws on disk, of a finished run or one under way.
#[derive(Clone, Debug)]
pub struct DrawReader {
    path: PathBuf,
    attributes: Map<String, Value>,
}

/// A variable or statistic of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVariable {
    /// Its name.
    pub name: String,
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// Number of chains.
    pub n_chains: usize,
    /// Number of draws of each chain.
    pub n_draws: usize,
}

impl StoredVariable {
    /// How many numbers a draw of it holds.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True when one of its dimensions is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl DrawReader {
    /// Opens the store at `path`.
    pub fn open(path: &Path) -> Result<Self, IoError> {
        let attributes = read_attributes(path)?;
        Ok(Self { path: path.to_path_buf(), attributes })
    }

    /// Attributes of the whole store.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// Names of the groups there are.
    pub fn groups(&self) -> Result<Vec<String>, IoError> {
        nodes(&self.path)
    }

    /// The variables of a group in the order in which they were declared.
    pub fn variables(&self, group: &str) -> Result<Vec<StoredVariable>, IoError> {
        let folder = self.group_folder(group)?;
        let order = read_attributes(&folder)?.remove(ORDER).unwrap_or_default();
        let place = |name: &str| {
            let found = order.as_array().and_then(|names| names.iter().position(|n| n == name));
            found.unwrap_or(usize::MAX)
        };
        let mut variables = vec![];
        for name in nodes(&folder)? {
            if let Some(array) = StoredArray::open(&folder, group, &name)? {
                variables.push(array.variable);
            }
        }
        variables.sort_by(|a, b| (place(&a.name), &a.name).cmp(&(place(&b.name), &b.name)));
        Ok(variables)
    }

    /// One number of a variable: `chains x draws`, chain after chain.
    pub fn read_scalar(&self, group: &str, variable: &str, index: usize) -> Result<Vec<f64>, IoError> {
        let array = self.array(group, variable)?;
        if index >= array.variable.len() {
            let what = format!("element {index} of `{variable}`");
            let has = format!("{} elements", array.variable.len());
            return Err(IoError::Missing { what, path: array.folder, has });
        }
        array.gather(index, 1, 1)
    }

    /// A whole variable, every `thin`-th draw: `chains x draws.div_ceil(thin) x elements`.
    pub fn read_variable(&self, group: &str, variable: &str, thin: usize) -> Result<Vec<f64>, IoError> {
        let array = self.array(group, variable)?;
        let len = array.variable.len();
        let mut out = vec![0.0; array.variable.n_chains * thinned(array.variable.n_draws, thin) * len];
        array.for_each_draw(thin, |at, draw| out[at * len..(at + 1) * len].copy_from_slice(draw))?;
        Ok(out)
    }

    /// Calls `f` with the index and the draws (`chains x draws.div_ceil(thin)`) of every number of a variable in turn.
    ///
    /// As many numbers are read in one pass over the file as fit into `memory` bytes, at least one.
    pub fn for_each_scalar(
        &self,
        group: &str,
        variable: &str,
        thin: usize,
        memory: usize,
        mut f: impl FnMut(usize, &[f64]),
    ) -> Result<(), IoError> {
        let array = self.array(group, variable)?;
        let n = array.variable.n_chains * thinned(array.variable.n_draws, thin);
        let len = array.variable.len();
        let at_once = (memory / (8 * n).max(1)).clamp(1, len.max(1));
        let mut first = 0;
        while first < len {
            let count = at_once.min(len - first);
            let block = array.gather(first, count, thin)?;
            for i in 0..count {
                f(first + i, &block[i * n..(i + 1) * n]);
            }
            first += count;
        }
        Ok(())
    }

    /// Reads every chunk of every group and returns the errors found, none for a sound store.
    pub fn verify(&self) -> Result<Vec<IoError>, IoError> {
        let mut errors = vec![];
        for group in self.groups()? {
            for variable in self.variables(&group)? {
                let array = self.array(&group, &variable.name)?;
                errors.extend((0..array.n_chunks()).filter_map(|k| array.read_chunk(k).err()));
            }
        }
        Ok(errors)
    }

    fn group_folder(&self, group: &str) -> Result<PathBuf, IoError> {
        let groups = self.groups()?;
        if groups.iter().any(|g| g == group) {
            return Ok(self.path.join(group));
        }
        let what = format!("group `{group}`");
        Err(IoError::Missing { what, path: self.path.clone(), has: groups.join(", ") })
    }

    fn array(&self, group: &str, variable: &str) -> Result<StoredArray, IoError> {
        let folder = self.group_folder(group)?;
        let names = nodes(&folder)?;
        if names.iter().any(|name| name == variable) {
            if let Some(array) = StoredArray::open(&folder, group, variable)? {
                // Memory is set aside for all draws next, so the last of them had better exist.
                array.n_chunks().checked_sub(1).map_or(Ok(()), |last| array.read_chunk(last).map(|_| ()))?;
                return Ok(array);
            }
        }
        let what = format!("variable `{variable}`");
        Err(IoError::Missing { what, path: folder, has: names.join(", ") })
    }
}

/// An array of draws being read.
struct StoredArray {
    variable: StoredVariable,
    folder: PathBuf,
    label: String,
    array: Array<()>,
    chunk: usize,
}

impl StoredArray {
    /// Opens an array; `None` when it is a coordinate and not an array of draws.
    fn open(group_folder: &Path, group: &str, name: &str) -> Result<Option<Self>, IoError> {
        let folder = group_folder.join(name);
        let path = folder.join(METADATA);
        let problem = |reason: String| IoError::Metadata { path: path.clone(), reason };
        let text = std::fs::read(&path).map_err(IoError::file("read", &path))?;
        let metadata: ArrayMetadata = serde_json::from_slice(&text).map_err(|e| problem(e.to_string()))?;
        let array =
            Array::new_with_metadata(Arc::new(()), "/", metadata).map_err(|e| problem(e.to_string()))?;
        let dims = array.dimension_names().clone().unwrap_or_default();
        let is = |i: usize, name: &str| dims.get(i).is_some_and(|d| d.as_deref() == Some(name));
        if !is(0, "chain") || !is(1, "draw") {
            return Ok(None);
        }
        let shape = array.shape();
        let chunk = array.chunk_shape(&vec![0; shape.len()]).map_err(|e| problem(e.to_string()))?;
        let chunk: Vec<u64> = chunk.iter().map(|n| n.get()).collect();
        let whole = shape.iter().zip(&chunk).enumerate().all(|(axis, (n, c))| axis == 1 || n == c);
        let product = |dims: &[u64]| dims.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        let small = product(&chunk).is_some_and(|n| n <= CHUNK_MOST);
        if !whole || !small || product(shape).is_none_or(|n| usize::try_from(n).is_err()) {
            return Err(problem(format!("shape {shape:?} in chunks of {chunk:?}")));
        }
        let size = |n: &u64| *n as usize; // all of them divide a product that fits, or are 0
        let variable = StoredVariable {
            name: name.to_owned(),
            shape: shape[2..].iter().map(size).collect(),
            n_chains: size(&shape[0]),
            n_draws: size(&shape[1]),
        };
        Ok(Some(Self { variable, folder, label: format!("{group}/{name}"), chunk: size(&chunk[1]), array }))
    }

    fn n_chunks(&self) -> usize {
        self.variable.n_draws.div_ceil(self.chunk)
    }

    /// The numbers of a chunk, `chains x chunk x elements`; what lies after the last draw means nothing.
    fn read_chunk(&self, index: usize) -> Result<Vec<f64>, IoError> {
        let mut indices = vec![0; self.array.dimensionality()];
        indices[1] = index as u64;
        let path = self.folder.join(self.array.chunk_key(&indices).as_str());
        let problem = |reason: String| IoError::Chunk {
            array: self.label.clone(),
            chunk: index as u64,
            first: (index * self.chunk) as u64,
            last: ((index + 1) * self.chunk).min(self.variable.n_draws) as u64 - 1,
            path: path.clone(),
            reason,
        };
        let encoded = std::fs::read(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => problem("is missing".into()),
            _ => IoError::file("read", &path)(e),
        })?;
        let damaged = |e: &dyn std::fmt::Display| problem(format!("is damaged ({e})"));
        let shape = self.array.chunk_shape(&indices).map_err(|e| damaged(&e))?;
        let sizes: Vec<u64> = shape.iter().map(|n| n.get()).collect();
        let options = CodecOptions::default().with_validate_checksums(true);
        let (kind, fill) = (self.array.data_type(), self.array.fill_value());
        let bytes = self
            .array
            .codecs()
            .decode(Cow::Owned(encoded), &shape, kind, fill, &options)
            .map_err(|e| damaged(&e))?
            .into_owned();
        let values: Vec<f64> = if *kind == data_type::float64() {
            Vec::from_array_bytes(bytes, &sizes, kind).map_err(|e| damaged(&e))?
        } else if *kind == data_type::int64() {
            let values: Vec<i64> = Vec::from_array_bytes(bytes, &sizes, kind).map_err(|e| damaged(&e))?;
            values.into_iter().map(|v| v as f64).collect()
        } else {
            let values: Vec<bool> = Vec::from_array_bytes(bytes, &sizes, kind).map_err(|e| damaged(&e))?;
            values.into_iter().map(f64::from).collect()
        };
        Ok(values)
    }

    /// Elements `first .. first + count`, every `thin`-th draw, as `count x chains x draws`.
    fn gather(&self, first: usize, count: usize, thin: usize) -> Result<Vec<f64>, IoError> {
        let n = self.variable.n_chains * thinned(self.variable.n_draws, thin);
        let mut out = vec![0.0; n * count];
        self.for_each_draw(thin, |at, draw| {
            for (element, &value) in draw[first..first + count].iter().enumerate() {
                out[element * n + at] = value;
            }
        })?;
        Ok(out)
    }

    /// Calls `f` with every `thin`-th draw of every chain, in the order of the file, and its chain-major position.
    fn for_each_draw(&self, thin: usize, mut f: impl FnMut(usize, &[f64])) -> Result<(), IoError> {
        let (len, n_draws, thin) = (self.variable.len(), self.variable.n_draws, thin.max(1));
        for index in 0..self.n_chunks() {
            let values = self.read_chunk(index)?;
            let start = index * self.chunk;
            let end = n_draws.min(start + self.chunk);
            for chain in 0..self.variable.n_chains {
                for draw in (start.next_multiple_of(thin)..end).step_by(thin) {
                    let from = (chain * self.chunk + draw - start) * len;
                    f(chain * thinned(n_draws, thin) + draw / thin, &values[from..from + len]);
                }
            }
        }
        Ok(())
    }
}

/// How many draws are left of `n_draws` when every `thin`-th is kept, the first among them.
fn thinned(n_draws: usize, thin: usize) -> usize {
    n_draws.div_ceil(thin.max(1))
}

/// Names of the folders in `folder` that are groups or arrays, sorted.
fn nodes(folder: &Path) -> Result<Vec<String>, IoError> {
    let read = IoError::file("read the folder", folder);
    let entries: Vec<_> = std::fs::read_dir(folder).and_then(|entries| entries.collect()).map_err(read)?;
    let is_node = |entry: &std::fs::DirEntry| entry.path().join(METADATA).is_file();
    let mut names: Vec<String> =
        entries.iter().filter(|e| is_node(e)).filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The attributes of a group.
fn read_attributes(folder: &Path) -> Result<Map<String, Value>, IoError> {
    let path = folder.join(METADATA);
    let text = std::fs::read(&path).map_err(IoError::file("read", &path))?;
    let problem = |reason: String| IoError::Metadata { path: path.clone(), reason };
    let mut metadata: Value = serde_json::from_slice(&text).map_err(|e| problem(e.to_string()))?;
    if metadata.get("node_type").and_then(Value::as_str) != Some("group") {
        return Err(problem("it is not a group of Zarr version 3".into()));
    }
    match metadata.get_mut("attributes").map(Value::take) {
        Some(Value::Object(attributes)) => Ok(attributes),
        None => Ok(Map::new()),
        Some(_) => Err(problem("its attributes are not a table".into())),
    }
}
