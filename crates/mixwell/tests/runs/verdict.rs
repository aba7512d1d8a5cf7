//! Runs whose draws are wrong while R-hat and ESS are content, and what the verdict says of them.

use mixwell::density::{
    EightSchoolsConfig, NoData, Parametrisation, StandardGaussianConfig, TargetConfig, from_fn_with_grad,
};
use mixwell::kernel::{IsirConfig, KernelConfig, MalaConfig, NutsConfig, StepRule, StepSize};
use mixwell::sampler::{Flex2, KernelMethod, Method, Sampler, Start, Summary};

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
