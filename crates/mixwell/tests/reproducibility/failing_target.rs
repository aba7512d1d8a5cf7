//! A target that fails: at a point, which is refused and counted, or for good, which ends the run so that it can be resumed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mixwell::density::*;
use mixwell::estimate::{EstimateError, Options, SequentialConfig};
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::kernel::mala;
use mixwell::sampler::*;
use mixwell::{Batch, BatchMut};

/// A standard normal law in two dimensions; after `left` calls it fails for good. Every call takes a while.
struct Fragile {
    left: Arc<AtomicUsize>,
    takes: Duration,
}

impl Target for Fragile {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err() {
            return Err(EvaluationError::new("the simulator has lost its licence"));
        }
        if !self.takes.is_zero() {
            std::thread::sleep(self.takes);
        }
        for (p, x) in log_prob.iter_mut().zip(x.iter()) {
            *p = -0.5 * (x[0] * x[0] + x[1] * x[1]);
        }
        if let Some(mut grad) = grad {
            grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = -x);
        }
        Ok(())
    }
}

/// A sampler whose target may be called so often, and what is left of its calls.
fn sampler(calls: usize, method: impl Into<Method>) -> (Sampler, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(calls));
    let target = Fragile { left: left.clone(), takes: Duration::ZERO };
    let sampler = Sampler::new(target).method(method).chains(4).draws(60).seed(3).configure(|c| {
        c.output.checkpoint_seconds = 0.02;
        c.flow =
            FlowConfig::Realnvp(RealNvpConfig { n_blocks: 1, hidden: vec![8], ..RealNvpConfig::default() });
        c.output.evidence_draws = 100;
    });
    (sampler, left)
}

fn flex2() -> Flex2 {
    Flex2 { burn_in: 5, train_iterations: 5, tune: 5, frozen: 4, local_steps: 2, ..Flex2::default() }
}

fn values(folder: &std::path::Path) -> Vec<f64> {
    let reader = mixwell::io::DrawReader::open(&folder.join("draws.zarr")).unwrap();
    reader.read_variable("posterior", "x", 1).unwrap()
}

/// Whatever it was doing: a warm-up step, training, a chunk of draws.
#[test]
fn a_run_whose_target_failed_for_good_is_resumed_to_the_same_draws() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, method: Method| {
        let whole = folder.path().join(format!("{name} whole"));
        let (run, left) = sampler(usize::MAX, method.clone());
        run.folder(&whole).run().unwrap();
        // Places after the starts, which are checked before there is a folder, and before the check of the last positions.
        let all = usize::MAX - left.load(Ordering::Relaxed);
        // Some in a row, so that every kind of call of a round fails once.
        for calls in (all * 4 / 10..all * 4 / 10 + 10).chain([all / 2, all * 6 / 10]) {
            let path = folder.path().join(format!("{name} {calls}"));
            let error = sampler(calls, method.clone()).0.folder(&path).run().unwrap_err();
            assert!(matches!(error, RunError::Evaluation(_)), "{name}, {calls} of {all}: {error}");
            assert_eq!(error.to_string(), "the target failed: the simulator has lost its licence");
            let log = std::fs::read_to_string(path.join("log.txt")).unwrap();
            assert!(
                log.contains("started") && log.contains("lost its licence; a checkpoint was written"),
                "{log}"
            );
            sampler(usize::MAX, method.clone()).0.folder(&path).resume().unwrap();
            assert_eq!(values(&path), values(&whole), "{name}, {calls} of {all} calls");
        }
    };
    check("mala", mala().warmup(30).into());
    check("flex2", flex2().into());
}

