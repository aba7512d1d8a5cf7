//! One array of draws being read: checked when opened, then chunk by chunk.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::super::{IoError, open};
use super::chunk;
use super::description::{ArrayDescription, METADATA, read_metadata};
use super::schema::{CHUNK_LIMIT, CHUNK_NUMBERS, StatKind};

/// Bytes of chunks that are unpacked at once, on several threads.
const READ_AHEAD: usize = 16 << 20;

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

/// An array of draws being read.
pub(super) struct StoredArray {
    pub(super) variable: StoredVariable,
    pub(super) folder: PathBuf,
    pub(super) kind: StatKind,
    label: String,
    description: ArrayDescription,
    chunk: usize,
}

impl StoredArray {
    /// Opens an array; `None` when it is a coordinate and not an array of draws.
    pub(super) fn open(group_folder: &Path, group: &str, name: &str) -> Result<Option<Self>, IoError> {
        let folder = group_folder.join(name);
        let problem = |reason: String| IoError::Metadata { path: folder.join(METADATA), reason };
        let description = ArrayDescription::from_json(&read_metadata(&folder)?).map_err(problem)?;
        let (shape, sizes, dims) = (&description.shape, &description.chunk, &description.dims);
        if dims.len() < 2 || dims[0] != "chain" || dims[1] != "draw" {
            return Ok(None);
        }
        let whole = shape.iter().zip(sizes).enumerate().all(|(axis, (n, c))| axis == 1 || n == c);
        let numbers = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        // What the writer would not make: many draws in a chunk of more than the limit.
        let chunk_most = if sizes[1] > 1 { (CHUNK_LIMIT / 8) as u64 } else { CHUNK_NUMBERS };
        let small = description.chunk_len().is_some_and(|n| n <= chunk_most);
        if !whole || !small || numbers.is_none_or(|n| n > usize::MAX as u64 / 8) {
            return Err(problem(format!("shape {shape:?} in chunks of {sizes:?}")));
        }
        let size = |n: &u64| *n as usize; // all of them divide a product that fits, or are 0
        let variable = StoredVariable {
            name: name.to_owned(),
            shape: shape[2..].iter().map(size).collect(),
            n_chains: size(&shape[0]),
            n_draws: size(&shape[1]),
        };
        let (label, chunk, kind) = (format!("{group}/{name}"), size(&sizes[1]), description.kind);
        Ok(Some(Self { variable, folder, kind, label, chunk, description }))
    }

    pub(super) fn n_chunks(&self) -> usize {
        self.variable.n_draws.div_ceil(self.chunk)
    }

    /// The file of chunk `index` along the draws.
    fn chunk_path(&self, index: usize) -> PathBuf {
        self.folder.join(self.description.chunk_name(Some(1), index as u64))
    }

    /// What is wrong with chunk `index`.
    pub(super) fn problem(&self, index: usize, reason: String) -> IoError {
        let last = ((index + 1) * self.chunk).min(self.variable.n_draws) as u64 - 1;
        IoError::Chunk {
            array: self.label.clone(),
            chunk: index as u64,
            first: (index * self.chunk) as u64,
            last,
            path: self.chunk_path(index),
            reason,
        }
    }

    /// Refuses an array of which a chunk is not there: memory is about to be set aside for all draws it claims.
    pub(super) fn check_chunks_exist(&self) -> Result<(), IoError> {
        match (0..self.n_chunks()).find(|&index| !self.chunk_path(index).is_file()) {
            Some(index) => Err(self.problem(index, "is missing".into())),
            None => Ok(()),
        }
    }

    /// Numbers in a chunk.
    fn chunk_len(&self) -> usize {
        self.variable.n_chains * self.chunk * self.variable.len()
    }

    /// Sizes of a chunk: chains, draws, then the shape of the variable.
    pub(super) fn chunk_shape(&self) -> &[u64] {
        &self.description.chunk
    }

