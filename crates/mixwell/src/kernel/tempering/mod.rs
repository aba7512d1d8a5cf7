//! Parallel tempering: replicas of a chain at higher temperatures, which cross barriers and hand their points down by swaps.
//!
//! Temperatures `1 = T_0 < .. < T_{K-1}`. One step makes `n_steps` moves of another kernel at every temperature, each aimed at
//! `log pi_k = log pi / T_k` (around a Gaussian reference if there is one, see `density/geometric_path.rs`), then one sweep of swaps between
//! neighbours (`swap.rs`). The chain is the replica at `T_0 = 1`; so a global move of the chain between two steps is an ordinary
//! move of that replica. All together they keep `pi_0 x .. x pi_{K-1}`, and the chain keeps the target's law.
//!
//! Each temperature has its own copy of the kernel, with its own step size. Temperatures between the ends are adapted in
//! warm-up (`ladder.rs`) and fixed afterwards. The hot replicas live with the chain (`replicas.rs`) and start at its point.
//! Without a reference, hot laws are proper only if the target's tails are light enough that `pi^{1/T}` has a finite integral.
//! Cost: `K n_steps` moves per step, and one evaluation where the chain took a replica's point.
//! Reference: Geyer (1991); Earl and Deem (2005); the flowMC package for its use beside a flow. Differs from that package in
//! the adaptation, which there may disorder the temperatures.

mod config;
mod ladder;
mod swap;

pub use config::{ParallelTemperingConfig, Spacing};
pub use ladder::LadderRule;
pub use swap::Sweep;

use ladder::{Ladder, LadderState};

use super::replicas::Replicas;
use super::{
    Block, Context, Ensemble, Kernel, KernelState, Law, Leaf, Needs, Role, StateError, Tallies, TallySheet,
    Warmup,
};
use crate::density::GeometricPath;
use crate::proposal::{Gaussian, Proposal};
use crate::{Batch, BatchMut, Points};

const NAME: &str = "parallel_tempering";

/// A kernel at several temperatures, with swaps.
pub struct ParallelTempering {
    /// One kernel per temperature, the chain's own first.
    levels: Vec<Box<dyn Kernel>>,
    ladder: Ladder,
    reference: Option<Gaussian>,
    n_steps: usize,
    sweep: Sweep,
}

/// The law of replicas that are moved by kernels of law `inner` and exchanged. Moves and swaps take turns, so it is not reversible.
fn law(inner: Law) -> Law {
    Law { exact: inner.exact, reversible: false, keeps_replicas: true }
}

impl ParallelTempering {
    /// The temperatures at present, the chain's own (1) first.
    pub fn temperatures(&self) -> &[f64] {
        self.ladder.temperatures()
    }

    /// Place of level `level`'s first leaf; `levels.len()` gives that of the first swap.
    fn offset(&self, level: usize) -> usize {
        level * self.levels[0].leaves().len()
    }

    fn tempered<'a>(&'a self, context: &Context<'a>, level: usize) -> GeometricPath<'a> {
        let (target, beta) = (context.target.target(), 1.0 / self.temperatures()[level]);
        match &self.reference {
            Some(reference) => GeometricPath::new(reference, target, beta),
            None => GeometricPath::tempered(target, beta),
        }
    }

    /// The replicas of every row: those it keeps, or new ones at its own point.
    fn take(&self, context: &Context<'_>, block: &mut Block<'_>, owner: usize) -> Vec<Replicas> {
        let n = self.levels.len() - 1;
        let mut all: Vec<Replicas> = (0..block.rows())
            .map(|row| {
                let kept = block.take_replicas(row, owner);
                kept.unwrap_or_else(|| Replicas::at(owner, n, block.x().row(row), block.log_prob()[row]))
            })
            .collect();
        let unknown: Vec<usize> = (0..all.len()).filter(|&row| !all[row].is_known()).collect();
        if unknown.is_empty() {
            return all;
        }
        let mut log_prob = vec![0.0; unknown.len()];
        for slot in 0..n {
            let rows = unknown.iter().flat_map(|&row| all[row].x(slot)).copied().collect();
            let points = Points::from_vec(rows, block.dim());
            context.target.log_prob(points.as_batch(), &mut log_prob);
            for (&row, &value) in unknown.iter().zip(&log_prob) {
                if value.is_finite() {
                    all[row].know(slot, value);
                } else {
                    // The target changed, and this point lies outside its support: begin again at the chain.
                    let own = block.log_prob()[row];
                    all[row].put(slot, block.x().row(row), own, None);
                    all[row].know(slot, own);
                }
            }
        }
        all
    }

