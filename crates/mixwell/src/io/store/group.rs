//! One group of arrays with a common row: all variables of a phase, or all its statistics.
//!
//! Rows come as `draws x chains x n_row`; a chunk of an array wants `chains x draws x elements`. Turning one into the other
//! is all that happens here, array by array on all threads.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::super::{IoError, open};
use super::array::{Axis, ZarrArray};
use super::chunk::ChunkData;
use super::contents::{ArrayContents, ChunkHash};
use super::description::{group_metadata, write_metadata};
use super::schema::{StatKind, StoreSchema, dim_names};

/// Attribute of a group that lists its variables in the order of a row.
pub(super) const ORDER: &str = "variables";

/// Which numbers of a row an array holds.
struct Column {
    array: ZarrArray,
    kind: StatKind,
    offset: usize,
    len: usize,
    /// Hashes of the chunks written, the last one perhaps not full.
    chunks: Vec<ChunkHash>,
}

/// A group being written.
pub(super) struct GroupWriter {
    name: &'static str,
    folder: PathBuf,
    columns: Vec<Column>,
    /// Coordinate of the draws, which grows with them.
    draw: ZarrArray,
    /// Coordinates that are known from the start, with their lengths.
    fixed: Vec<(ZarrArray, usize)>,
    n_chains: usize,
    n_row: usize,
    chunk: usize,
}

impl GroupWriter {
    /// The group of all variables.
    pub(super) fn values(store: &Path, name: &'static str, schema: &StoreSchema, chunk: usize) -> Self {
        let mut group = Self::empty(store, name, schema.n_chains, chunk);
        for variable in &schema.variables {
            let inner: Vec<(String, usize)> =
                dim_names(variable).into_iter().zip(variable.shape.iter().copied()).collect();
            group.add(&variable.name, StatKind::Float, &inner);
        }
        group
    }

    /// The group of all statistics.
    pub(super) fn stats(store: &Path, name: &'static str, schema: &StoreSchema, chunk: usize) -> Self {
        let mut group = Self::empty(store, name, schema.n_chains, chunk);
        for stat in &schema.stats {
            group.add(&stat.name, stat.kind, &[]);
        }
        group
    }

    fn empty(store: &Path, name: &'static str, n_chains: usize, chunk: usize) -> Self {
        let folder = store.join(name);
        let draw = ZarrArray::new(folder.join("draw"), StatKind::Int, &[Axis::draws(chunk)]);
        let mut group =
            Self { name, folder, columns: vec![], draw, fixed: vec![], n_chains, n_row: 0, chunk };
        group.add_coordinate("chain", n_chains);
        group
    }

    fn add_coordinate(&mut self, name: &str, len: usize) {
        let array = ZarrArray::new(self.folder.join(name), StatKind::Int, &[Axis::fixed(name, len)]);
        self.fixed.push((array, len));
    }

    fn add(&mut self, name: &str, kind: StatKind, inner: &[(String, usize)]) {
        let mut axes = vec![Axis::fixed("chain", self.n_chains), Axis::draws(self.chunk)];
        for (dim, len) in inner {
            axes.push(Axis::fixed(dim.as_str(), *len));
            self.add_coordinate(dim, *len);
        }
        let len = inner.iter().map(|(_, len)| len).product();
        let array = ZarrArray::new(self.folder.join(name), kind, &axes);
        self.columns.push(Column { array, kind, offset: self.n_row, len, chunks: vec![] });
        self.n_row += len;
    }

    /// Numbers in one draw of one chain.
    pub(super) fn n_row(&self) -> usize {
        self.n_row
    }

    /// Makes the folders and writes the coordinates that do not grow.
    pub(super) fn create(&self, written: &mut Vec<PathBuf>) -> Result<(), IoError> {
        let growing = self.columns.iter().map(|c| &c.array).chain([&self.draw]);
        open::no_link(&self.folder)?;
        for array in growing.chain(self.fixed.iter().map(|(array, _)| array)) {
            open::no_link(array.folder())?;
            std::fs::create_dir_all(array.folder())
                .map_err(IoError::file("create the folder", array.folder()))?;
        }
        for (array, len) in &self.fixed {
            written.push(array.write_chunk(0, &ChunkData::Int((0..*len as i64).collect()))?.0);
        }
        Ok(())
    }