    /// The file of a chunk.
    pub(super) fn read_file(&self, index: usize) -> Result<Vec<u8>, IoError> {
        let len = self.chunk_len();
        let file = open::read(&self.chunk_path(index), chunk::most_bytes(self.kind, len));
        file.map_err(|e| match e {
            IoError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                self.problem(index, "is missing".into())
            }
            IoError::TooLarge { size, .. } => self.problem(
                index,
                format!("is damaged (it has {size} bytes, more than its {len} numbers can take)"),
            ),
            other => other,
        })
    }

    /// The numbers of a chunk, `chains x chunk x elements`; what lies after the last draw means nothing.
    pub(super) fn read_chunk(&self, index: usize) -> Result<Vec<f64>, IoError> {
        let values = chunk::decode(&self.read_file(index)?, self.kind, self.chunk_len());
        values.map_err(|e| self.problem(index, format!("is damaged ({e})")))
    }

    /// Zeros, as many as draws are to be read; an error where there is no memory for them.
    fn room(&self, numbers: usize) -> Result<Vec<f64>, IoError> {
        self.check_chunks_exist()?;
        let mut room = Vec::new();
        let enough = room.try_reserve_exact(numbers);
        enough.map_err(|_| IoError::file("read", &self.folder)(std::io::ErrorKind::OutOfMemory.into()))?;
        room.resize(numbers, 0.0);
        Ok(room)
    }

    /// Elements `first .. first + count`, every `thin`-th draw, as `count x chains x draws`.
    pub(super) fn gather(&self, first: usize, count: usize, thin: usize) -> Result<Vec<f64>, IoError> {
        let n = self.variable.n_chains * thinned(self.variable.n_draws, thin);
        let mut out = self.room(n * count)?;
        let len = self.variable.len();
        self.for_each_run(thin, |at, run, step| {
            for element in 0..count {
                let kept = run[first + element..].iter().step_by(step * len);
                out[element * n + at..].iter_mut().zip(kept).for_each(|(out, &value)| *out = value);
            }
        })?;
        Ok(out)
    }

    /// Every `thin`-th draw of the whole variable, as `chains x draws x elements`.
    pub(super) fn read(&self, thin: usize) -> Result<Vec<f64>, IoError> {
        let len = self.variable.len();
        let mut out = self.room(self.variable.n_chains * thinned(self.variable.n_draws, thin) * len)?;
        self.for_each_run(thin, |at, run, step| {
            let kept = run.chunks_exact(len).step_by(step);
            out[at * len..].chunks_exact_mut(len).zip(kept).for_each(|(out, draw)| out.copy_from_slice(draw));
        })?;
        Ok(out)
    }

    /// Calls `f` with each run of draws of one chain within one chunk, beginning at a kept one: the chain-major position of
    /// that draw among those kept, the run (`draws x elements`), and every how many draws one is kept.
    fn for_each_run(&self, thin: usize, mut f: impl FnMut(usize, &[f64], usize)) -> Result<(), IoError> {
        let (len, n_draws, thin) = (self.variable.len(), self.variable.n_draws, thin.max(1));
        let chunk_bytes = 8 * self.variable.n_chains * self.chunk * len;
        let at_once = (READ_AHEAD / chunk_bytes.max(1)).clamp(1, rayon::current_num_threads());
        let mut next = 0;
        while next < self.n_chunks() {
            let batch = next..self.n_chunks().min(next + at_once);
            let chunks: Vec<_> = batch.clone().into_par_iter().map(|index| self.read_chunk(index)).collect();
            for (index, values) in batch.zip(chunks) {
                let values = values?;
                let start = index * self.chunk;
                let end = n_draws.min(start + self.chunk);
                let first = start.next_multiple_of(thin);
                if first >= end {
                    continue;
                }
                for chain in 0..self.variable.n_chains {
                    let run =
                        (chain * self.chunk + first - start) * len..(chain * self.chunk + end - start) * len;
                    f(chain * thinned(n_draws, thin) + first / thin, &values[run], thin);
                }
            }
            next += at_once;
        }
        Ok(())
    }
}

/// How many draws are left of `n_draws` when every `thin`-th is kept, the first among them.
pub(super) fn thinned(n_draws: usize, thin: usize) -> usize {
    n_draws.div_ceil(thin.max(1))
}
