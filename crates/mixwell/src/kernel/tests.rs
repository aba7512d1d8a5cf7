//! Targets and runs that the unit tests of the kernels share.

use super::{Chains, Kernel, Tally};
use crate::density::{EvaluationError, Target};
use crate::{Batch, BatchMut, Points, Stream};

/// `N(0, I)` in this many dimensions.
pub(crate) struct StandardNormal(pub(crate) usize);

impl Target for StandardNormal {
    fn dim(&self) -> usize {
        self.0
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        for (p, x) in log_prob.iter_mut().zip(x.iter()) {
            *p = -0.5 * x.iter().map(|v| v * v).sum::<f64>();
        }
        if let Some(mut grad) = grad {
            grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = -x);
        }
        Ok(())
    }
}

/// Independent Gumbel laws, `log pi = -x - exp(-x)`: skewed and not quadratic.
pub(crate) struct Gumbel(pub(crate) usize);

impl Target for Gumbel {
    fn dim(&self) -> usize {
        self.0
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        for (p, x) in log_prob.iter_mut().zip(x.iter()) {
            *p = x.iter().map(|v| -v - (-v).exp()).sum();
        }
        if let Some(mut grad) = grad {
            grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = (-x).exp() - 1.0);
        }
        Ok(())
    }
}

/// Chains at standard normal points.
fn start(target: &dyn Target, n_chains: usize) -> Chains {
    let mut x = Points::zeros(n_chains, target.dim());
    Stream::new(7, 1 << 40).fill_normal(x.data_mut());
    Chains::new(target, x, 7).unwrap()
}

/// Mean acceptance probability and the sum of all tallies (the last depth) of a one-leaf kernel.
pub(crate) fn mean_accept(
    kernel: &dyn Kernel,
    target: &dyn Target,
    n_chains: usize,
    n_steps: usize,
) -> (f64, Tally) {
    let mut chains = start(target, n_chains);
    let mut sum = Tally::default();
    for _ in 0..n_steps {
        chains.step(kernel, target).unwrap();
        for t in chains.tallies().iter() {
            sum.tries += t.tries;
            sum.moves += t.moves;
            sum.accept_prob += t.accept_prob;
            sum.divergences += t.divergences;
            sum.leapfrogs += t.leapfrogs;
            sum.tree_depth = t.tree_depth;
        }
    }
    (sum.accept_prob / f64::from(sum.tries), sum)
}

/// All positions of all chains after the first `skip` steps.
pub(crate) fn long_run(
    kernel: &dyn Kernel,
    target: &dyn Target,
    n_chains: usize,
    skip: usize,
    n_steps: usize,
) -> Points {
    let mut chains = start(target, n_chains);
    let mut draws = Vec::new();
    for i in 0..skip + n_steps {
        chains.step(kernel, target).unwrap();
        if i >= skip {
            draws.extend_from_slice(chains.x().data());
        }
    }
    Points::from_vec(draws, target.dim())
}

/// Where one chain is after one step from `x`.
pub(crate) fn one_step(kernel: &dyn Kernel, target: &dyn Target, x: &[f64]) -> Vec<f64> {
    let x = Points::from_rows(&[x]);
    let mut chains = Chains::new(target, x, 7).unwrap();
    chains.step(kernel, target).unwrap();
    chains.x().row(0).to_vec()
}

/// A warm-up of `total` steps, then freezes.
pub(crate) fn adapt_run(kernel: &mut dyn Kernel, target: &dyn Target, n_chains: usize, total: usize) {
    start(target, n_chains).warm_up(kernel, target, total).unwrap();
}
