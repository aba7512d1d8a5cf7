//! Samplers of a GAN's latents on the oracles: with `G(z) = z` and `d(x) = x - 1/2` the data's law is N(1, 1), with `d` the ratio of
//! N(0, s^2) to N(0, 1) rejection accepts with probability `s`.

use std::sync::Arc;

use super::moments::z;
use mixwell::density::{BaseLaw, DiscriminatorLoss, EvaluationError, LatentPrior, Target, Variable};
use mixwell::gan::LatentTarget;
use mixwell::kernel::*;
use mixwell::net::{Dense, Network, NetworkSpec};
use mixwell::proposal::Gaussian;
use mixwell::sampler::{
    Ddls, DiscriminatorRejection, Flex2, FlowMc, Keep, Method, MhGan, NeutraMethod, RepGan, Run, Sampler,
    Start, ex2,
};
use mixwell::{Batch, BatchMut, Points, Stream};

fn linear(weight: f64, bias: f64) -> Network<f64> {
    Network::with_params(&NetworkSpec::new(&[1]).with(Dense::new(1)), &[weight, bias]).unwrap()
}

/// The law of latents whose score is `slope x - slope^2/2`: N(slope, 1).
fn shifted(slope: f64) -> LatentTarget<f64> {
    let discriminator = linear(slope, -0.5 * slope * slope);
    LatentTarget::new(linear(1.0, 0.0), &discriminator, DiscriminatorLoss::Js, LatentPrior::Normal).unwrap()
}

fn run(target: impl Target + 'static, method: impl Into<Method>, chains: usize, draws: usize) -> Run {
    Sampler::new(target).method(method).start(Start::Base).chains(chains).draws(draws).seed(11).run().unwrap()
}

/// Standard errors between the first two moments of the draws of a latent and those of N(mean, 1). Where every chain gives one draw,
/// these are independent.
fn worst_z(run: &Run, mean: f64) -> f64 {
    let ends = run.draws().unwrap().scalar(mixwell::io::Phase::Production, 0, 1);
    let of = |f: &dyn Fn(f64) -> f64, expected: f64| {
        if ends.len() > run.summary().unwrap().chains {
            return z(run, 0, f, expected).abs();
        }
        let n = ends.len() as f64;
        let average = ends.iter().map(|v| f(*v)).sum::<f64>() / n;
        let variance = ends.iter().map(|v| (f(*v) - average).powi(2)).sum::<f64>() / (n - 1.0);
        (average - expected).abs() / (variance / n).sqrt()
    };
    of(&|v| v, mean).max(of(&|v| (v - mean) * (v - mean), 1.0))
}

/// Every exact method, and those whose bias is below what the draws can tell.
fn methods() -> Vec<(&'static str, Method, usize, usize)> {
    let isir_of_the_prior =
        IsirConfig { n_particles: 8, proposal: ProposalConfig::Base, ..IsirConfig::default() };
    let global = KernelConfig::Isir(isir_of_the_prior.clone());
    let tau = StepSize::from_tau(1.0);
    vec![
        ("repgan", RepGan { step_size: tau, keep: Keep::All, ..RepGan::default() }.into(), 40, 1500),
        ("repgan, last", RepGan { step_size: tau, chain_length: 60, ..RepGan::default() }.into(), 4000, 1),
        ("mh_gan", MhGan { chain_length: 60, ..MhGan::default() }.into(), 4000, 1),
        ("isir", global.warmup(10).into(), 40, 800),
        ("ex2", ex2().global(isir_of_the_prior).local(mala()).local_steps(2).warmup(300).into(), 40, 800),
        ("flex2", Flex2 { train_iterations: 60, ..Flex2::default() }.into(), 40, 500),
        ("flowmc", FlowMc { training_loops: 3, ..FlowMc::default() }.into(), 40, 500),
        ("neutra", NeutraMethod { training_loops: 3, ..NeutraMethod::default() }.into(), 40, 500),
        ("nuts", nuts().warmup(300).into(), 20, 500),
        ("tempering", parallel_tempering(mala()).warmup(300).into(), 20, 800),
    ]
}

#[test]
fn every_method_returns_the_law_of_the_data() {
    for (name, method, chains, draws) in methods() {
        let run = run(shifted(1.0), method, chains, draws);
        let worst = worst_z(&run, 1.0);
        assert!(worst < 5.0, "{name}: {worst} standard errors");
        // The generated points lie beside the latents.
        let draws = run.draws().unwrap();
        let at = |k| draws.scalar(mixwell::io::Phase::Production, k, 1);
        assert_eq!(at(0), at(1), "{name}");
    }
}

