//! The particles that i-SIR looked at, kept for flow training and Rao-Blackwellised estimates.
//!
//! Shapes: `chains * n_particles x dim`, chain after chain; slot 0 of a chain is the point it was at before the step. With
//! `w` the weights of a chain's particles, `sum softmax(log w)_i f(x_i)` is unbiased for the mean of `f` at stationarity.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::footprint::numbers;
use crate::{Batch, BatchMut, Points};

/// The particles of the last i-SIR step of every chain: flow training and Rao-Blackwellised estimates use them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ParticlePool {
    n_particles: usize,
    x: Points,
    log_weight: Vec<f64>,
}

impl ParticlePool {
    /// Bytes of [`ParticlePool::new`] with these sizes.
    pub(crate) fn bytes(n_chains: usize, n_particles: usize, dim: usize) -> u64 {
        numbers(&[n_chains, n_particles, dim]).saturating_add(numbers(&[n_chains, n_particles]))
    }

    /// Room for `n_particles` particles of each of `n_chains` chains.
    pub fn new(n_chains: usize, n_particles: usize, dim: usize) -> Self {
        Self {
            n_particles,
            x: Points::zeros(n_chains * n_particles, dim),
            log_weight: vec![f64::NEG_INFINITY; n_chains * n_particles],
        }
    }

    /// A copy of `from` in the memory that is here already.
    pub(crate) fn copy_from(&mut self, from: &Self) {
        self.n_particles = from.n_particles;
        self.x.clone_from(&from.x);
        self.log_weight.clone_from(&from.log_weight);
    }

    /// Particles per chain, the current point included.
    pub fn n_particles(&self) -> usize {
        self.n_particles
    }

    /// All particles, chain after chain (`chains * n_particles x dim`).
    pub fn x(&self) -> Batch<'_> {
        self.x.as_batch()
    }

    /// Unnormalised log-weights, chain after chain.
    pub fn log_weights(&self) -> &[f64] {
        &self.log_weight
    }

    pub(super) fn blocks(&mut self, rows: usize) -> Vec<PoolBlock<'_>> {
        let (n, dim) = (self.n_particles, self.x.dim());
        let weights = self.log_weight.chunks_mut(rows * n);
        self.x
            .data_mut()
            .chunks_mut(rows * n * dim)
            .zip(weights)
            .map(|(x, log_weight)| PoolBlock { n_particles: n, x: BatchMut::new(x, dim), log_weight })
            .collect()
    }
}

/// The rows of a [`ParticlePool`] that belong to one block of chains.
pub struct PoolBlock<'a> {
    n_particles: usize,
    x: BatchMut<'a>,
    log_weight: &'a mut [f64],
}

impl PoolBlock<'_> {
    /// Particles per chain, the current point included.
    pub fn n_particles(&self) -> usize {
        self.n_particles
    }

    /// The particles (`n_particles x dim`) and log-weights of row `row`, to be written.
    pub fn row_mut(&mut self, row: usize) -> (BatchMut<'_>, &mut [f64]) {
        self.rows_mut(row..row + 1)
    }

    pub(super) fn sub(&mut self, rows: Range<usize>) -> PoolBlock<'_> {
        let n_particles = self.n_particles;
        let (x, log_weight) = self.rows_mut(rows);
        PoolBlock { n_particles, x, log_weight }
    }

    fn rows_mut(&mut self, rows: Range<usize>) -> (BatchMut<'_>, &mut [f64]) {
        let range = rows.start * self.n_particles..rows.end * self.n_particles;
        (self.x.slice_mut(range.clone()), &mut self.log_weight[range])
    }

    pub(super) fn swap_rows(&mut self, i: usize, j: usize) {
        let n = self.n_particles;
        swap_rows(&mut self.x, i, j, n);
        let (head, tail) = self.log_weight.split_at_mut(i.max(j) * n);
        head[i.min(j) * n..(i.min(j) + 1) * n].swap_with_slice(&mut tail[..n]);
    }
}

/// Exchanges the groups of `n` rows that begin at rows `i * n` and `j * n`.
pub(super) fn swap_rows(rows: &mut BatchMut<'_>, i: usize, j: usize, n: usize) {
    let (len, i, j) = (n * rows.dim(), i.min(j), i.max(j));
    let (head, tail) = rows.data_mut().split_at_mut(j * len);
    head[i * len..(i + 1) * len].swap_with_slice(&mut tail[..len]);
}
