//! The coherent state of all chains.
//!
//! A chain is a position with everything derived from it: log-density, gradient, and under a proposal its latent and
//! log q. Derived values are either those of the current position (and, for log q, of the proposal version they are
//! stored with) or marked unknown; [`Block`]'s methods are the only way to change a position, and they keep that promise.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::pool::{Pool, PoolBlock, swap_rows};
use super::replicas::Replicas;
use crate::density::{EvaluationError, Guarded, Target};
use crate::footprint::{bytes, numbers};
use crate::proposal::Proposal;
use crate::{Batch, BatchMut, Points, Stream};

/// All chains of a run.
#[derive(Clone, Debug)]
pub struct Ensemble {
    x: Points,
    log_prob: Vec<f64>,
    grad: Points,
    grad_known: Vec<bool>,
    z: Points,
    log_q: Vec<f64>,
    log_q_version: Vec<u64>,
    streams: Vec<Stream>,
    /// What kernels keep beside each chain.
    replicas: Vec<Vec<Replicas>>,
}

/// An [`Ensemble`] as it lies in a checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct EnsembleState {
    x: Points,
    log_prob: Vec<f64>,
    grad: Points,
    grad_known: Vec<bool>,
    z: Points,
    log_q: Vec<f64>,
    log_q_version: Vec<u64>,
    streams: Vec<crate::rng::StreamState>,
    replicas: Vec<Vec<Replicas>>,
}

impl Ensemble {
    /// Chains at the rows of `x`, one stream each; evaluates the log-density of every start.
    ///
    /// # Errors
    /// When the target cannot be evaluated.
    ///
    /// # Panics
    /// When the numbers of rows and streams differ.
    pub fn new(target: &dyn Target, x: Points, streams: Vec<Stream>) -> Result<Self, EvaluationError> {
        assert_eq!(x.rows(), streams.len(), "one stream per chain");
        let mut log_prob = vec![0.0; x.rows()];
        target.log_prob(x.as_batch(), &mut log_prob)?;
        Ok(Self::evaluated(x, log_prob, None, streams))
    }

    /// Chains at the rows of `x`, where the log-density, and perhaps the gradient, is known already.
    ///
    /// # Panics
    /// When the numbers of rows, values and streams differ.
    pub fn evaluated(x: Points, log_prob: Vec<f64>, grad: Option<Points>, streams: Vec<Stream>) -> Self {
        assert_eq!(x.rows(), streams.len(), "one stream per chain");
        assert_eq!(x.rows(), log_prob.len(), "one log-density per chain");
        let (n, dim) = (x.rows(), x.dim());
        assert!(grad.as_ref().is_none_or(|g| (g.rows(), g.dim()) == (n, dim)), "one gradient per chain");
        Self {
            log_prob,
            grad_known: vec![grad.is_some(); n],
            grad: grad.unwrap_or_else(|| Points::zeros(n, dim)),
            z: Points::zeros(n, dim),
            log_q: vec![0.0; n],
            log_q_version: vec![0; n],
            replicas: vec![Vec::new(); n],
            x,
            streams,
        }
    }

    /// Bytes of `n` chains in `dim` dimensions.
    pub(crate) fn bytes(n: usize, dim: usize) -> u64 {
        let scalars = size_of::<Stream>() + size_of::<Vec<Replicas>>() + 4 * size_of::<f64>();
        numbers(&[3, n, dim]).saturating_add(bytes(scalars, &[n]))
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.x.rows()
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.x.dim()
    }