/// The same checks must find a sampler that aims at another law: the sign of the score exchanged, or the prior forgotten.
#[test]
fn wrong_scores_are_found_out() {
    for (name, method, chains, draws) in methods().into_iter().take(4) {
        let worst = worst_z(&run(shifted(-1.0), method.clone(), chains, draws), 1.0);
        assert!(worst > 20.0, "{name}: a reversed score is not found ({worst})");
        let worst = worst_z(&run(shifted(1.0).with_kappa(1.2).unwrap(), method, chains, draws), 1.0);
        assert!(worst > 5.0, "{name}: another temperature is not found ({worst})");
    }
}

/// ULA's law for a Gaussian of variance 1: mean right, variance `1 / (1 - tau/4)`.
#[test]
fn ddls_has_the_bias_of_its_step() {
    let tau = 1.0;
    let ddls = Ddls { step_size: StepSize::from_tau(tau), keep: Keep::All, ..Ddls::default() };
    let run = run(shifted(1.0), ddls, 40, 3000);
    assert!(z(&run, 0, |v| v, 1.0).abs() < 5.0);
    let square = |v: f64| (v - 1.0) * (v - 1.0);
    assert!(z(&run, 0, square, 1.0 / (1.0 - tau / 4.0)).abs() < 5.0);
    assert!(z(&run, 0, square, 1.0).abs() > 5.0);
    assert!(run.summary().unwrap().warnings.iter().any(|w| w.contains("BIASED")));
}

/// `2 Phi(-1/sqrt 2)` on average over N(1, 1), where the chain begins if it begins at data.
#[test]
fn mh_gan_accepts_as_it_must() {
    struct WithData(LatentTarget<f64>, Vec<f64>);
    impl Target for WithData {
        fn dim(&self) -> usize {
            1
        }
        fn evaluate(
            &self,
            x: Batch<'_>,
            out: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            self.0.evaluate(x, out, grad)
        }
        fn base(&self) -> Option<BaseLaw<'_>> {
            Some(BaseLaw { data_log_weights: &self.1, ..self.0.base().unwrap() })
        }
    }
    let mut stream = Stream::new(5, 0);
    let data: Vec<f64> = (0..2000).map(|_| 1.0 + stream.normal() - 0.5).collect();
    let of = |run: &Run| {
        let summary = run.summary().unwrap();
        let a = &summary.acceptance["independent_chain"];
        (a.acceptance_rate, a.fallbacks)
    };
    let (rate, fell_back) = of(&run(WithData(shifted(1.0), data), MhGan::default(), 400, 4));
    assert!((rate - 0.4795).abs() < 0.005, "{rate}");
    assert_eq!(fell_back, 0);
    // A chain of two that begins far out in the data: as a rule nothing is accepted, and it begins again.
    let short = MhGan { chain_length: 2, ..MhGan::default() };
    let far = run(WithData(shifted(1.0), vec![9.0]), short.clone(), 400, 4);
    assert!(of(&far).1 > 1500, "{}", of(&far).1);
    // Two proposals are not enough for the law of the data, and the check says so.
    assert!(worst_z(&run(shifted(1.0), short, 4000, 1), 1.0) > 5.0);
}

/// N(0, s^2) by rejection from N(0, 1).
struct Scaled(f64, Gaussian);

impl Target for Scaled {
    fn dim(&self) -> usize {
        1
    }
    fn evaluate(
        &self,
        x: Batch<'_>,
        out: &mut [f64],
        _: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        for (x, out) in x.data().iter().zip(out) {
            *out = -0.5 * (x / self.0).powi(2) - (self.0 * (2.0 * std::f64::consts::PI).sqrt()).ln();
        }
        Ok(())
    }
    fn has_gradient(&self) -> bool {
        false
    }
    fn base(&self) -> Option<BaseLaw<'_>> {
        Some(BaseLaw::new(&self.1))
    }
    fn variables(&self) -> Vec<Variable> {
        vec![Variable::new("x", &[1])]
    }
}

