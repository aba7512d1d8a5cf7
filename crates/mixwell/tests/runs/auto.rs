//! `method = auto`: what it chooses, that the choice is an ordinary config with the same draws, and that it is made once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mixwell::config::parse;
use mixwell::density::{
    ComponentConfig, EightSchoolsConfig, EvaluationError, FunnelConfig, GaussianMixtureConfig,
    IllConditionedGaussianConfig, Pointwise, Target, from_fn,
};
use mixwell::sampler::{Auto, Ending, Event, Observer, Run, RunConfig, RunError, Sampler, Start};
use mixwell::{Batch, BatchMut};

use super::moments::z;

fn auto(target: impl Target + 'static) -> Sampler {
    Sampler::new(target).method(Auto::default()).draws(400).seed(2)
}

fn config_of(folder: &std::path::Path) -> RunConfig {
    parse(&std::fs::read_to_string(folder.join("config.toml")).unwrap()).unwrap().settings
}

fn words(run: &Run) -> String {
    run.summary().unwrap().chosen.join("; ")
}

#[test]
fn one_mode_is_left_to_nuts() {
    let target = IllConditionedGaussianConfig {
        dim: 20,
        log10_scale_min: -1.0,
        log10_scale_max: 1.0,
        ..Default::default()
    }
    .build()
    .unwrap();
    let variance = target.facts().variance.unwrap();
    let run = auto(target).run().unwrap();
    assert!(words(&run).contains("NUTS alone"), "{}", words(&run));
    for (i, v) in variance.iter().enumerate() {
        assert!(z(&run, i, |x| x, 0.0).abs() < 5.0 && z(&run, i, |x| x * x, *v).abs() < 5.0, "x[{i}]");
    }
    let schools = EightSchoolsConfig::default().build().unwrap();
    let run = auto(Pointwise::new(schools)).run().unwrap();
    assert!(run.summary().unwrap().converged, "{:?}", run.summary().unwrap().reasons);
}

/// Two modes 20 sd apart of weights .8 and .2, neither of which the starts know of: their weights come from the flow.
#[test]
fn modes_are_found_and_weighed() {
    let component = |weight, mean: [f64; 3]| ComponentConfig {
        weight,
        mean: mean.to_vec(),
        scale: Some(1.0),
        ..Default::default()
    };
    let mixture = GaussianMixtureConfig {
        components: vec![component(0.8, [-8.0, 0.0, 6.0]), component(0.2, [8.0, 0.0, -6.0])],
    };
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let run = auto(mixture.build().unwrap()).chains(8).draws(500).folder(&folder).run().unwrap();
    println!("{}", words(&run));
    assert!(words(&run).contains("2 groups of chains"), "{}", words(&run));
    assert!(run.summary().unwrap().converged, "{:?}", run.summary().unwrap().reasons);
    // What was chosen is an ordinary config, and makes the same draws.
    let config = config_of(&folder);
    assert_eq!(config.method.name(), "flex2");
    assert!(matches!(config.start, Start::Points { .. }) && config.chosen.len() == 2);
    let again = Sampler::from_config(Arc::new(mixture.build().unwrap()), config).run().unwrap();
    assert_eq!(again.array("x").unwrap().values(), run.array("x").unwrap().values());
    let off = |weight: f64| z(&again, 0, |x| f64::from(u8::from(x > 0.0)), weight).abs();
    assert!(off(0.2) < 5.0, "the weight is off by {} standard errors", off(0.2));
    // The check has power: chains were dealt out evenly.
    assert!(off(0.5) > 5.0);
}

#[test]
fn a_shape_that_nuts_cannot_take_gets_a_flow() {
    let funnel = FunnelConfig { dim: 10, ..Default::default() }.build().unwrap();
    let run = auto(funnel).chains(8).draws(50).run().unwrap();
    assert!(words(&run).contains("flex2"), "{}", words(&run));
}

#[test]
fn a_target_without_gradient_gets_random_walks() {
    let target = from_fn(2, |x: &[f64]| -0.5 * (x[0] * x[0] + x[1] * x[1]));
    let run = auto(target).run().unwrap();
    assert!(words(&run).contains("no gradient"), "{}", words(&run));
    assert!(z(&run, 0, |x| x * x, 1.0).abs() < 5.0);
}

/// Sets the flag after so many reports of progress.
struct StopAfter(u64, Arc<AtomicBool>);

impl Observer for StopAfter {
    fn event(&mut self, event: &Event) {
        if let Event::Progress(_) = event {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 {
                self.1.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Counts its gradients.
struct Asked(Arc<AtomicU64>);

impl Target for Asked {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        for (row, p) in x.iter().zip(log_prob) {
            *p = -0.5 * row.iter().map(|v| v * v).sum::<f64>();
        }
        if let Some(mut grad) = grad {
            self.0.fetch_add(x.rows() as u64, Ordering::Relaxed);
            grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = -x);
        }
        Ok(())
    }
}

#[test]
fn a_resumed_run_does_not_look_again() {
    let asked = Arc::new(AtomicU64::new(0));
    let sampler = || auto(Asked(asked.clone())).chains(4).draws(200);
    let whole = sampler().run().unwrap();
    let alone = asked.swap(0, Ordering::Relaxed);
    let spent = whole.summary().unwrap();
    // What the look cost is counted; what was evaluated to see whether the target contradicts itself is so apart.
    let counted = spent.gradient_evaluations;
    assert!(counted <= alone && alone <= counted + spent.check_evaluations, "{counted} of {alone}");

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let flag = Arc::new(AtomicBool::new(false));
    let stopped =
        sampler().folder(&folder).observer(StopAfter(100, flag.clone())).interrupt(flag).run().unwrap();
    assert!(matches!(stopped.ending(), Ending::Interrupted));
    let run = sampler().folder(&folder).resume().unwrap();
    assert_eq!(run.array("x").unwrap().values(), whole.array("x").unwrap().values());
    assert!(asked.load(Ordering::Relaxed) <= alone + 8, "{} {alone}", asked.load(Ordering::Relaxed));
    assert_eq!(words(&run), words(&whole));
}

#[test]
fn an_interrupted_look_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let flag = Arc::new(AtomicBool::new(true));
    let target = Asked(Arc::default());
    assert!(matches!(auto(target).folder(&folder).interrupt(flag).run(), Err(RunError::LookInterrupted)));
    assert!(!folder.exists());
}
