//! Chains that anybody can move: the state, a step of any kernel on any target, a warm-up.
//!
//! This is all that a loop of one's own needs. The same kernels, states and streams are behind [`Sampler`](crate::sampler::Sampler), which
//! adds a schedule, training, a store, and a verdict.

use rayon::prelude::*;

use super::{Block, Context, Ensemble, Kernel, Tallies, Tally, TallySheet, Warmup};
use crate::density::{EvaluationError, Failure, Guarded, Target};
use crate::{Batch, Points, Stream};

/// Rows that a kernel evaluates in one batch at most, unless the caller says otherwise.
const MAX_ROWS: usize = 16_384;

/// Chains with their random streams, and what the last step did to each.
///
/// ```
/// use mixwell::Points;
/// use mixwell::density::BananaConfig;
/// use mixwell::kernel::{Chains, mala};
/// let target = BananaConfig { dim: 2, ..Default::default() }.build()?;
/// let mut kernel = mala().build(2)?;
/// let mut chains = Chains::new(&target, Points::zeros(8, 2), 1)?;
/// chains.warm_up(&mut kernel, &target, 100)?;
/// for _ in 0..10 {
///     chains.step(&kernel, &target)?;
/// }
/// assert_eq!(chains.x().rows(), 8);
/// assert!(chains.tallies().mean_accept_prob().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chains {
    ensemble: Ensemble,
    /// `chains x n_leaves`, of the last step.
    tallies: Vec<Tally>,
    n_leaves: usize,
    /// Chains that one thread moves together, where the caller has said how many.
    block_rows: Option<usize>,
}

impl Chains {
    /// Chains at the rows of `x` (`chains x dim`), with the streams that a run of this seed gives its chains. Evaluates the log-density at
    /// every row.
    ///
    /// # Errors
    /// When the target cannot be evaluated.
    pub fn new(target: &dyn Target, x: Points, seed: u64) -> Result<Self, EvaluationError> {
        let streams = Stream::for_chains(seed, x.rows());
        Ok(Self::from(Ensemble::new(target, x, streams)?))
    }

    /// Hands at most `rows` chains to a thread at a time. Draws do not depend on it.
    ///
    /// # Panics
    /// When it is zero.
    pub fn in_blocks_of(self, rows: usize) -> Self {
        assert!(rows > 0, "a block holds a chain");
        Self { block_rows: Some(rows), ..self }
    }

    /// Moves every chain once. A target whose [`version`](Target::version) has changed since the last step, e.g. an energy that is being
    /// trained, is evaluated anew where the chains are. Blocks of chains run in parallel, and results do not depend on the number of threads.
    ///
    /// # Errors
    /// When the target failed for good during the step; proposals were refused from then on.
    ///
    /// # Panics
    /// When the kernel needs a flow (see [`Chains::step_in`]), or a [`base`](Target::base) that the target does not state.
    pub fn step(&mut self, kernel: &dyn Kernel, target: &dyn Target) -> Result<(), EvaluationError> {
        let failure = Failure::default();
        let target = Guarded::new(target, &failure);
        self.step_in(kernel, &Context { target, flow: None, max_rows: MAX_ROWS });
        failure.check()
    }

    /// [`Chains::step`] with a flow, or with another bound on the rows of a batch. A failure of the target is kept in the context's.
    pub fn step_in(&mut self, kernel: &dyn Kernel, context: &Context<'_>) {
        self.step_of(kernel, kernel.leaves().len(), context);
    }

    /// [`Chains::step_in`] of a kernel with so many leaves, for callers that have counted them before many short steps.
    pub(crate) fn step_of(&mut self, kernel: &dyn Kernel, n_leaves: usize, context: &Context<'_>) {
        self.steps_of(kernel, n_leaves, context, 1);
    }

