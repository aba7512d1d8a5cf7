//! Runs whose draws are wrong while R-hat and ESS are content, and what the verdict says of them.

use mixwell::density::{
    EightSchoolsConfig, EvaluationError, NoData, Parametrisation, StandardGaussianConfig, Target,
    TargetConfig, from_fn_with_grad,
};
use mixwell::kernel::{IsirConfig, KernelConfig, MalaConfig, NutsConfig, StepRule, StepSize};
use mixwell::sampler::{Ex2, Flex2, KernelMethod, Method, Sampler, Start, Summary};
use mixwell::{Batch, BatchMut};

fn says(lines: &[String], beginning: &str) -> bool {
    lines.iter().any(|line| line.starts_with(beginning))
}

fn rhat_and_ess_pass(summary: &Summary) -> bool {
    summary
        .parameters
        .iter()
        .all(|p| p.summary.rhat < 1.01 && p.summary.ess_bulk > 400.0 && p.summary.ess_tail > 400.0)
}

/// Eight schools, centred: the flow and MALA hardly enter the neck at small `tau`, where a twentieth of the posterior lies.
#[test]
fn a_narrow_neck_that_is_not_entered_is_told() {
    let config = EightSchoolsConfig { parametrisation: Parametrisation::Centred };
    let global = IsirConfig { n_particles: 32, ..IsirConfig::default() };
    let run = Sampler::new(TargetConfig::EightSchools(config).build(&NoData).unwrap())
        .method(Method::Flex2(Flex2 { global, train_iterations: 300, ..Flex2::default() }))
        .configure(|c| c.training.learning_rate = 2e-3)
        .chains(8)
        .draws(1500)
        .seed(2)
        .run()
        .unwrap();
    let summary = run.summary().unwrap();
    let tau = summary.parameters.iter().position(|p| p.name == "tau").unwrap();
    let draws = run.draws().unwrap().scalar(mixwell::io::Phase::Production, tau, 1);
    let share = draws.iter().filter(|t| **t < 0.25).count() as f64 / draws.len() as f64;
    println!("share below 0.25: {share}; {:?} {:?}", summary.reasons, summary.parameters[tau]);
    assert!(share < 0.025, "{share}: the draws are right, there is nothing to find");
    assert!(rhat_and_ess_pass(summary));
    assert!(says(&summary.reasons, "in the lower tail of tau moves succeed"), "{:?}", summary.reasons);
}

/// One chain of four starts far away, and warm-up is too short for it.
#[test]
fn a_chain_that_comes_late_is_told() {
    let mala =
        MalaConfig { step_size: StepSize::from_eta(0.12), adapt: StepRule::Fixed, ..MalaConfig::default() };
    let method = KernelMethod { kernel: Box::new(KernelConfig::Mala(mala)), warmup: 10, frozen: 0 };
    let points = vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![-1.0, 0.0], vec![300.0, 0.0]];
    let run =
        Sampler::new(StandardGaussianConfig { dim: 2, ..StandardGaussianConfig::default() }.build().unwrap())
            .method(Method::Kernel(method))
            .start(Start::Points { points })
            .chains(4)
            .draws(6000)
            .seed(1)
            .run()
            .unwrap();
    let summary = run.summary().unwrap();
    println!("{:?} {:?}", summary.reasons, summary.parameters);
    assert!(rhat_and_ess_pass(summary));
    assert!(summary.parameters[0].summary.sd > 1.1);
    assert!(says(&summary.reasons, "the standard deviation of x[0] is known to"), "{:?}", summary.reasons);
    assert!(says(&summary.reasons, "chain 3 began production at a log-density of"), "{:?}", summary.reasons);
}

/// A standard Cauchy law has no mean.
#[test]
fn heavy_tails_are_named_and_their_moments_marked() {
    let target = from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
        grad[0] = -2.0 * x[0] / (1.0 + x[0] * x[0]);
        -(x[0] * x[0]).ln_1p()
    });
    let nuts =
        KernelMethod { kernel: Box::new(KernelConfig::Nuts(NutsConfig::default())), warmup: 500, frozen: 0 };
    let run = Sampler::new(target).method(Method::Kernel(nuts)).chains(4).draws(1000).seed(1).run().unwrap();
    let summary = run.summary().unwrap();
    println!("{:?} {:?} {:?}", summary.reasons, summary.warnings, summary.parameters);
    assert!(summary.parameters[0].heavy_tails);
    assert!(
        says(&summary.warnings, "tails of x are heavy") || says(&summary.warnings, "tails of x[0] are heavy")
    );
}

/// `-x^2/2`, with something added: a value where the gradient is asked for, a factor to the gradient, from a distance on.
struct Broken {
    shift: f64,
    factor: f64,
    beyond: f64,
}

