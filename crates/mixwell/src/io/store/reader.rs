//! The reader: one chunk in memory at a time, and an error wherever draws are missing or damaged.
//!
//! Draws come chain-major, `chains x draws x elements`. Numbers of any stored type are given as `f64`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::super::IoError;
use super::description::{METADATA, read_metadata};
use super::group::ORDER;
use super::stored_array::{StoredArray, StoredVariable, thinned};

/// Draws on disk, of a finished run or one under way.
#[derive(Clone, Debug)]
pub struct DrawReader {
    path: PathBuf,
    attributes: Map<String, Value>,
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

    /// A whole variable, every `thin`-th draw: `chains x draws.div_ceil(thin) x elements`.
    pub fn read_variable(&self, group: &str, variable: &str, thin: usize) -> Result<Vec<f64>, IoError> {
        self.array(group, variable)?.read(thin)
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
        let at_once = len.div_ceil(len.div_ceil(at_once).max(1)).max(1); // passes of equal size
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

    /// The variables that a group says it has.
    pub(super) fn listed(&self, group: &str) -> Result<Vec<String>, IoError> {
        let order = read_attributes(&self.group_folder(group)?)?.remove(ORDER).unwrap_or_default();
        let names = order.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// The folder of the store.
    pub(super) fn path(&self) -> &Path {
        &self.path
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
        let known = names.iter().any(|name| name == variable);
        if let Some(array) = if known { StoredArray::open(&folder, group, variable)? } else { None } {
            return Ok(array);
        }
        let what = format!("variable `{variable}`");
        Err(IoError::Missing { what, path: folder, has: names.join(", ") })
    }
}

/// Names of the folders in `folder` that are groups or arrays, sorted.
fn nodes(folder: &Path) -> Result<Vec<String>, IoError> {
    let read = IoError::file("read the folder", folder);
    let entries: Vec<_> = std::fs::read_dir(folder).and_then(|entries| entries.collect()).map_err(read)?;
    // Links are no part of the store: `file_type` does not follow them.
    let is_node = |entry: &std::fs::DirEntry| {
        entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.path().join(METADATA).is_file()
    };
    let mut names: Vec<String> =
        entries.iter().filter(|e| is_node(e)).filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The attributes of a group.
fn read_attributes(folder: &Path) -> Result<Map<String, Value>, IoError> {
    let mut metadata = read_metadata(folder)?;
    let problem = |reason: String| IoError::Metadata { path: folder.join(METADATA), reason };
    if metadata.get("node_type").and_then(Value::as_str) != Some("group") {
        return Err(problem("it is not a group of Zarr version 3".into()));
    }
    match metadata.get_mut("attributes").map(Value::take) {
        Some(Value::Object(attributes)) => Ok(attributes),
        None => Ok(Map::new()),
        Some(_) => Err(problem("its attributes are not a table".into())),
    }
}