#[test]
fn rejection_accepts_at_the_rate_of_the_bound() {
    let s = 0.5;
    let target = || Scaled(s, Gaussian::standard(1));
    let acceptance = |run: &Run| run.summary().unwrap().acceptance["rejection"].clone();
    // The bound known, ln(1/s), and learned: the largest of thousands of candidates, from below.
    for log_bound in [Some(-s.ln()), None] {
        let kernel = RejectionConfig { log_bound, batch: 16, ..RejectionConfig::default() };
        let run = run(target(), KernelConfig::Rejection(kernel).warmup(50), 100, 100);
        let a = acceptance(&run);
        assert!((a.acceptance_rate - s).abs() < 0.01, "{a:?}");
        let tries = a.tries as f64;
        assert!((a.move_rate - s).abs() < 5.0 * (s * (1.0 - s) / tries).sqrt() + 0.002, "{a:?}");
        assert!(z(&run, 0, |v| v, 0.0).abs() < 5.0 && z(&run, 0, |v| v * v, s * s).abs() < 5.0);
    }
    // A bound that is too small shows in the draws, and in the count of weights above it.
    let low = RejectionConfig { log_bound: Some(-1.0), ..RejectionConfig::default() };
    let run_low = run(target(), KernelConfig::Rejection(low).warmup(0), 100, 100);
    assert!(z(&run_low, 0, |v| v * v, s * s).abs() > 5.0 && acceptance(&run_low).fallbacks > 1000);
    // One that is too large gives up often, and says so.
    let high = RejectionConfig { log_bound: Some(9.0), candidates: 64, ..RejectionConfig::default() };
    let run_high = run(target(), KernelConfig::Rejection(high).warmup(0), 100, 20);
    assert!(acceptance(&run_high).fallbacks > 1900);
    // The published percentile keeps the best twentieth: narrower than the law.
    let published = run(target(), DiscriminatorRejection { pilot: 20, ..Default::default() }, 100, 40);
    assert!(z(&published, 0, |v| v * v, s * s) < -5.0);
}

/// Equation 9 of REP-GAN, written out, is what MALA accepts by.
#[test]
fn repgan_is_mala() {
    let tau = 0.3;
    let generator = NetworkSpec::dense(3, &[9], 4, mixwell::net::Activation::Swish);
    let discriminator = NetworkSpec::dense(4, &[9], 1, mixwell::net::Activation::Swish);
    let init = mixwell::net::Init::Uniform;
    let generator = Network::<f64>::new(&generator, init, &mut Stream::new(1, 0)).unwrap();
    let discriminator = Network::new(&discriminator, init, &mut Stream::new(2, 0)).unwrap();
    let target =
        LatentTarget::new(generator, &discriminator, DiscriminatorLoss::Js, LatentPrior::Normal).unwrap();
    let (n, dim) = (200, 3);
    let mut start = Points::zeros(n, dim);
    Stream::new(3, 0).fill_normal(start.data_mut());
    let kernel = KernelConfig::Mala(MalaConfig {
        step_size: StepSize::from_tau(tau),
        adapt: StepRule::Fixed,
        ..MalaConfig::default()
    });
    let mut chains = Chains::new(&target, start.clone(), 7).unwrap();
    chains.step(&*kernel.build(dim).unwrap(), &target).unwrap();
    let score = |z: &[f64]| {
        let (mut d, mut g) = ([0.0], vec![0.0; dim]);
        target.score().evaluate(Batch::new(z, dim), &mut d, Some(BatchMut::new(&mut g, dim)));
        // The gradient of log p0 + d.
        g.iter_mut().zip(z).for_each(|(g, z)| *g -= z);
        (d[0], g)
    };
    let log_prior = |z: &[f64]| -0.5 * z.iter().map(|v| v * v).sum::<f64>();
    let log_q = |to: &[f64], from: &[f64], g: &[f64]| {
        let residual = to.iter().zip(from).zip(g).map(|((t, f), g)| t - f - 0.5 * tau * g);
        -residual.map(|r| r * r).sum::<f64>() / (2.0 * tau)
    };
    let (mut compared, mut streams) = (0, Stream::for_chains(7, n));
    for (row, tally) in chains.tallies().iter().enumerate() {
        let (z, mut noise) = (start.row(row), vec![0.0; dim]);
        streams[row].fill_normal(&mut noise);
        let (d, g) = score(z);
        let to: Vec<f64> = (0..dim).map(|i| z[i] + 0.5 * tau * g[i] + tau.sqrt() * noise[i]).collect();
        let (d_to, g_to) = score(&to);
        let log_a = (log_prior(&to) - log_prior(z)) + (log_q(z, &to, &g_to) - log_q(&to, z, &g)) + (d_to - d);
        let error = (tally.accept_prob - log_a.min(0.0).exp()).abs();
        assert!(error < 1e-12, "chain {row}: {} and {log_a}", tally.accept_prob);
        compared += usize::from(log_a < 0.0);
    }
    assert!(compared > 20, "{compared}");
}

/// What a run needs and has not got is told before the first step.
#[test]
fn a_target_without_a_base_is_refused() {
    let gaussian = mixwell::density::StandardGaussianConfig { dim: 1, ..Default::default() }.build().unwrap();
    let sampler = || Sampler::new(Arc::new(gaussian.clone())).chains(2).draws(2);
    let error = sampler().method(MhGan::default()).run().err().unwrap().to_string();
    assert!(error.contains("without a base"), "{error}");
    let error = sampler().method(nuts()).start(Start::Base).run().err().unwrap().to_string();
    assert!(error.contains("start.kind"), "{error}");
}