    /// Moves the replicas at temperature `level`, which are not the chain.
    fn move_replicas(
        &self,
        level: usize,
        context: &Context<'_>,
        block: &mut Block<'_>,
        all: &mut [Replicas],
        mut sheet: TallySheet<'_>,
    ) {
        let (slot, dim, n) = (level - 1, block.dim(), all.len());
        let target = self.tempered(context, level);
        let start = Points::from_vec(all.iter().flat_map(|r| r.x(slot)).copied().collect(), dim);
        let mut log_prob: Vec<f64> = all.iter().map(|r| r.log_prob(slot)).collect();
        let mut grad = vec![0.0; n * dim];
        for (to, from) in grad.chunks_exact_mut(dim).zip(all.iter()) {
            if let Some(g) = from.grad(slot) {
                to.copy_from_slice(g);
            }
        }
        target.temper(start.as_batch(), &mut log_prob, Some(BatchMut::new(&mut grad, dim)));
        let mut hot = Ensemble::bare(start.clone(), log_prob);
        let mut inside = hot.inside(block);
        for (row, from) in all.iter().enumerate() {
            let known = from.grad(slot).map(|_| &grad[row * dim..(row + 1) * dim]);
            let log_prob = inside.log_prob()[row];
            inside.move_to(row, start.row(row), log_prob, known);
        }
        let context = Context { target: context.target.instead(&target), ..*context };
        for _ in 0..self.n_steps {
            self.levels[level].step(&context, &mut inside, sheet.part(0));
        }

        let mut log_prob = inside.log_prob().to_vec();
        for (row, to) in grad.chunks_exact_mut(dim).enumerate() {
            if let Some(g) = inside.known_grad(row) {
                to.copy_from_slice(g);
            }
        }
        target.untemper(inside.x(), &mut log_prob, Some(BatchMut::new(&mut grad, dim)));
        for (row, replicas) in all.iter_mut().enumerate() {
            let x = inside.x().row(row);
            let known = inside.known_grad(row).map(|_| &grad[row * dim..(row + 1) * dim]);
            // One that did not move keeps every bit, but its gradient may have become known.
            let stayed = x == start.row(row);
            if !stayed || (replicas.grad(slot).is_none() && known.is_some()) {
                let value = if stayed { replicas.log_prob(slot) } else { log_prob[row] };
                replicas.put(slot, x, value, known);
            }
        }
    }

    /// One sweep of swaps; afterwards the chain's values at a point it took over are computed by the target itself.
    fn swap(
        &self,
        context: &Context<'_>,
        block: &mut Block<'_>,
        all: &mut [Replicas],
        mut sheet: TallySheet<'_>,
    ) {
        let (dim, n_levels) = (block.dim(), self.levels.len());
        let betas: Vec<f64> = self.temperatures().iter().map(|t| 1.0 / t).collect();
        let mut taken = Vec::new();
        for (row, replicas) in all.iter_mut().enumerate() {
            let mut heights = vec![block.log_prob()[row]];
            heights.extend((0..n_levels - 1).map(|slot| replicas.log_prob(slot)));
            self.subtract_reference(block.x().row(row), replicas, &mut heights);
            let mut order: Vec<usize> = (0..n_levels).collect();
            for pair in self.sweep.pairs(n_levels - 1, replicas.sweeps) {
                let ratio = swap::log_ratio(
                    [betas[pair], betas[pair + 1]],
                    [heights[order[pair]], heights[order[pair + 1]]],
                );
                if super::accept::accept(ratio, block.stream(row), sheet.part(pair).tally(row)) {
                    order.swap(pair, pair + 1);
                }
            }
            replicas.sweeps += 1;
            if let Some(x) = exchange(block, row, replicas, &order) {
                taken.push((row, x));
            }
        }
        if taken.is_empty() {
            return;
        }
        let x = Points::from_vec(taken.iter().flat_map(|(_, x)| x).copied().collect(), dim);
        let (mut log_prob, mut grad) = (vec![0.0; taken.len()], Points::zeros(taken.len(), dim));
        let with_grad = self.levels[0].needs().gradient;
        if with_grad {
            context.target.log_prob_and_grad(x.as_batch(), &mut log_prob, grad.as_batch_mut());
        } else {
            context.target.log_prob(x.as_batch(), &mut log_prob);
        }
        for (i, (row, x)) in taken.iter().enumerate() {
            block.move_to(*row, x, log_prob[i], with_grad.then(|| grad.row(i)));
        }
    }

