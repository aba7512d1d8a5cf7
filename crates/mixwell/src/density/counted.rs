//! Counts evaluations of a target: rows whose density was evaluated, and rows whose gradient was evaluated.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::pointer::forward_description;
use super::{BaseLaw, EvaluationError, ExactSampler, Facts, Target, Variable};
use crate::symmetry::Symmetry;
use crate::{Batch, BatchMut};

/// A target that counts the rows it is asked for. Counting is exact with any number of threads.
///
/// ```
/// use mixwell::density::{Counted, StandardGaussianConfig, Target};
/// use mixwell::Batch;
/// let target = Counted::new(StandardGaussianConfig { dim: 2, ..Default::default() }.build()?);
/// target.log_prob(Batch::new(&[0.0; 6], 2), &mut [0.0; 3]);
/// assert_eq!((target.densities(), target.gradients()), (3, 0));
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
#[derive(Debug, Default)]
pub struct Counted<T> {
    inner: T,
    counts: [Counts; STRIPES],
}

/// Threads count apart, so that they do not wait for each other's cache lines.
const STRIPES: usize = 16;

#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts {
    densities: AtomicU64,
    gradients: AtomicU64,
}

impl<T> Counted<T> {
    /// Starts both counts at zero.
    pub fn new(inner: T) -> Self {
        Self { inner, counts: Default::default() }
    }

    /// The target inside.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// Rows evaluated without gradient.
    pub fn densities(&self) -> u64 {
        self.counts.iter().map(|c| c.densities.load(Relaxed)).sum()
    }

    /// Rows evaluated with gradient.
    pub fn gradients(&self) -> u64 {
        self.counts.iter().map(|c| c.gradients.load(Relaxed)).sum()
    }

    /// Sets both counts back to zero.
    pub fn reset(&self) {
        for counts in &self.counts {
            counts.densities.store(0, Relaxed);
            counts.gradients.store(0, Relaxed);
        }
    }

    /// The counts of this thread.
    fn own(&self) -> &Counts {
        &self.counts[rayon::current_thread_index().unwrap_or(0) % STRIPES]
    }
}

impl<T: Target> Target for Counted<T> {
    forward_description!(self => self.inner);

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let counts = self.own();
        let count = if grad.is_some() { &counts.gradients } else { &counts.densities };
        count.fetch_add(x.rows() as u64, Relaxed);
        self.inner.evaluate(x, log_prob, grad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::density::StandardGaussianConfig;

    #[test]
    fn counts_rows_of_each_kind() {
        let target = Counted::new(StandardGaussianConfig::default().build().unwrap());
        let x = Points::zeros(5, target.dim());
        let (mut value, mut grad) = (vec![0.0; 5], x.clone());
        target.log_prob(x.as_batch(), &mut value).unwrap();
        target
            .log_prob_and_grad(x.as_batch().slice(0..3), &mut value[..3], grad.as_batch_mut().slice_mut(0..3))
            .unwrap();
        target.log_prob(x.as_batch().slice(0..1), &mut value[..1]).unwrap();
        assert_eq!((target.densities(), target.gradients()), (6, 3));
        target.reset();
        assert_eq!((target.densities(), target.gradients()), (0, 0));
    }
}
