//! Chains on the path from base to target: moved at one inverse temperature, evaluated at both ends (`look`), then set to the next
//! inverse temperature (`aim`).
//!
//! Looking evaluates both ends at every position (one gradient of the target per chain, where the kernel needs gradients);
//! aiming sets every cached value of the ensemble from those ends, so changing the temperature costs nothing more.

use rayon::prelude::*;

use super::route::Route;
use super::weigh::{block_rows, finite_or_zero};
use crate::density::{EvaluationError, Failure, Guarded, Target};
use crate::footprint::numbers;
use crate::kernel::{Chains, Context, Ensemble, Kernel, Tally, Warmup};
use crate::{Batch, BatchMut, Points, Stream};

/// Chains that climb.
pub(super) struct Walkers<'a> {
    route: Route<'a>,
    chains: Chains,
    gradient: bool,
    block_rows: usize,
    max_rows: usize,
    log_base: Vec<f64>,
    log_target: Vec<f64>,
    grad_base: Points,
    grad_target: Points,
    n_leaves: usize,
    non_finite: u64,
    failure: Failure,
}

impl<'a> Walkers<'a> {
    /// Bytes of `n` chains in `dim` dimensions, with what moving, looking and aiming need.
    pub(super) fn bytes(n: usize, dim: usize) -> u64 {
        Ensemble::bytes(n, dim).saturating_add(numbers(&[5, n, dim.saturating_add(4)]))
    }

    /// Chains at independent draws of the base, one stream each, to be moved by kernels like `kernel`.
    pub fn draw(
        route: Route<'a>,
        mut streams: Vec<Stream>,
        kernel: &dyn Kernel,
        max_rows: usize,
    ) -> Result<Self, EvaluationError> {
        let base = route.base;
        let mut noise = Points::zeros(streams.len(), base.noise_dim());
        for (row, stream) in noise.as_batch_mut().iter_mut().zip(&mut streams) {
            stream.fill_normal(row);
        }
        let mut x = Points::zeros(streams.len(), base.dim());
        base.push(noise.as_batch(), x.as_batch_mut(), &mut vec![0.0; streams.len()]);
        Self::at(route, x, streams, kernel, max_rows)
    }

    /// Chains at given points.
    pub fn at(
        route: Route<'a>,
        x: Points,
        streams: Vec<Stream>,
        kernel: &dyn Kernel,
        max_rows: usize,
    ) -> Result<Self, EvaluationError> {
        let (n, dim) = (x.rows(), x.dim());
        let gradient = kernel.needs().gradient;
        let block_rows = block_rows(n, max_rows);
        let chains = Chains::from(Ensemble::new(&route.at(0.0), x, streams)?).in_blocks_of(block_rows);
        let grad = Points::zeros(if gradient { n } else { 0 }, dim);
        Ok(Self {
            chains,
            route,
            gradient,
            block_rows,
            max_rows,
            log_base: vec![0.0; n],
            log_target: vec![0.0; n],
            grad_base: grad.clone(),
            grad_target: grad,
            n_leaves: kernel.leaves().len(),
            non_finite: 0,
            failure: Failure::default(),
        })
    }

    /// Positions, one chain per row.
    pub fn x(&self) -> Batch<'_> {
        self.chains.ensemble().x()
    }

    /// Chains and moves at which the target was NaN or infinite.
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// Evaluates both ends of the path at every position.
    pub fn look(&mut self) -> Result<(), EvaluationError> {
        let (dim, rows) = (self.chains.ensemble().dim(), self.block_rows);
        let x = self.chains.ensemble().x().data().par_chunks(rows * dim).map(|x| Batch::new(x, dim));
        let (base, target) = (self.route.base, Guarded::new(self.route.target, &self.failure));
        let ends = self.log_base.par_chunks_mut(rows).zip(self.log_target.par_chunks_mut(rows));
        if self.gradient {
            let grads = self
                .grad_base
                .data_mut()
                .par_chunks_mut(rows * dim)
                .zip(self.grad_target.data_mut().par_chunks_mut(rows * dim));
            x.zip(ends).zip(grads).for_each(|((x, (log_base, log_target)), (grad_base, grad_target))| {
                base.log_prob_and_grad(x, log_base, BatchMut::new(grad_base, dim));
                target.log_prob_and_grad(x, log_target, BatchMut::new(grad_target, dim));
            });
        } else {
            x.zip(ends).for_each(|(x, (log_base, log_target))| {
                base.log_prob(x, log_base);
                target.log_prob(x, log_target);
            });
        }
        self.failure.check()
    }

    /// `log pi - log pi_0` of every chain as it was looked at last; `-inf` where it cannot be told, which is counted.
    pub fn log_ratio(&mut self) -> Vec<f64> {
        let ends = self.log_target.iter().zip(&self.log_base);
        ends.map(|(target, base)| finite_or_zero(target - base, &mut self.non_finite)).collect()
    }

    /// Aims at inverse temperature `beta`, with chain `i` at the point that chain `source(i)` was looked at.
    pub fn aim(&mut self, beta: f64, source: impl Fn(usize) -> usize) {
        let path = self.route.at(beta);
        let x = Points::from_vec(self.chains.ensemble().x().data().to_vec(), self.chains.ensemble().dim());
        let mut grad = vec![0.0; x.dim()];
        let mut block = self.chains.ensemble_mut().whole();
        for row in 0..x.rows() {
            let from = source(row);
            // A chain where the target fails has no weight, and may leave for any point where it does not.
            let log_prob = path.mix(self.log_base[from], self.log_target[from]);
            let log_prob = if log_prob.is_finite() { log_prob } else { f64::NEG_INFINITY };
            if self.gradient {
                let ends = self.grad_base.row(from).iter().zip(self.grad_target.row(from));
                grad.iter_mut().zip(ends).for_each(|(g, (base, target))| *g = path.mix(*base, *target));
                block.move_to(row, x.row(from), log_prob, Some(&grad));
            } else {
                block.move_to(row, x.row(from), log_prob, None);
            }
        }
        self.chains.ensemble_mut().belongs_to(path.version());
    }

    /// Moves every chain once at inverse temperature `beta`, which it must have been aimed at.
    pub fn step(&mut self, kernel: &dyn Kernel, beta: f64) -> Result<(), EvaluationError> {
        let path = self.route.at(beta);
        let flow = self.route.base.as_transport();
        let context = Context { target: Guarded::new(&path, &self.failure), flow, max_rows: self.max_rows };
        self.chains.step_of(kernel, self.n_leaves, &context);
        self.non_finite += self.all().map(|t| u64::from(t.non_finite)).sum::<u64>();
        self.failure.check()
    }

    /// Lets the kernel learn from the last step.
    pub fn teach(&self, kernel: &mut dyn Kernel, warmup: Warmup) {
        self.chains.teach(kernel, warmup);
    }

    /// Mean acceptance of the last step over all its tries; `None` when there was none.
    pub fn acceptance(&self) -> Option<f64> {
        let tries: u64 = self.all().map(|t| u64::from(t.tries)).sum();
        (tries > 0).then(|| self.all().map(|t| t.accept_prob).sum::<f64>() / tries as f64)
    }

    /// The tallies of the last step, of every chain and leaf.
    fn all(&self) -> impl Iterator<Item = &Tally> {
        self.chains.tallies().all()
    }
}