    /// The same so many times in a row, each block of chains on its own; what was counted adds up.
    pub(crate) fn steps_of(
        &mut self,
        kernel: &dyn Kernel,
        n_leaves: usize,
        context: &Context<'_>,
        steps: usize,
    ) {
        self.n_leaves = n_leaves;
        self.tallies.clear();
        self.tallies.resize(self.ensemble.n_chains() * n_leaves, Tally::default());
        let wanted = || block_rows(self.ensemble.n_chains(), context.target.target().batch_rows());
        let rows = self.block_rows.unwrap_or_else(wanted);
        let blocks = self.ensemble.blocks(rows, None);
        let mut jobs: Vec<_> = blocks.into_iter().zip(self.tallies.chunks_mut(rows * n_leaves)).collect();
        let go = |(block, tallies): &mut (Block<'_>, &mut [Tally])| {
            for _ in 0..steps {
                advance(kernel, context, block, TallySheet::new(tallies, n_leaves));
            }
        };
        match jobs.as_mut_slice() {
            [one] => go(one),
            many => many.par_iter_mut().for_each(go),
        }
    }

    /// Lets the kernel learn from the last step, which must have been one of its own.
    pub fn teach(&self, kernel: &mut dyn Kernel, warmup: Warmup) {
        kernel.adapt(warmup, &self.ensemble, self.tallies());
    }

    /// `steps` steps in which the kernel adapts; then it is frozen.
    ///
    /// # Errors
    /// As [`Chains::step`].
    ///
    /// # Panics
    /// As [`Chains::step`].
    pub fn warm_up(
        &mut self,
        kernel: &mut dyn Kernel,
        target: &dyn Target,
        steps: usize,
    ) -> Result<(), EvaluationError> {
        for step in 0..steps {
            self.step(kernel, target)?;
            self.teach(kernel, Warmup { step, total: steps });
        }
        kernel.freeze();
        Ok(())
    }

    /// Moves every chain to a row of `x` (`chains x dim`): a step of one's own between those of kernels.
    ///
    /// ```
    /// use mixwell::Points;
    /// use mixwell::density::BananaConfig;
    /// use mixwell::kernel::{Chains, mala};
    /// let target = BananaConfig { dim: 2, ..Default::default() }.build()?;
    /// let kernel = mala().build(2)?;
    /// let mut chains = Chains::new(&target, Points::zeros(8, 2), 1)?;
    /// chains.step(&kernel, &target)?;
    /// // The target is even in its first coordinate, so this move keeps its law.
    /// let mut mirrored = Points::from_vec(chains.x().data().to_vec(), 2);
    /// mirrored.data_mut().iter_mut().step_by(2).for_each(|x| *x = -*x);
    /// chains.move_to(mirrored, &target)?;
    /// chains.step(&kernel, &target)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the target cannot be evaluated there; nothing has changed then.
    ///
    /// # Panics
    /// When `x` has another shape than the positions.
    pub fn move_to(&mut self, x: Points, target: &dyn Target) -> Result<(), EvaluationError> {
        self.ensemble.move_to(x, target)
    }

    /// Positions, `chains x dim`.
    pub fn x(&self) -> Batch<'_> {
        self.ensemble.x()
    }

    /// Log-density of every chain's position.
    pub fn log_prob(&self) -> &[f64] {
        self.ensemble.log_prob()
    }

    /// What the last step did, for the kernel's first leaf; [`Tallies::part`] gives the others.
    pub fn tallies(&self) -> Tallies<'_> {
        Tallies::new(&self.tallies, self.n_leaves)
    }

    /// The state itself.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    /// The state itself, to be changed by [`Block`]s.
    pub fn ensemble_mut(&mut self) -> &mut Ensemble {
        &mut self.ensemble
    }
}

impl From<Ensemble> for Chains {
    fn from(ensemble: Ensemble) -> Self {
        let n = ensemble.n_chains();
        Self { ensemble, tallies: vec![Tally::default(); n], n_leaves: 1, block_rows: None }
    }
}

/// Chains that a batch needs to be worth its overhead; networks hold rows in blocks of 64.
const FULL_BATCH: usize = 64;

/// Chains per block: four blocks per thread, so that no thread waits long for the last, but full batches where there are
/// chains enough to keep every thread busy with them. What the target would like (`wanted`) goes before.
pub(crate) fn block_rows(n_chains: usize, wanted: Option<usize>) -> usize {
    if let Some(rows) = wanted {
        return rows.min(n_chains).max(1);
    }
    let threads = rayon::current_num_threads();
    if threads == 1 {
        return n_chains.max(1);
    }
    n_chains.div_ceil(4 * threads).max(FULL_BATCH).min(n_chains.div_ceil(threads)).max(1)
}

