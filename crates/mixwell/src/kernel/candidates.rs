//! Draws of a proposal with their log-densities: what kernels with independent proposals choose among.

use super::{Block, Context};
use crate::proposal::Proposal;
use crate::scratch::{Scratch, scratch};
use crate::{Batch, BatchMut, Stream};

/// Pushes noise (`rows x noise_dim`) through `q` to points `y` (`rows x dim`) and evaluates `log q` and the target there, no more rows at a
/// time than the context allows.
pub(super) fn push_and_evaluate(
    q: &dyn Proposal,
    context: &Context<'_>,
    noise: &[f64],
    y: &mut [f64],
    log_q: &mut [f64],
    log_prob: &mut [f64],
) {
    let (dim, noise_dim, rows) = (q.dim(), q.noise_dim(), log_q.len());
    for start in (0..rows).step_by(context.max_rows.max(1)) {
        let end = (start + context.max_rows.max(1)).min(rows);
        let noise = Batch::new(&noise[start * noise_dim..end * noise_dim], noise_dim);
        q.push(noise, BatchMut::new(&mut y[start * dim..end * dim], dim), &mut log_q[start..end]);
        let points = Batch::new(&y[start * dim..end * dim], dim);
        context.target.log_prob(points, &mut log_prob[start..end]);
    }
}

/// Candidates for a chain, with a uniform number beside each.
///
/// The chain's stream gives the noise of a candidate, then its uniform number, candidate after candidate: so what a chain draws does not
/// depend on how candidates are put into batches.
pub(super) struct Candidates {
    dim: usize,
    noise_dim: usize,
    noise: Scratch,
    uniform: Scratch,
    y: Scratch,
    log_q: Scratch,
    log_prob: Scratch,
}

impl Candidates {
    /// Room for `rows` candidates of `q`.
    pub fn new(q: &dyn Proposal, rows: usize) -> Self {
        let (dim, noise_dim) = (q.dim(), q.noise_dim());
        Self {
            dim,
            noise_dim,
            noise: scratch(rows * noise_dim),
            uniform: scratch(rows),
            y: scratch(rows * dim),
            log_q: scratch(rows),
            log_prob: scratch(rows),
        }
    }

    /// Draws the first `rows` candidates anew, and evaluates them.
    pub fn draw(&mut self, q: &dyn Proposal, context: &Context<'_>, stream: &mut Stream, rows: usize) {
        for (noise, uniform) in self.noise.chunks_exact_mut(self.noise_dim).zip(&mut self.uniform[..rows]) {
            stream.fill_normal(noise);
            *uniform = stream.uniform();
        }
        push_and_evaluate(
            q,
            context,
            &self.noise[..rows * self.noise_dim],
            &mut self.y[..rows * self.dim],
            &mut self.log_q[..rows],
            &mut self.log_prob[..rows],
        );
    }

    /// The candidate in a row.
    pub fn get(&self, row: usize) -> Candidate<'_> {
        Candidate {
            x: &self.y[row * self.dim..(row + 1) * self.dim],
            noise: &self.noise[row * self.noise_dim..(row + 1) * self.noise_dim],
            uniform: self.uniform[row],
            log_q: self.log_q[row],
            log_prob: self.log_prob[row],
        }
    }
}

/// A draw of a proposal.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub x: &'a [f64],
    pub noise: &'a [f64],
    pub uniform: f64,
    pub log_q: f64,
    pub log_prob: f64,
}

impl Candidate<'_> {
    /// Moves row `row` of a block here.
    pub fn take(&self, q: &dyn Proposal, block: &mut Block<'_>, row: usize) {
        let latent = q.as_transport().map(|_| self.noise);
        block.move_to_proposed(row, self.x, self.log_prob, latent, self.log_q, q.version());
    }
}

/// A candidate that outlives its batch.
pub(super) struct Kept {
    x: Scratch,
    noise: Scratch,
    log_q: f64,
    log_prob: f64,
    /// `ln pi - ln q` there; `None` before anything is kept.
    pub weight: Option<f64>,
}

impl Kept {
    /// Room for a candidate of `q`.
    pub fn new(q: &dyn Proposal) -> Self {
        Self { x: scratch(q.dim()), noise: scratch(q.noise_dim()), log_q: 0.0, log_prob: 0.0, weight: None }
    }

    /// Keeps this one instead.
    pub fn keep(&mut self, candidate: &Candidate<'_>, weight: f64) {
        self.x.copy_from_slice(candidate.x);
        self.noise.copy_from_slice(candidate.noise);
        (self.log_q, self.log_prob, self.weight) = (candidate.log_q, candidate.log_prob, Some(weight));
    }

    /// What is kept.
    pub fn candidate(&self) -> Candidate<'_> {
        let (x, noise) = (&*self.x, &*self.noise);
        Candidate { x, noise, uniform: 0.0, log_q: self.log_q, log_prob: self.log_prob }
    }
}
