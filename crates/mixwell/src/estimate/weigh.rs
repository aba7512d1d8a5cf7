//! Draws of a proposal with their log-weights `ln pi(x) - ln q(x)`, computed block by block in parallel, delivered in order.

use std::ops::Range;

use rayon::prelude::*;

use crate::density::{EvaluationError, Target};
use crate::footprint::numbers;
use crate::proposal::Proposal;
use crate::{Batch, Points, Stream};

/// Rows that are worth a batch: networks hold rows in blocks of 64.
const FULL_BATCH: usize = 64;

/// Rows per block for `n` rows: some blocks per thread, full batches, and at most `max_rows`.
pub(super) fn block_rows(n: usize, max_rows: usize) -> usize {
    n.div_ceil(4 * rayon::current_num_threads()).max(FULL_BATCH).min(max_rows).min(n).max(1)
}

/// Makes what belongs to the rows `0..n` block by block in parallel and shows it in order. At most two blocks per thread
/// are held at a time. Ends at the first error.
pub(super) fn in_order<B: Send, E: Send>(
    n: usize,
    max_rows: usize,
    make: impl Fn(Range<usize>) -> Result<B, E> + Sync,
    mut visit: impl FnMut(B),
) -> Result<(), E> {
    let rows = block_rows(n, max_rows);
    let blocks: Vec<Range<usize>> = (0..n).step_by(rows).map(|at| at..(at + rows).min(n)).collect();
    for wave in blocks.chunks(2 * rayon::current_num_threads()) {
        let done: Vec<Result<B, E>> = wave.par_iter().map(|range| make(range.clone())).collect();
        done.into_iter().try_for_each(|block| block.map(&mut visit))?;
    }
    Ok(())
}

/// Which draws are made: so many of one round of one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batchwise {
    pub seed: u64,
    pub round: u64,
    pub draws: usize,
    pub max_rows: usize,
}

/// Draws from `proposal` and shows the points with their log-weights, in order. Returns how many weights could not be
/// told because the target (or the proposal) was NaN or infinite there; they are shown as `-inf`.
pub(crate) fn weigh(
    target: &dyn Target,
    proposal: &dyn Proposal,
    plan: Batchwise,
    mut visit: impl FnMut(Batch<'_>, &[f64]),
) -> Result<u64, EvaluationError> {
    let mut non_finite = 0;
    let make = |range: Range<usize>| {
        let mut noise = Points::zeros(range.len(), proposal.noise_dim());
        for (row, index) in noise.as_batch_mut().iter_mut().zip(range.clone()) {
            Stream::for_estimate(plan.seed, plan.round, index as u64).fill_normal(row);
        }
        let mut x = Points::zeros(range.len(), proposal.dim());
        let (mut log_q, mut log_weights) = (vec![0.0; range.len()], vec![0.0; range.len()]);
        proposal.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
        target.log_prob(x.as_batch(), &mut log_weights)?;
        let mut non_finite = 0;
        for (weight, log_q) in log_weights.iter_mut().zip(log_q) {
            *weight = finite_or_zero(*weight - log_q, &mut non_finite);
        }
        Ok((x, log_weights, non_finite))
    };
    let max_rows = target.batch_rows().map_or(plan.max_rows, |wanted| wanted.clamp(1, plan.max_rows));
    in_order(plan.draws, max_rows, make, |(x, log_weights, in_batch)| {
        non_finite += in_batch;
        visit(x.as_batch(), &log_weights);
    })?;
    Ok(non_finite)
}

/// Bytes of the blocks of points that [`weigh`] holds at a time: noise, points, both log-densities.
pub(crate) fn weighing_bytes(draws: usize, dim: usize, max_rows: usize) -> u64 {
    let rows = block_rows(draws, max_rows).saturating_mul(2 * rayon::current_num_threads()).min(draws);
    numbers(&[2, rows, dim.saturating_add(1)])
}

/// A log-weight that is NaN or `+inf` becomes `-inf` and is counted.
pub(super) fn finite_or_zero(log_weight: f64, non_finite: &mut u64) -> f64 {
    if log_weight.is_nan() || log_weight == f64::INFINITY {
        *non_finite += 1;
        return f64::NEG_INFINITY;
    }
    log_weight
}
