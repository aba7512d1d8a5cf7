//! A block of chains of an ensemble, with the only methods that change positions: each of them updates the values derived from a
//! position, or marks them unknown.

use std::ops::Range;

use super::pool::{PoolBlock, swap_rows};
use super::replicas::Replicas;
use crate::density::Guarded;
use crate::proposal::Proposal;
use crate::{Batch, BatchMut, Points, Stream};

/// Some chains of an ensemble, handed to one thread.
pub struct Block<'a> {
    pub(super) first_chain: usize,
    pub(super) x: BatchMut<'a>,
    pub(super) log_prob: &'a mut [f64],
    pub(super) grad: BatchMut<'a>,
    pub(super) grad_known: &'a mut [bool],
    pub(super) z: BatchMut<'a>,
    pub(super) log_q: &'a mut [f64],
    pub(super) log_q_version: &'a mut [u64],
    pub(super) target_version: &'a mut [u64],
    pub(super) streams: &'a mut [Stream],
    pub(super) replicas: &'a mut [Vec<Replicas>],
    /// Whether the block lies inside another kernel's, whose target may have changed since the last step.
    pub(super) nested: bool,
    pub(super) pool: Option<PoolBlock<'a>>,
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

    /// Brings every row to the present version of the target: where that has changed, the log-density is evaluated anew, and gradient
    /// and replicas are forgotten. A chain that the change has left outside the support may leave for any point inside.
    pub(super) fn refresh(&mut self, target: Guarded<'_>) {
        let version = target.target().version();
        if self.target_version.iter().all(|&v| v == version) {
            return;
        }
        let old: Vec<usize> = (0..self.rows()).filter(|&i| self.target_version[i] != version).collect();
        let mut x = Points::zeros(old.len(), self.dim());
        for (to, &row) in old.iter().enumerate() {
            x.row_mut(to).copy_from_slice(self.x.row(row));
        }
        let mut log_prob = vec![0.0; old.len()];
        target.log_prob(x.as_batch(), &mut log_prob);
        for (log_prob, row) in log_prob.into_iter().zip(old) {
            self.log_prob[row] = if log_prob.is_finite() { log_prob } else { f64::NEG_INFINITY };
            self.grad_known[row] = false;
            self.replicas[row].iter_mut().for_each(Replicas::forget);
            self.target_version[row] = version;
        }
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
            target_version: &mut self.target_version[range.clone()],
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
        self.target_version.swap(i, j);
        self.streams.swap(i, j);
        self.replicas.swap(i, j);
        if let Some(pool) = &mut self.pool {
            pool.swap_rows(i, j);
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
