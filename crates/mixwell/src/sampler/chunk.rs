//! A chunk: a number of steps of all chains, through a cycle of kernels. Blocks of chains run in parallel, independently, and
//! return their draws.
//!
//! Chains never look at each other during a chunk, and each has its own stream, so the draws do not depend on how the
//! chains are cut into blocks, on how many steps make a chunk, or on the number of threads.

use rayon::prelude::*;

use super::record::Recorder;
use super::totals::{PhaseTotals, Stuck, Total};
use crate::kernel::{Block, Context, Ensemble, Kernel, ParticlePool, Tally, TallySheet, advance, block_rows};
use crate::math::log_sum_exp;

/// What a chunk does.
pub(super) struct Chunk<'a> {
    pub context: Context<'a>,
    /// The cycle; at least one of its moves makes a step.
    pub moves: Vec<ChunkMove<'a>>,
    /// The move to go on with, and how many of its steps are done.
    pub start: (usize, usize),
    /// Leaves of all kernels together.
    pub n_leaves: usize,
    pub recorder: &'a Recorder,
    /// Every `thin`-th step is a draw ...
    pub thin: usize,
    /// ... counted from the start of the phase; steps done before this chunk.
    pub steps_before: usize,
    pub steps: usize,
    pub rao_blackwell: bool,
}

/// Some steps of one kernel.
pub(super) struct ChunkMove<'a> {
    pub kernel: &'a dyn Kernel,
    /// Place of the kernel's first leaf among the leaves of all kernels.
    pub leaf: usize,
    pub times: usize,
}

/// Per-chain records that a chunk goes on with.
pub(super) struct Records<'a> {
    /// Tallies of this chunk, `chains x n_leaves`; written afresh.
    pub step: &'a mut [Tally],
    /// Tallies since the last draw, `chains x n_leaves`.
    pub since_draw: &'a mut [Tally],
    pub totals: &'a mut PhaseTotals,
}

impl Records<'_> {
    /// The same records, borrowed for a while.
    pub fn reborrow(&mut self) -> Records<'_> {
        Records { step: self.step, since_draw: self.since_draw, totals: self.totals }
    }
}

/// Draws of a chunk: draw after draw, chain after chain.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub draws: usize,
    pub values: Vec<f64>,
    pub stats: Vec<f64>,
}

impl Chunk<'_> {
    /// Draws that this chunk will hand back.
    fn draws(&self) -> usize {
        (self.steps_before + self.steps) / self.thin - self.steps_before / self.thin
    }

    /// Runs the chunk.
    pub fn run(
        &self,
        ensemble: &mut Ensemble,
        pool: Option<&mut ParticlePool>,
        records: Records<'_>,
    ) -> Drawn {
        let (n_chains, n_leaves) = (ensemble.n_chains(), self.n_leaves);
        let (n_values, n_stats) = (self.recorder.n_values(), self.recorder.stats().len());
        let rows = block_rows(n_chains, self.context.target.target().batch_rows());
        let draws = self.draws();
        let rao_blackwell = self.rao_blackwell && pool.is_some();
        // Without sums to fill, every block gets an empty slice.
        let mut no_sums = vec![[0.0; 0]; n_chains.div_ceil(rows)];
        let sums: Vec<&mut [f64]> = if rao_blackwell {
            records.totals.rao_blackwell.chunks_mut(rows * 2 * n_values).collect()
        } else {
            no_sums.iter_mut().map(|s| &mut s[..]).collect()
        };
        // Every block writes its chains' part of every draw where it belongs: nothing is gathered afterwards.
        let mut values = vec![0.0; draws * n_chains * n_values];
        let mut stats = vec![0.0; draws * n_chains * n_stats];
        let value_parts = deal(&mut values, n_chains, n_values, rows);
        let stat_parts = deal(&mut stats, n_chains, n_stats, rows);
        let mut jobs: Vec<Job<'_>> = ensemble
            .blocks(rows, pool)
            .into_iter()
            .zip(records.step.chunks_mut(rows * n_leaves))
            .zip(records.since_draw.chunks_mut(rows * n_leaves))
            .zip(records.totals.leaves.chunks_mut(rows * n_leaves))
            .zip(records.totals.stuck.chunks_mut(rows))
            .zip(records.totals.rao_blackwell_steps.chunks_mut(rows))
            .zip(sums)
            .zip(value_parts.into_iter().zip(stat_parts))
            .map(|(job, (values, stats))| {
                let ((((((block, step), since_draw), totals), stuck), rao_blackwell_steps), rao_blackwell) =
                    job;
                Job {
                    current: vec![Tally::default(); step.len()],
                    values,
                    stats,
                    block,
                    step,
                    since_draw,
                    totals,
                    stuck,
                    rao_blackwell_steps,
                    rao_blackwell,
                }
            })
            .collect();
        match jobs.as_mut_slice() {
            [one] => one.run(self),
            many => many.par_iter_mut().for_each(|job| job.run(self)),
        }
        drop(jobs);
        Drawn { draws, values, stats }
    }
}