    /// Positions, one chain per row.
    pub fn x(&self) -> Batch<'_> {
        self.x.as_batch()
    }

    /// Log-density of every chain's position.
    pub fn log_prob(&self) -> &[f64] {
        &self.log_prob
    }

    /// Log-density of chain `chain` under the proposal of this version, if it is known.
    pub fn log_q(&self, chain: usize, version: u64) -> Option<f64> {
        (self.log_q_version[chain] == version).then(|| self.log_q[chain])
    }

    /// Cuts the chains into blocks of at most `rows` chains; `pool`, if given, is cut alongside.
    pub fn blocks<'a>(&'a mut self, rows: usize, pool: Option<&'a mut Pool>) -> Vec<Block<'a>> {
        let dim = self.dim();
        let mut pools = pool.map(|p| p.blocks(rows).into_iter());
        let mut blocks = Vec::with_capacity(self.n_chains().div_ceil(rows));
        let x = self.x.data_mut().chunks_mut(rows * dim);
        let grad = self.grad.data_mut().chunks_mut(rows * dim);
        let z = self.z.data_mut().chunks_mut(rows * dim);
        let scalars = self.log_prob.chunks_mut(rows).zip(self.grad_known.chunks_mut(rows));
        let proposals = self.log_q.chunks_mut(rows).zip(self.log_q_version.chunks_mut(rows));
        let private = self.streams.chunks_mut(rows).zip(self.replicas.chunks_mut(rows));
        for (i, (((((x, grad), z), (log_prob, grad_known)), (log_q, log_q_version)), (streams, replicas))) in
            x.zip(grad).zip(z).zip(scalars).zip(proposals).zip(private).enumerate()
        {
            blocks.push(Block {
                first_chain: i * rows,
                x: BatchMut::new(x, dim),
                log_prob,
                grad: BatchMut::new(grad, dim),
                grad_known,
                z: BatchMut::new(z, dim),
                log_q,
                log_q_version,
                streams,
                replicas,
                nested: false,
                pool: pools.as_mut().and_then(Iterator::next),
            });
        }
        blocks
    }

    /// All chains as one block.
    pub fn whole(&mut self) -> Block<'_> {
        let n = self.n_chains();
        self.blocks(n, None).pop().expect("at least one chain")
    }

    /// Forgets every derived value and evaluates the log-density afresh: the slow twin that kernels are tested against.
    ///
    /// # Errors
    /// When the target cannot be evaluated.
    pub fn recompute(&mut self, target: &dyn Target) -> Result<(), EvaluationError> {
        self.grad_known.fill(false);
        self.log_q_version.fill(0);
        self.replicas.iter_mut().flatten().for_each(Replicas::forget);
        target.log_prob(self.x.as_batch(), &mut self.log_prob)
    }

    /// Latent of every chain, where a transport produced it; `None` when one of them is unknown.
    pub fn latents(&self) -> Option<Batch<'_>> {
        self.log_q_version.iter().all(|&v| v != 0).then(|| self.z.as_batch())
    }

    /// Where the replicas numbered `slot` that the kernel at leaf `owner` keeps are, one row per chain; `None` when some chain
    /// has none yet.
    pub(crate) fn replicas(&self, owner: usize, slot: usize) -> Option<Points> {
        let mut points = Points::zeros(self.n_chains(), self.dim());
        for (row, replicas) in self.replicas.iter().enumerate() {
            points.row_mut(row).copy_from_slice(replicas.iter().find(|r| r.owner() == owner)?.x(slot));
        }
        (self.replicas.len() == points.rows()).then_some(points)
    }

    /// Points with known log-density and nothing else: what a kernel that works in latent space moves.
    ///
    /// It has no streams of its own; see [`Block::nested`].
    pub(crate) fn bare(x: Points, log_prob: Vec<f64>) -> Self {
        let (n, dim) = (log_prob.len(), x.dim());
        Self {
            grad: Points::zeros(n, dim),
            grad_known: vec![false; n],
            z: Points::zeros(n, dim),
            log_q: vec![0.0; n],
            log_q_version: vec![0; n],
            streams: Vec::new(),
            replicas: Vec::new(),
            log_prob,
            x,
        }
    }

    pub(crate) fn save(&self) -> EnsembleState {
        EnsembleState {
            x: self.x.clone(),
            log_prob: self.log_prob.clone(),
            grad: self.grad.clone(),
            grad_known: self.grad_known.clone(),
            z: self.z.clone(),
            log_q: self.log_q.clone(),
            log_q_version: self.log_q_version.clone(),
            streams: self.streams.iter().map(Stream::state).collect(),
            replicas: self.replicas.clone(),
        }
    }

    pub(crate) fn restore(state: EnsembleState) -> Self {
        Self {
            x: state.x,
            log_prob: state.log_prob,
            grad: state.grad,
            grad_known: state.grad_known,
            z: state.z,
            log_q: state.log_q,
            log_q_version: state.log_q_version,
            streams: state.streams.into_iter().map(Stream::restore).collect(),
            replicas: state.replicas,
        }
    }
}

/// Some chains of an ensemble, handed to one thread.
pub struct Block<'a> {
    first_chain: usize,
    x: BatchMut<'a>,
    log_prob: &'a mut [f64],
    grad: BatchMut<'a>,
    grad_known: &'a mut [bool],
    z: BatchMut<'a>,
    log_q: &'a mut [f64],
    log_q_version: &'a mut [u64],
    streams: &'a mut [Stream],
    replicas: &'a mut [Vec<Replicas>],
    /// Whether the block lies inside another kernel's, whose target may have changed since the last step.
    nested: bool,
    pool: Option<PoolBlock<'a>>,
}

impl<'a> Block<'a> {
    /// Number of chains in the block.
    pub fn rows(&self) -> usize {
        self.log_prob.len()
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.x.dim()
    }