    /// What is tempered is the ratio to the reference, so swaps weigh that.
    fn subtract_reference(&self, own: &[f64], replicas: &Replicas, heights: &mut [f64]) {
        let Some(reference) = &self.reference else { return };
        let mut log_r = [0.0];
        for (level, height) in heights.iter_mut().enumerate() {
            let x = if level == 0 { own } else { replicas.x(level - 1) };
            reference.log_prob(Batch::new(x, x.len()), &mut log_r);
            *height -= log_r[0];
        }
    }
}

/// Puts the point that was at level `order[k]` to level `k`, for all replicas; gives the point that the chain takes, if it
/// is another.
fn exchange(block: &Block<'_>, row: usize, replicas: &mut Replicas, order: &[usize]) -> Option<Vec<f64>> {
    if order.is_sorted() {
        return None;
    }
    let before = replicas.clone();
    for (level, &from) in order.iter().enumerate().skip(1) {
        let slot = level - 1;
        if from == 0 {
            replicas.put(slot, block.x().row(row), block.log_prob()[row], block.known_grad(row));
        } else if from != level {
            replicas.put(slot, before.x(from - 1), before.log_prob(from - 1), before.grad(from - 1));
        }
    }
    (order[0] != 0).then(|| before.x(order[0] - 1).to_vec())
}

impl Kernel for ParallelTempering {
    fn leaves(&self) -> Vec<Leaf> {
        let inner = self.levels.iter().enumerate().flat_map(|(level, kernel)| {
            kernel.leaves().into_iter().map(move |leaf| match level {
                0 => Leaf { name: format!("{NAME}.{}", leaf.name), ..leaf },
                _ => Leaf {
                    name: format!("{NAME}.t{level}.{}", leaf.name),
                    role: Role::Replica,
                    temperature: Some(self.temperatures()[level]),
                    ..leaf
                },
            })
        });
        let swaps = (1..self.levels.len()).map(|level| {
            let role = if level == 1 { Role::Swap } else { Role::Replica };
            let leaf = Leaf::new(format!("{NAME}.swap_{}_{level}", level - 1), role);
            Leaf { temperature: Some(self.temperatures()[level]), ..leaf }
        });
        inner.chain(swaps).collect()
    }

    fn law(&self) -> Law {
        law(self.levels[0].law())
    }

    fn needs(&self) -> Needs {
        let inner = self.levels[0].needs();
        Needs { pool: 0, replicas: self.levels.len() - 1 + inner.replicas, ..inner }
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let owner = sheet.leaf();
        let mut all = self.take(context, block, owner);
        for _ in 0..self.n_steps {
            self.levels[0].step(context, block, sheet.part(0));
        }
        for level in 1..self.levels.len() {
            self.move_replicas(level, context, block, &mut all, sheet.part(self.offset(level)));
        }
        self.swap(context, block, &mut all, sheet.part(self.offset(self.levels.len())));
        for (row, replicas) in all.into_iter().enumerate() {
            block.keep_replicas(row, replicas);
        }
    }

    /// Where replicas are not known yet, or lie in a latent space, their kernels learn a step size but no metric.
    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        let (owner, n_leaves) = (tallies.leaf(), self.offset(1));
        for (level, kernel) in self.levels.iter_mut().enumerate() {
            let tallies = tallies.part(level * n_leaves);
            if level == 0 {
                kernel.adapt(warmup, chains, tallies);
                continue;
            }
            let points = chains.replicas(owner, level - 1);
            let points = points.unwrap_or_else(|| Points::zeros(0, chains.dim()));
            let log_prob = vec![0.0; points.rows()];
            kernel.adapt(warmup, &Ensemble::bare(points, log_prob), tallies);
        }
        let swaps = tallies.part(self.offset(self.levels.len()));
        self.ladder.adapt((0..self.levels.len() - 1).map(|pair| swaps.part(pair).mean_accept_prob()));
    }

    fn freeze(&mut self) {
        self.levels.iter_mut().for_each(|kernel| kernel.freeze());
        self.ladder.freeze();
    }

    fn save(&self) -> KernelState {
        let own = KernelState::leaf(NAME, self.ladder.state());
        KernelState { parts: self.levels.iter().map(|kernel| kernel.save()).collect(), ..own }
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        let parts = state.parts_of(NAME, self.levels.len())?;
        let ladder: LadderState = state.read(NAME)?;
        self.levels.iter_mut().zip(parts).try_for_each(|(kernel, part)| kernel.load(part))?;
        self.ladder.restore(ladder);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
