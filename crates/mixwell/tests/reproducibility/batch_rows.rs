//! The hint how many rows one call of a target wants (`Target::batch_rows`): who asks follows it, and draws do not depend on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mixwell::density::{EvaluationError, Target};
use mixwell::kernel::{Chains, mala};
use mixwell::sampler::{RunConfig, Sampler, Start};
use mixwell::{Batch, BatchMut, Points};

/// A standard normal law that wants so many rows, and notes the most that a call had.
struct Wants {
    rows: Option<usize>,
    most: Arc<AtomicUsize>,
}

impl Target for Wants {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.most.fetch_max(x.rows(), Ordering::Relaxed);
        for (p, x) in log_prob.iter_mut().zip(x.iter()) {
            *p = -0.5 * (x[0] * x[0] + x[1] * x[1]);
        }
        if let Some(mut grad) = grad {
            grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = -x);
        }
        Ok(())
    }

    fn batch_rows(&self) -> Option<usize> {
        self.rows
    }
}

fn wants(rows: Option<usize>) -> (Wants, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    (Wants { rows, most: most.clone() }, most)
}

#[test]
fn chains_come_in_calls_of_the_wanted_size() {
    for (n, rows, expected) in [(100, 7, 7), (100, 100, 100), (100, 1000, 100), (3, 7, 3), (300, 1, 1)] {
        let draws = |rows: Option<usize>| {
            let (target, most) = wants(rows);
            let kernel = mala().build(2).unwrap();
            let mut chains = Chains::new(&target, Points::zeros(n, 2), 1).unwrap();
            most.store(0, Ordering::Relaxed);
            (0..3).for_each(|_| chains.step(&kernel, &target).unwrap());
            (chains.x().data().to_vec(), most.load(Ordering::Relaxed))
        };
        let (x, most) = draws(Some(rows));
        assert_eq!((most, &x), (expected, &draws(None).0), "{n} chains, {rows} rows");
    }
}

#[test]
fn runs_move_chains_in_calls_of_the_wanted_size() {
    let draws = |rows: Option<usize>| {
        let (target, most) = wants(rows);
        // Nothing but steps: starts, and what is asked of the target itself, are seen once each.
        let change = |c: &mut RunConfig| c.start = Start::Points { points: vec![vec![0.1, 0.2]] };
        let noted = most.clone();
        let forget = move |event: &mixwell::sampler::Event| {
            if let mixwell::sampler::Event::Planned { .. } = event {
                noted.store(0, Ordering::Relaxed);
            }
        };
        let sampler = Sampler::new(target).method(mixwell::kernel::random_walk().warmup(10));
        let run =
            sampler.chains(100).draws(20).seed(2).configure(change).observer(Watch(forget)).run().unwrap();
        (run.array("x").unwrap().values().to_vec(), most.load(Ordering::Relaxed))
    };
    let (x, most) = draws(Some(7));
    assert_eq!(most, 7);
    assert_eq!(x, draws(None).0);
    assert_eq!(draws(Some(100)).1, 100);
}

struct Watch<F>(F);

impl<F: FnMut(&mixwell::sampler::Event) + Send> mixwell::sampler::Observer for Watch<F> {
    fn event(&mut self, event: &mixwell::sampler::Event) {
        (self.0)(event);
    }
}