    /// The chain number of row 0.
    pub fn first_chain(&self) -> usize {
        self.first_chain
    }

    /// Positions, one chain per row.
    pub fn x(&self) -> Batch<'_> {
        self.x.as_batch()
    }

    /// Log-density of every row.
    pub fn log_prob(&self) -> &[f64] {
        self.log_prob
    }

    /// The random stream of row `row`.
    pub fn stream(&mut self, row: usize) -> &mut Stream {
        &mut self.streams[row]
    }

    /// Everything a proposal is made of, borrowed at once.
    pub fn parts(&mut self) -> Parts<'_> {
        Parts {
            x: self.x.as_batch(),
            log_prob: self.log_prob,
            grad: self.grad.as_batch(),
            z: self.z.as_batch(),
            log_q: self.log_q,
            streams: self.streams,
        }
    }

    /// Gradients of every row; evaluates those that are unknown, in one batch.
    pub fn gradients(&mut self, target: Guarded<'_>) -> Batch<'_> {
        if self.grad_known.iter().all(|&known| known) {
            return self.grad.as_batch();
        }
        let dim = self.dim();
        let unknown: Vec<usize> = (0..self.rows()).filter(|&i| !self.grad_known[i]).collect();
        if unknown.len() == self.rows() {
            let mut log_prob = vec![0.0; unknown.len()];
            target.log_prob_and_grad(self.x.as_batch(), &mut log_prob, self.grad.reborrow());
        } else if !unknown.is_empty() {
            let mut x = Points::zeros(unknown.len(), dim);
            for (to, &row) in unknown.iter().enumerate() {
                x.row_mut(to).copy_from_slice(self.x.row(row));
            }
            let mut log_prob = vec![0.0; unknown.len()];
            let mut grad = Points::zeros(unknown.len(), dim);
            target.log_prob_and_grad(x.as_batch(), &mut log_prob, grad.as_batch_mut());
            for (from, &row) in unknown.iter().enumerate() {
                self.grad.row_mut(row).copy_from_slice(grad.row(from));
            }
        }
        self.grad_known.fill(true);
        self.grad.as_batch()
    }

    /// The gradient of row `row`, if it is known.
    pub(crate) fn known_grad(&self, row: usize) -> Option<&[f64]> {
        self.grad_known[row].then(|| self.grad.row(row))
    }

    /// Hands out the replicas that the kernel at leaf `owner` keeps beside row `row`, if it has made them.
    ///
    /// Inside another kernel the target may have changed with a flow: then they come back without their values.
    pub(crate) fn take_replicas(&mut self, row: usize, owner: usize) -> Option<Replicas> {
        let kept = &mut self.replicas[row];
        let place = kept.iter().position(|r| r.owner() == owner)?;
        let mut replicas = kept.swap_remove(place);
        if self.nested {
            replicas.forget();
        }
        Some(replicas)
    }

    /// Keeps replicas beside row `row` until their owner takes them again.
    pub(crate) fn keep_replicas(&mut self, row: usize, replicas: Replicas) {
        self.replicas[row].push(replicas);
    }

    /// Log-density of every row under `proposal`; evaluates those that are unknown under its version, in one batch.
    ///
    /// When the proposal is a transport, the latents ([`Block::latents`]) are known afterwards too.
    pub fn log_q(&mut self, proposal: &dyn Proposal) -> &[f64] {
        let (dim, version) = (self.dim(), proposal.version());
        let unknown: Vec<usize> = (0..self.rows()).filter(|&i| self.log_q_version[i] != version).collect();
        if !unknown.is_empty() {
            let mut x = Points::zeros(unknown.len(), dim);
            for (to, &row) in unknown.iter().enumerate() {
                x.row_mut(to).copy_from_slice(self.x.row(row));
            }
            let mut log_q = vec![0.0; unknown.len()];
            if let Some(map) = proposal.as_transport() {
                let mut z = Points::zeros(unknown.len(), dim);
                map.inverse(x.as_batch(), z.as_batch_mut(), &mut log_q);
                for (from, &row) in unknown.iter().enumerate() {
                    log_q[from] += crate::math::standard_normal_log_prob(z.row(from));
                    self.z.row_mut(row).copy_from_slice(z.row(from));
                }
            } else {
                proposal.log_prob(x.as_batch(), &mut log_q);
            }
            for (from, &row) in unknown.iter().enumerate() {
                self.log_q[row] = log_q[from];
                self.log_q_version[row] = version;
            }
        }
        self.log_q
    }

    /// Log-density of row `row` under the proposal of this version, if it is known.
    pub fn known_log_q(&self, row: usize, version: u64) -> Option<f64> {
        (self.log_q_version[row] == version).then(|| self.log_q[row])
    }

    /// Latents of every row under the transport whose [`Block::log_q`] was asked for last.
    pub fn latents(&self) -> Batch<'_> {
        self.z.as_batch()
    }

    /// Moves row `row` to `x`; the gradient there is kept if it is given, otherwise unknown. Log q becomes unknown.
    pub fn move_to(&mut self, row: usize, x: &[f64], log_prob: f64, grad: Option<&[f64]>) {
        self.x.row_mut(row).copy_from_slice(x);
        self.log_prob[row] = log_prob;
        // Flags of different blocks share cache lines: they are written only where they change.
        if self.grad_known[row] != grad.is_some() {
            self.grad_known[row] = grad.is_some();
        }
        if let Some(grad) = grad {
            self.grad.row_mut(row).copy_from_slice(grad);
        }
        if self.log_q_version[row] != 0 {
            self.log_q_version[row] = 0;
        }
    }

    /// Moves row `row` to a point drawn from the proposal of this version, whose log q (and latent, if it is a
    /// transport) is known. The gradient becomes unknown.
    pub fn move_to_proposed(
        &mut self,
        row: usize,
        x: &[f64],
        log_prob: f64,
        latent: Option<&[f64]>,
        log_q: f64,
        version: u64,
    ) {
        self.move_to(row, x, log_prob, None);
        if let Some(z) = latent {
            self.z.row_mut(row).copy_from_slice(z);
        }
        self.log_q[row] = log_q;
        self.log_q_version[row] = version;
    }

    /// Where i-SIR leaves its particles, when the run asks for them.
    pub fn pool(&mut self) -> Option<&mut PoolBlock<'a>> {
        self.pool.as_mut()
    }

    /// The rows of `range` as a block of their own.
    pub fn sub(&mut self, range: Range<usize>) -> Block<'_> {
        Block {
            first_chain: self.first_chain + range.start,
            x: self.x.slice_mut(range.clone()),
            log_prob: &mut self.log_prob[range.clone()],
            grad: self.grad.slice_mut(range.clone()),
            grad_known: &mut self.grad_known[range.clone()],
            z: self.z.slice_mut(range.clone()),
            log_q: &mut self.log_q[range.clone()],
            log_q_version: &mut self.log_q_version[range.clone()],
            streams: &mut self.streams[range.clone()],
            replicas: &mut self.replicas[range.clone()],
            nested: self.nested,
            pool: self.pool.as_mut().map(|p| p.sub(range)),
        }
    }

    /// Exchanges two rows with all that belongs to them; a kernel that does so puts them back before it returns.
    pub(crate) fn swap_rows(&mut self, i: usize, j: usize) {
        if i == j {
            return;
        }
        swap_rows(&mut self.x, i, j, 1);
        swap_rows(&mut self.grad, i, j, 1);
        swap_rows(&mut self.z, i, j, 1);
        self.log_prob.swap(i, j);
        self.grad_known.swap(i, j);
        self.log_q.swap(i, j);
        self.log_q_version.swap(i, j);
        self.streams.swap(i, j);
        self.replicas.swap(i, j);
        if let Some(pool) = &mut self.pool {
            pool.swap_rows(i, j);
        }
    }

    /// A block over the chains of `inner` that draws from this block's streams, row by row.
    ///
    /// # Panics
    /// When the numbers of rows differ.
    pub(crate) fn nested<'b>(&'b mut self, inner: &'b mut Ensemble) -> Block<'b> {
        assert_eq!(inner.n_chains(), self.rows(), "one inner chain per row");
        let dim = inner.dim();
        Block {
            first_chain: self.first_chain,
            x: inner.x.as_batch_mut(),
            log_prob: &mut inner.log_prob,
            grad: BatchMut::new(inner.grad.data_mut(), dim),
            grad_known: &mut inner.grad_known,
            z: inner.z.as_batch_mut(),
            log_q: &mut inner.log_q,
            log_q_version: &mut inner.log_q_version,
            streams: self.streams,
            replicas: self.replicas,
            nested: true,
            pool: None,
        }
    }
}

/// What [`Block::parts`] lends: row `i` of every field belongs to the same chain.
pub struct Parts<'b> {
    /// Positions.
    pub x: Batch<'b>,
    /// Log-densities.
    pub log_prob: &'b [f64],
    /// Gradients; right only after [`Block::gradients`].
    pub grad: Batch<'b>,
    /// Latents; right only after [`Block::log_q`] of a transport.
    pub z: Batch<'b>,
    /// Log-densities under a proposal; right only after [`Block::log_q`].
    pub log_q: &'b [f64],
    /// Random streams.
    pub streams: &'b mut [Stream],
}