impl Target for Broken {
    fn dim(&self) -> usize {
        1
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let off = |x: f64| x.abs() >= self.beyond;
        for (f, x) in log_prob.iter_mut().zip(x.data()) {
            *f = -x * x / 2.0 - if grad.is_some() && off(*x) { self.shift } else { 0.0 };
        }
        if let Some(mut grad) = grad {
            for (g, x) in grad.data_mut().iter_mut().zip(x.data()) {
                *g = -x * if off(*x) { self.factor } else { 1.0 };
            }
        }
        Ok(())
    }
}

fn run_broken(target: Broken) -> Result<Summary, String> {
    let global = IsirConfig { n_particles: 8, ..IsirConfig::default() };
    let method = Method::Ex2(Ex2 { global, ..Ex2::default() });
    let points = (0..8).map(|i| vec![0.3 + 0.01 * f64::from(i)]).collect();
    Sampler::new(target)
        .method(method)
        .start(Start::Points { points })
        .chains(8)
        .draws(200)
        .run()
        .map(|run| run.summary().unwrap().clone())
        .map_err(|e| e.to_string())
}

/// Moves that ask for the gradient and moves that do not see different densities.
#[test]
fn a_target_that_contradicts_itself_is_told() {
    let e = run_broken(Broken { shift: 0.9, factor: 1.0, beyond: 0.0 }).unwrap_err();
    assert!(
        e.starts_with("at the start of chain 0 the log-density is -0.045 when asked for alone and -0.945"),
        "{e}"
    );
    let e = run_broken(Broken { shift: 0.0, factor: 1.5, beyond: 0.0 }).unwrap_err();
    assert!(e.contains("its gradient says"), "{e}");
    // Seen only where the chains come to be.
    let s = run_broken(Broken { shift: 0.9, factor: 1.0, beyond: 0.5 }).unwrap();
    assert!(!s.converged && s.reasons[0].contains("when asked for alone"), "{:?}", s.reasons);
    let s = run_broken(Broken { shift: 0.0, factor: 1.0, beyond: 0.0 }).unwrap();
    assert!(!s.reasons.iter().any(|r| r.contains("gradient")), "{:?}", s.reasons);
}

/// `-sqrt(1 + x^2)`, which says something else of itself only where `8 < x < 14`: a value that is off when it is asked for with
/// its gradient, or a gradient of another length.
struct BrokenOnTheWay {
    shift: f64,
    factor: f64,
}

impl Target for BrokenOnTheWay {
    fn dim(&self) -> usize {
        1
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let broken = |x: f64| x > 8.0 && x < 14.0;
        for (f, x) in log_prob.iter_mut().zip(x.data()) {
            *f = -(1.0 + x * x).sqrt() - if grad.is_some() && broken(*x) { self.shift } else { 0.0 };
        }
        if let Some(mut grad) = grad {
            for (g, x) in grad.data_mut().iter_mut().zip(x.data()) {
                *g = -x / (1.0 + x * x).sqrt() * if broken(*x) { self.factor } else { 1.0 };
            }
        }
        Ok(())
    }
}

/// All chains come through that region in the warm-up, and neither start nor end there.
#[test]
fn a_contradiction_that_is_seen_only_on_the_way_is_told() {
    let run = |shift: f64, factor: f64, threads: usize| {
        let step_size = StepSize::from_dt(0.3);
        let mala = MalaConfig { step_size, adapt: StepRule::Fixed, ..MalaConfig::default() };
        let method = KernelMethod { kernel: Box::new(KernelConfig::Mala(mala)), warmup: 1000, frozen: 0 };
        let points = (0..80).map(|i| vec![17.0 + 0.01 * f64::from(i)]).collect();
        Sampler::new(BrokenOnTheWay { shift, factor })
            .method(method)
            .start(Start::Points { points })
            .chains(80)
            .draws(100)
            .seed(4)
            .threads(threads)
            .run()
            .unwrap()
            .summary()
            .unwrap()
            .clone()
    };
    for (shift, factor, words) in [(0.9, 1.0, "when asked for alone"), (0.0, 1.5, "its gradient says")] {
        let s = run(shift, factor, 1);
        let told = s.reasons.iter().find(|r| r.contains(words)).unwrap_or_else(|| panic!("{:?}", s.reasons));
        assert!(!s.converged && told.contains(" steps of the warm-up "), "{told}");
        assert!(!told.contains("after 1000 steps"), "the last positions tell it, too: {told}");
        let other = run(shift, factor, 3);
        assert_eq!((other.reasons, other.check_evaluations), (s.reasons, s.check_evaluations));
    }
    let s = run(0.0, 1.0, 1);
    assert!(!s.reasons.iter().any(|r| r.contains("gradient")), "{:?}", s.reasons);
    assert!(s.check_evaluations > 0 && s.check_evaluations * 50 < s.gradient_evaluations);
}