/// Deals a chunk out to blocks of `rows` chains: for each block its part of every draw.
fn deal(chunk: &mut [f64], n_chains: usize, width: usize, rows: usize) -> Vec<Vec<&mut [f64]>> {
    let mut parts: Vec<Vec<&mut [f64]>> = (0..n_chains.div_ceil(rows)).map(|_| Vec::new()).collect();
    for draw in chunk.chunks_exact_mut(n_chains * width) {
        for (parts, part) in parts.iter_mut().zip(draw.chunks_mut(rows * width)) {
            parts.push(part);
        }
    }
    parts
}

/// One block of chains with its slices of every record.
struct Job<'a> {
    block: Block<'a>,
    /// Tallies of the step being made.
    current: Vec<Tally>,
    /// Their sum over the chunk.
    step: &'a mut [Tally],
    since_draw: &'a mut [Tally],
    totals: &'a mut [Total],
    stuck: &'a mut [Stuck],
    rao_blackwell_steps: &'a mut [u64],
    rao_blackwell: &'a mut [f64],
    /// The block's part of every draw: `rows x n_values` and `rows x n_stats`.
    values: Vec<&'a mut [f64]>,
    stats: Vec<&'a mut [f64]>,
}

impl Job<'_> {
    fn run(&mut self, chunk: &Chunk<'_>) {
        let mut draw = 0;
        let (mut at, mut done) = chunk.start;
        self.step.fill(Tally::default());
        for step in 1..=chunk.steps {
            while done >= chunk.moves[at].times {
                (at, done) = ((at + 1) % chunk.moves.len(), 0);
            }
            done += 1;
            let ChunkMove { kernel, leaf, .. } = chunk.moves[at];
            self.current.fill(Tally::default());
            let mut sheet = TallySheet::new(&mut self.current, chunk.n_leaves);
            advance(kernel, &chunk.context, &mut self.block, sheet.part(leaf));
            for ((since_draw, sum), tally) in
                self.since_draw.iter_mut().zip(self.step.iter_mut()).zip(&self.current)
            {
                since_draw.add(tally);
                sum.add(tally);
            }
            if !self.rao_blackwell.is_empty() && kernel.needs().pool > 0 {
                self.add_rao_blackwell(chunk);
            }
            if (chunk.steps_before + step).is_multiple_of(chunk.thin) {
                self.record(chunk, draw);
                draw += 1;
            }
        }
    }

    fn record(&mut self, chunk: &Chunk<'_>, draw: usize) {
        let (n_values, n_stats) = (chunk.recorder.n_values(), chunk.recorder.stats().len());
        let rows = self.block.rows();
        for row in 0..rows {
            let leaves = row * chunk.n_leaves..(row + 1) * chunk.n_leaves;
            let tallies = &mut self.since_draw[leaves.clone()];
            chunk.recorder.record(
                chunk.context.target.target(),
                &self.block,
                row,
                tallies,
                &mut self.values[draw][row * n_values..(row + 1) * n_values],
                &mut self.stats[draw][row * n_stats..(row + 1) * n_stats],
            );
            self.stuck[row].observe(chunk.recorder.moved(tallies));
            for (total, tally) in self.totals[leaves].iter_mut().zip(tallies.iter()) {
                total.add(tally);
            }
            tallies.fill(Tally::default());
        }
    }

    /// Adds `sum_i w_i f(y_i)` and `sum_i w_i f(y_i)^2` over the particles of each chain that made an i-SIR step.
    fn add_rao_blackwell(&mut self, chunk: &Chunk<'_>) {
        let n_values = chunk.recorder.n_values();
        let mut reported = vec![0.0; n_values];
        for row in 0..self.block.rows() {
            // A chain that a mixture gave another kernel still holds its old particles.
            let leaves = &self.current[row * chunk.n_leaves..(row + 1) * chunk.n_leaves];
            if !leaves.iter().any(|t| t.isir_ess > 0.0) {
                continue;
            }
            self.rao_blackwell_steps[row] += 1;
            let Some(pool) = self.block.pool() else { return };
            let (particles, log_weights) = pool.row_mut(row);
            let total = log_sum_exp(log_weights);
            let (first, second) =
                self.rao_blackwell[row * 2 * n_values..(row + 1) * 2 * n_values].split_at_mut(n_values);
            for (particle, log_weight) in particles.as_batch().iter().zip(log_weights.iter()) {
                let weight = (log_weight - total).exp();
                if weight == 0.0 {
                    continue;
                }
                chunk.context.target.report(particle, &mut reported);
                for ((first, second), value) in first.iter_mut().zip(second.iter_mut()).zip(&reported) {
                    *first += weight * value;
                    *second += weight * value * value;
                }
            }
        }
    }
}