    /// Keeps the first `complete` chunks, which must be there, and deletes all others.
    pub(super) fn keep_chunks(&self, complete: u64) -> Result<(), IoError> {
        for array in self.columns.iter().map(|c| &c.array).chain([&self.draw]) {
            for index in 0..complete {
                let path = array.chunk_path(index);
                if !path.is_file() {
                    let (first, last) = (index * self.chunk as u64, (index + 1) * self.chunk as u64 - 1);
                    let array = format!("{}/{}", self.name, array.name());
                    let reason = "is missing".to_owned();
                    return Err(IoError::Chunk { array, chunk: index, first, last, path, reason });
                }
            }
            array.delete_chunks_from(complete)?;
        }
        Ok(())
    }

    /// Writes chunk `index` of every array from `rows` (`draws x chains x n_row`, `draws` at most a chunk).
    pub(super) fn write_chunk(
        &mut self,
        index: u64,
        draws: usize,
        rows: &[f64],
        written: &mut Vec<PathBuf>,
    ) -> Result<(), IoError> {
        let write = |column: &Column| column.array.write_chunk(index, &self.chunk_of(column, draws, rows));
        let files: Result<Vec<(PathBuf, ChunkHash)>, IoError> = self.columns.par_iter().map(write).collect();
        for (column, (path, hash)) in self.columns.iter_mut().zip(files?) {
            column.chunks.truncate(index as usize);
            column.chunks.push(hash);
            written.push(path);
        }
        let first = (index * self.chunk as u64) as i64;
        let numbers = (0..self.chunk).map(|i| if i < draws { first + i as i64 } else { 0 }).collect();
        written.push(self.draw.write_chunk(index, &ChunkData::Int(numbers))?.0);
        Ok(())
    }

    /// What is written of each array, of this many draws.
    pub(super) fn contents(&self, n_draws: u64) -> impl Iterator<Item = ArrayContents> + '_ {
        self.columns.iter().map(move |c| c.array.contents(self.name, n_draws, &c.chunks))
    }

    /// Takes up the hashes of whole chunks that [`GroupWriter::contents`] gave; false when they are those of other arrays.
    pub(super) fn take_up(&mut self, contents: &[ArrayContents]) -> bool {
        let of = |column: &Column| {
            let found = contents.iter().find(|a| a.group == self.name && a.name == column.array.name())?;
            let same = column.array.contents(self.name, found.n_draws, &found.chunks) == *found;
            same.then(|| found.chunks.clone())
        };
        let Some(all) = self.columns.iter().map(of).collect::<Option<Vec<_>>>() else { return false };
        self.columns.iter_mut().zip(all).for_each(|(column, chunks)| column.chunks = chunks);
        true
    }

    fn chunk_of(&self, column: &Column, draws: usize, rows: &[f64]) -> ChunkData {
        match column.kind {
            StatKind::Float => ChunkData::Float(self.gather(column, draws, rows, f64::NAN, |v| v)),
            StatKind::Int => ChunkData::Int(self.gather(column, draws, rows, 0, |v| v as i64)),
            StatKind::Bool => ChunkData::Bool(self.gather(column, draws, rows, false, |v| v != 0.0)),
        }
    }

    /// The numbers of a column as `chains x chunk x len`, with `fill` after the last draw.
    fn gather<T: Copy>(
        &self,
        column: &Column,
        draws: usize,
        rows: &[f64],
        fill: T,
        convert: impl Fn(f64) -> T,
    ) -> Vec<T> {
        let (len, stride) = (column.len, self.n_chains * self.n_row);
        let mut out = Vec::with_capacity(self.n_chains * self.chunk * len);
        for chain in 0..self.n_chains {
            for draw in 0..draws {
                let start = draw * stride + chain * self.n_row + column.offset;
                out.extend(rows[start..start + len].iter().map(|&v| convert(v)));
            }
            out.resize((chain + 1) * self.chunk * len, fill);
        }
        out
    }

    /// Writes the description of the group and of its arrays at `n_draws` draws; adds them to `consolidated`.
    pub(super) fn write_metadata(
        &mut self,
        n_draws: u64,
        attributes: &Map<String, Value>,
        written: &mut Vec<PathBuf>,
        consolidated: &mut Map<String, Value>,
    ) -> Result<(), IoError> {
        let growing = self.columns.iter_mut().map(|c| &mut c.array).chain([&mut self.draw]);
        for array in growing.chain(self.fixed.iter_mut().map(|(array, _)| array)) {
            let (path, metadata) = array.write_metadata(n_draws)?;
            written.push(path);
            consolidated.insert(format!("{}/{}", self.name, array.name()), metadata);
        }
        let mut attributes = attributes.clone();
        attributes.insert(ORDER.into(), self.columns.iter().map(|c| Value::from(c.array.name())).collect());
        let metadata = Value::Object(group_metadata(&attributes));
        written.push(write_metadata(&self.folder, &metadata)?);
        consolidated.insert(self.name.to_owned(), metadata);
        Ok(())
    }
}
