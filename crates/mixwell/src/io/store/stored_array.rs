//! One array of draws being read: checked when opened, then chunk by chunk.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use zarrs::array::{Array, ArrayMetadata, ArrayToBytesCodecTraits, CodecOptions, FromArrayBytes, data_type};

use super::super::IoError;
use super::array::METADATA;
use super::reader::StoredVariable;

/// Most numbers in a chunk that are read at once; a description that asks for more is damaged.
const CHUNK_MOST: u64 = 1 << 33;
/// Bytes of chunks that are unpacked at once, on several threads.
const READ_AHEAD: usize = 16 << 20;

/// An array of draws being read.
pub(super) struct StoredArray {
    pub(super) variable: StoredVariable,
    pub(super) folder: PathBuf,
    label: String,
    array: Array<()>,
    chunk: usize,
}

impl StoredArray {
    /// Opens an array; `None` when it is a coordinate and not an array of draws.
    pub(super) fn open(group_folder: &Path, group: &str, name: &str) -> Result<Option<Self>, IoError> {
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

    pub(super) fn n_chunks(&self) -> usize {
        self.variable.n_draws.div_ceil(self.chunk)
    }

    /// The file of chunk `index` along the draws.
    fn chunk_path(&self, index: usize) -> PathBuf {
        let mut indices = vec![0; self.array.dimensionality()];
        indices[1] = index as u64;
        self.folder.join(self.array.chunk_key(&indices).as_str())
    }

    /// What is wrong with chunk `index`.
    fn problem(&self, index: usize, reason: String) -> IoError {
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

    /// Refuses an array whose last chunk is not there: memory is about to be set aside for all draws it claims.
    pub(super) fn check_last_chunk(&self) -> Result<(), IoError> {
        match self.n_chunks().checked_sub(1) {
            Some(last) if !self.chunk_path(last).is_file() => Err(self.problem(last, "is missing".into())),
            _ => Ok(()),
        }
    }

    /// The numbers of a chunk, `chains x chunk x elements`; what lies after the last draw means nothing.
    pub(super) fn read_chunk(&self, index: usize) -> Result<Vec<f64>, IoError> {
        let path = self.chunk_path(index);
        let problem = |reason: String| self.problem(index, reason);
        let encoded = std::fs::read(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => problem("is missing".into()),
            _ => IoError::file("read", &path)(e),
        })?;
        let damaged = |e: &dyn std::fmt::Display| problem(format!("is damaged ({e})"));
        let shape = self.array.chunk_shape(&vec![0; self.array.dimensionality()]).map_err(|e| damaged(&e))?;
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
    pub(super) fn gather(&self, first: usize, count: usize, thin: usize) -> Result<Vec<f64>, IoError> {
        let n = self.variable.n_chains * thinned(self.variable.n_draws, thin);
        let mut out = vec![0.0; n * count];
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
        let mut out = vec![0.0; self.variable.n_chains * thinned(self.variable.n_draws, thin) * len];
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