/// Nothing else writes a checkpoint here: what the failed session has made is there because it failed.
#[test]
fn a_failure_for_good_loses_nothing_that_was_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let slow = |calls: usize, method: Method| {
        let left = Arc::new(AtomicUsize::new(calls));
        let target = Fragile { left: left.clone(), takes: Duration::from_millis(1) };
        let change = |c: &mut RunConfig| {
            c.output.checkpoint_seconds = 1e6;
            c.output.evidence_draws = 0;
            c.flow = FlowConfig::Realnvp(RealNvpConfig {
                n_blocks: 1,
                hidden: vec![8],
                ..RealNvpConfig::default()
            });
        };
        let sampler = Sampler::new(target).method(method).chains(4).draws(60).seed(3).threads(1);
        (sampler.configure(change), left)
    };
    let check = |name: &str, method: Method, places: &[(usize, &str, usize)]| {
        let whole = folder.path().join(format!("{name} whole"));
        let (run, left) = slow(usize::MAX, method.clone());
        let whole_run = run.folder(&whole).run().unwrap();
        let all = usize::MAX - left.load(Ordering::Relaxed);
        for (percent, group, most_again) in places {
            let (path, calls) =
                (folder.path().join(format!("{name} {percent}")), (all * percent / 100).min(all - 1));
            slow(calls, method.clone()).0.folder(&path).run().unwrap_err();
            let reader = mixwell::io::DrawReader::open(&path.join("draws.zarr")).unwrap();
            let kept = reader.read_variable(group, "x", 1).unwrap().len();
            assert!(kept > 0, "{name}, {percent} %: no draw in {group}");
            let (again, left) = slow(usize::MAX, method.clone());
            let run = again.folder(&path).resume().unwrap();
            let made = usize::MAX - left.load(Ordering::Relaxed);
            assert!(calls + made <= all + most_again, "{name}, {percent} %: {calls} + {made} of {all} calls");
            assert_eq!(values(&path), values(&whole));
            let counts = |r: &Run| {
                let s = r.summary().unwrap();
                (s.density_evaluations, s.gradient_evaluations, s.check_evaluations)
            };
            assert_eq!(counts(&run), counts(&whole_run), "{name}, {percent} %");
        }
    };
    // In the warm-up one step is made again; later as many as take 40 ms, which may have doubled once. The last call asks whether
    // the target contradicts itself.
    check(
        "mala",
        mala().warmup(60).into(),
        &[(40, "warmup_posterior", 2), (85, "posterior", 80), (100, "posterior", 20)],
    );
    check("flex2", flex2().into(), &[(20, "warmup_posterior", 6), (40, "warmup_posterior", 80)]);
}

#[test]
fn at_the_start_and_in_estimators_it_ends_with_its_own_words() {
    let error = sampler(0, mala()).0.run().unwrap_err();
    assert!(error.to_string().ends_with("the simulator has lost its licence"), "{error}");
    for calls in [0, 3, 20] {
        let left = Arc::new(AtomicUsize::new(calls));
        let config = SequentialConfig { particles: 100, ..SequentialConfig::default() };
        let target = Fragile { left, takes: Duration::ZERO };
        let error = config.estimate(&target, &Options::default()).unwrap_err();
        assert!(matches!(error, EstimateError::Evaluation(_)), "{calls}: {error}");
    }
}

/// What a run tells.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Observer for Warnings {
    fn event(&mut self, event: &Event) {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

#[test]
fn a_point_that_fails_is_refused_counted_and_told() {
    // A standard normal law cut at 2: beyond it there is no value.
    let target = from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
        if x[0] > 2.0 {
            return Err(PointError::recoverable("the solver did not converge"));
        }
        grad[0] = -x[0];
        Ok(-0.5 * x[0] * x[0])
    });
    let warnings = Warnings::default();
    let sampler = Sampler::new(target).method(mala()).chains(4).draws(500).seed(1);
    let run = sampler.start(Start::Gaussian { scale: 0.5 }).observer(warnings.clone()).run().unwrap();
    let draws = run.draws().unwrap();
    assert!(draws.values(mixwell::io::Phase::Production).iter().all(|x| *x <= 2.0));
    let told = warnings.0.lock().unwrap().join("\n");
    assert!(told.contains("the solver did not converge"), "{told}");
    assert!(run.summary().unwrap().non_finite > 0);
}