/// Moves every chain of the block once: with values of the present target, if that has changed since the last step. Counts those that stand where the log-density is not finite afterwards: a kernel that
/// moves there is wrong, and draws from there on are worth nothing.
pub(crate) fn advance(
    kernel: &dyn Kernel,
    context: &Context<'_>,
    block: &mut Block<'_>,
    mut sheet: TallySheet<'_>,
) {
    block.refresh(context.target);
    kernel.step(context, block, sheet.part(0));
    for (row, log_prob) in block.log_prob().iter().enumerate() {
        if !log_prob.is_finite() {
            sheet.tally(row).stranded += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::BatchMut;
    use crate::kernel::tests::StandardNormal;
    use crate::kernel::{RandomWalkConfig, StepSize, ex2, isir, mala, parallel_tempering, random_walk};

    #[test]
    fn draws_do_not_depend_on_the_blocks() {
        let (target, kernel) = (StandardNormal(2), mala().repeat(2).build(2).unwrap());
        let run = |rows: usize| {
            let mut chains = Chains::new(&target, Points::zeros(7, 2), 3).unwrap().in_blocks_of(rows);
            (0..5).for_each(|_| chains.step(&kernel, &target).unwrap());
            (chains.x().data().to_vec(), chains.tallies().iter().copied().collect::<Vec<_>>())
        };
        assert_eq!(run(7), run(1));
        assert_eq!(run(7), run(3));
    }

    #[test]
    fn steps_in_a_row_are_steps_one_by_one() {
        let (target, kernel, failure) = (StandardNormal(2), mala().build(2).unwrap(), Failure::default());
        let context = Context::new(&target, &failure);
        let start = || Chains::new(&target, Points::zeros(9, 2), 3).unwrap().in_blocks_of(4);
        let (mut at_once, mut one_by_one) = (start(), start());
        at_once.steps_of(&kernel, 1, &context, 6);
        let mut moves = [0; 9];
        for _ in 0..6 {
            one_by_one.step_of(&kernel, 1, &context);
            moves.iter_mut().zip(one_by_one.tallies().iter()).for_each(|(m, t)| *m += t.moves);
        }
        assert_eq!(at_once.x().data(), one_by_one.x().data());
        assert!(at_once.tallies().iter().all(|t| t.tries == 6));
        assert_eq!(at_once.tallies().iter().map(|t| t.moves).collect::<Vec<_>>(), moves);
    }

    #[test]
    fn kernels_with_other_leaves_take_turns() {
        let target = StandardNormal(2);
        let two = ex2(random_walk(), mala()).build(2).unwrap();
        let one = random_walk().build(2).unwrap();
        let mut chains = Chains::new(&target, Points::zeros(3, 2), 3).unwrap();
        chains.step(&two, &target).unwrap();
        assert_eq!(chains.tallies().part(1).iter().filter(|t| t.tries == 1).count(), 3);
        chains.step(&one, &target).unwrap();
        assert_eq!(chains.tallies().iter().count(), 3);
    }

    /// `N(0, s^2)` with `s` 1 and 3 in turn; tells that it changes, or keeps it to itself.
    struct Breathing {
        time: AtomicU64,
        tells: bool,
    }

    impl Target for Breathing {
        fn dim(&self) -> usize {
            2
        }

        fn evaluate(
            &self,
            x: Batch<'_>,
            log_prob: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            let precision = if self.time.load(Ordering::Relaxed).is_multiple_of(2) { 1.0 } else { 1.0 / 9.0 };
            for (p, x) in log_prob.iter_mut().zip(x.iter()) {
                *p = -0.5 * precision * x.iter().map(|v| v * v).sum::<f64>();
            }
            if let Some(mut grad) = grad {
                grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = -precision * x);
            }
            Ok(())
        }

        fn version(&self) -> u64 {
            if self.tells { 1 + self.time.load(Ordering::Relaxed) } else { 0 }
        }
    }

    #[test]
    fn cached_values_follow_a_target_that_changes_between_steps() {
        let hot = parallel_tempering(mala().step_size(StepSize::from_eta(0.3)));
        for config in [random_walk(), mala().step_size(StepSize::from_eta(0.3)), hot] {
            let kernel = config.build(2).unwrap();
            // `twin` forgets everything before every step.
            let run = |tells: bool, twin: bool| {
                let target = Breathing { time: AtomicU64::new(0), tells };
                let mut x = Points::zeros(20, 2);
                Stream::new(5, 1 << 40).fill_normal(x.data_mut());
                let mut chains = Chains::new(&target, x, 3).unwrap();
                for _ in 0..20 {
                    target.time.fetch_add(1, Ordering::Relaxed);
                    if twin {
                        chains.ensemble_mut().recompute(&target).unwrap();
                    }
                    chains.step(&kernel, &target).unwrap();
                }
                chains.x().data().to_vec()
            };
            let right = run(true, true);
            assert_eq!(run(true, false), right, "{}", config.kind());
            assert_ne!(run(false, false), right, "{}: a stale value goes unnoticed", config.kind());
        }
    }

    #[test]
    fn a_chain_that_a_change_left_outside_comes_back() {
        let inside =
            |time: &AtomicU64, x: f64| if time.load(Ordering::Relaxed) == 0 { -x * x } else { f64::NAN };
        struct Cut<F>(AtomicU64, F);
        impl<F: Fn(&AtomicU64, f64) -> f64 + Send + Sync> Target for Cut<F> {
            fn dim(&self) -> usize {
                1
            }

            fn evaluate(
                &self,
                x: Batch<'_>,
                log_prob: &mut [f64],
                _: Option<BatchMut<'_>>,
            ) -> Result<(), EvaluationError> {
                for (p, x) in log_prob.iter_mut().zip(x.data()) {
                    *p = if *x > 1.0 { (self.1)(&self.0, *x) } else { -x * x };
                }
                Ok(())
            }

            fn version(&self) -> u64 {
                self.0.load(Ordering::Relaxed)
            }
        }
        let target = Cut(AtomicU64::new(0), inside);
        let kernel = RandomWalkConfig { step_size: 1.0, ..Default::default() }.build(1).unwrap();
        let mut chains = Chains::new(&target, Points::from_rows(&[[1.5]; 10]), 1).unwrap();
        target.0.store(1, Ordering::Relaxed);
        (0..50).for_each(|_| chains.step(&kernel, &target).unwrap());
        assert!(
            chains.log_prob().iter().all(|p| p.is_finite()) && chains.x().data().iter().all(|x| *x <= 1.0)
        );
    }

    #[test]
    fn cached_values_follow_chains_that_are_moved_from_outside() {
        // Twins: one is told where its chains are, the other is made there, with the same streams.
        let target = StandardNormal(2);
        for config in [random_walk(), mala(), isir(4)] {
            let kernel = config.build(2).unwrap();
            let flow = crate::flow::Flow::new(&Default::default(), 2, &mut Stream::new(1, 0)).unwrap();
            let failure = Failure::default();
            let context = Context { flow: Some(&flow), ..Context::new(&target, &failure) };
            let mut there = Points::zeros(6, 2);
            Stream::new(5, 1 << 40).fill_normal(there.data_mut());
            let mut moved = Chains::new(&target, Points::zeros(6, 2), 3).unwrap();
            moved.step_in(&kernel, &context);
            let streams = moved.ensemble().streams.clone();
            moved.move_to(there.clone(), &target).unwrap();
            let mut made = Chains::from(Ensemble::new(&target, there, streams).unwrap());
            assert_eq!(moved.log_prob(), made.log_prob());
            for _ in 0..5 {
                moved.step_in(&kernel, &context);
                made.step_in(&kernel, &context);
            }
            assert_eq!(moved.x().data(), made.x().data(), "{}", config.kind());
        }
    }

    #[test]
    #[should_panic(expected = "ask for a flow")]
    fn a_kernel_that_needs_a_flow_is_told() {
        let target = StandardNormal(2);
        let mut chains = Chains::new(&target, Points::zeros(3, 2), 3).unwrap();
        let _ = chains.step(&isir(4).build(2).unwrap(), &target);
    }
}
