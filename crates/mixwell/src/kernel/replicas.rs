//! Replicas: points stored beside a chain for the use of a single kernel, such as the hotter copies of parallel tempering.
//!
//! They live with the chain, not in the kernel: so blocks of chains run in parallel, a checkpoint of the chains holds them, and
//! draws do not depend on how chains are cut into blocks. A kernel finds its own by the place of its first leaf among all
//! leaves of the run. Log-density and gradient kept here are those of the target itself, not of a tempered one, so that they
//! stay right when temperatures change.

use serde::{Deserialize, Serialize};

use crate::footprint::numbers;

/// The replicas that one kernel keeps beside one chain; slot `i` is a point with its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replicas {
    owner: usize,
    dim: usize,
    x: Vec<f64>,
    log_prob: Vec<f64>,
    grad: Vec<f64>,
    grad_known: Vec<bool>,
    known: bool,
    /// Sweeps of swaps made so far.
    pub(super) sweeps: u64,
}

impl Replicas {
    /// Bytes of `n` replicas in `dim` dimensions beside each of `chains` chains.
    pub(crate) fn bytes(chains: usize, n: usize, dim: usize) -> u64 {
        numbers(&[2, chains, n, dim]).saturating_add(numbers(&[2, chains, n]))
    }

    /// `n` replicas at the chain's own point.
    pub(super) fn at(owner: usize, n: usize, x: &[f64], log_prob: f64) -> Self {
        Self {
            owner,
            dim: x.len(),
            x: x.repeat(n),
            log_prob: vec![log_prob; n],
            grad: vec![0.0; n * x.len()],
            grad_known: vec![false; n],
            known: true,
            sweeps: 0,
        }
    }

    /// The place of the owner's first leaf.
    pub(super) fn owner(&self) -> usize {
        self.owner
    }

    /// Whether the log-densities belong to the points under the present target.
    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// Forgets every value that derives from the points.
    pub(super) fn forget(&mut self) {
        self.known = false;
        self.grad_known.fill(false);
    }

    /// Takes log-densities of the points, computed afresh.
    pub(super) fn know(&mut self, slot: usize, log_prob: f64) {
        self.log_prob[slot] = log_prob;
        self.known = true;
    }

    /// The point in a slot.
    pub(super) fn x(&self, slot: usize) -> &[f64] {
        &self.x[slot * self.dim..(slot + 1) * self.dim]
    }

    /// Its log-density.
    pub(super) fn log_prob(&self, slot: usize) -> f64 {
        self.log_prob[slot]
    }

    /// Its gradient, where it is known.
    pub(super) fn grad(&self, slot: usize) -> Option<&[f64]> {
        self.grad_known[slot].then(|| &self.grad[slot * self.dim..(slot + 1) * self.dim])
    }

    /// Puts a point into a slot, with its gradient where that is known.
    pub(super) fn put(&mut self, slot: usize, x: &[f64], log_prob: f64, grad: Option<&[f64]>) {
        let place = slot * self.dim..(slot + 1) * self.dim;
        self.x[place.clone()].copy_from_slice(x);
        self.log_prob[slot] = log_prob;
        self.grad_known[slot] = grad.is_some();
        if let Some(grad) = grad {
            self.grad[place].copy_from_slice(grad);
        }
    }
}
