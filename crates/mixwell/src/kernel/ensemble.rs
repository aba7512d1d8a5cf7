//! The coherent state of all chains.
//!
//! A chain is a position with everything derived from it: log-density, gradient, and under a proposal its latent and
//! log q. Derived values are either those of the current position (and of the version of target and proposal they are
//! stored with) or marked unknown; [`Block`]'s methods (`block.rs`) are the only way to change a position, and they keep that promise.

use serde::{Deserialize, Serialize};

use super::block::Block;
use super::pool::ParticlePool;
use super::replicas::Replicas;
use crate::density::{EvaluationError, Target};
use crate::footprint::{bytes, numbers};
use crate::{Batch, BatchMut, Points, Stream};

/// All chains of a run.
#[derive(Clone, Debug)]
pub struct Ensemble {
    pub(super) x: Points,
    pub(super) log_prob: Vec<f64>,
    pub(super) grad: Points,
    pub(super) grad_known: Vec<bool>,
    pub(super) z: Points,
    pub(super) log_q: Vec<f64>,
    pub(super) log_q_version: Vec<u64>,
    /// Version of the target that log-density, gradient and replicas belong to.
    pub(super) target_version: Vec<u64>,
    pub(super) streams: Vec<Stream>,
    /// What kernels keep beside each chain.
    pub(super) replicas: Vec<Vec<Replicas>>,
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
    target_version: Vec<u64>,
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
        let mut chains = Self::evaluated(x, log_prob, None, streams);
        chains.belongs_to(target.version());
        Ok(chains)
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
            target_version: vec![0; n],
            replicas: vec![Vec::new(); n],
            x,
            streams,
        }
    }

    /// Says which version of the target the log-densities and gradients belong to; 0 unless it is said.
    pub fn belongs_to(&mut self, target_version: u64) {
        self.target_version.fill(target_version);
    }

    /// Bytes of `n` chains in `dim` dimensions.
    pub(crate) fn bytes(n: usize, dim: usize) -> u64 {
        let scalars = size_of::<Stream>() + size_of::<Vec<Replicas>>() + 5 * size_of::<f64>();
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
    pub fn blocks<'a>(&'a mut self, rows: usize, pool: Option<&'a mut ParticlePool>) -> Vec<Block<'a>> {
        let dim = self.dim();
        let mut pools = pool.map(|p| p.blocks(rows).into_iter());
        let mut blocks = Vec::with_capacity(self.n_chains().div_ceil(rows));
        let x = self.x.data_mut().chunks_mut(rows * dim);
        let grad = self.grad.data_mut().chunks_mut(rows * dim);
        let z = self.z.data_mut().chunks_mut(rows * dim);
        let scalars = self.log_prob.chunks_mut(rows).zip(self.grad_known.chunks_mut(rows));
        let proposals = self.log_q.chunks_mut(rows).zip(self.log_q_version.chunks_mut(rows));
        let proposals = proposals.zip(self.target_version.chunks_mut(rows));
        let private = self.streams.chunks_mut(rows).zip(self.replicas.chunks_mut(rows));
        for (
            i,
            (
                ((((x, grad), z), (log_prob, grad_known)), ((log_q, log_q_version), target_version)),
                (streams, replicas),
            ),
        ) in x.zip(grad).zip(z).zip(scalars).zip(proposals).zip(private).enumerate()
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
                target_version,
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
        self.belongs_to(target.version());
        self.replicas.iter_mut().flatten().for_each(Replicas::forget);
        target.log_prob(self.x.as_batch(), &mut self.log_prob)
    }

    /// Moves every chain to a row of `x` (`chains x dim`), and evaluates the log-density there. Nothing changes where that fails.
    ///
    /// # Errors
    /// When the target cannot be evaluated.
    ///
    /// # Panics
    /// When `x` has another shape than the positions.
    pub fn move_to(&mut self, x: Points, target: &dyn Target) -> Result<(), EvaluationError> {
        assert_eq!((x.rows(), x.dim()), (self.n_chains(), self.dim()), "one position per chain");
        let mut log_prob = vec![0.0; x.rows()];
        target.log_prob(x.as_batch(), &mut log_prob)?;
        self.grad_known.fill(false);
        self.forget_proposal();
        self.belongs_to(target.version());
        (self.x, self.log_prob) = (x, log_prob);
        Ok(())
    }

    /// Marks latents and log q unknown: for a proposal whose version may be that of another one, since a flow counts its own updates only.
    pub fn forget_proposal(&mut self) {
        self.log_q_version.fill(0);
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
    /// It has no streams of its own; see [`Ensemble::inside`].
    pub(crate) fn bare(x: Points, log_prob: Vec<f64>) -> Self {
        let (n, dim) = (log_prob.len(), x.dim());
        Self {
            grad: Points::zeros(n, dim),
            grad_known: vec![false; n],
            z: Points::zeros(n, dim),
            log_q: vec![0.0; n],
            log_q_version: vec![0; n],
            target_version: vec![0; n],
            streams: Vec::new(),
            replicas: Vec::new(),
            log_prob,
            x,
        }
    }

    /// A copy of `from` in the memory that is here already.
    pub(crate) fn copy_from(&mut self, from: &Self) {
        let Self {
            x,
            log_prob,
            grad,
            grad_known,
            z,
            log_q,
            log_q_version,
            target_version,
            streams,
            replicas,
        } = from;
        self.x.clone_from(x);
        self.log_prob.clone_from(log_prob);
        self.grad.clone_from(grad);
        self.grad_known.clone_from(grad_known);
        self.z.clone_from(z);
        self.log_q.clone_from(log_q);
        self.log_q_version.clone_from(log_q_version);
        self.target_version.clone_from(target_version);
        self.streams.clone_from(streams);
        self.replicas.clone_from(replicas);
    }

    /// These chains as a block inside `outer`, row by row, which lends its streams and replicas.
    ///
    /// # Panics
    /// When the numbers of rows differ.
    pub(crate) fn inside<'b>(&'b mut self, outer: &'b mut Block<'_>) -> Block<'b> {
        assert_eq!(self.n_chains(), outer.rows(), "one inner chain per row");
        let dim = self.dim();
        Block {
            first_chain: outer.first_chain,
            x: self.x.as_batch_mut(),
            log_prob: &mut self.log_prob,
            grad: BatchMut::new(self.grad.data_mut(), dim),
            grad_known: &mut self.grad_known,
            z: self.z.as_batch_mut(),
            log_q: &mut self.log_q,
            log_q_version: &mut self.log_q_version,
            target_version: &mut self.target_version,
            streams: outer.streams,
            replicas: outer.replicas,
            nested: true,
            pool: None,
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
            target_version: self.target_version.clone(),
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
            target_version: state.target_version,
            streams: state.streams.into_iter().map(Stream::restore).collect(),
            replicas: state.replicas,
        }
    }
}
