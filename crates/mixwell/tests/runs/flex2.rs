//! FlEx2MCMC on targets of which moments are known: every check is a z-test at 5 Monte Carlo standard errors.
//!
//! Banana: `x_even ~ N(0, 25)`, `x_odd = y + 0.02 (x_even^2 - 25)`: means 0, variances 25 and 1 + 2 * 0.0004 * 625 = 1.5.
//! Funnel: `v ~ N(0, 4)`, `x_i ~ N(0, e^v)`. Squares of `x_i` have too heavy a tail for a z-test (the variance of `x^2`
//! is `3 e^8 - e^4`, met once in thousands of draws), so masses of tails are tested instead.

use mixwell::density::{BananaConfig, FunnelConfig, Target, TwoModesConfig};
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::kernel::{IsirConfig, KernelConfig, MalaConfig};
use mixwell::math::normal_cdf;
use mixwell::sampler::{Flex2, KernelMethod, Method, Run, Sampler, Start};

use super::moments::z;

fn flex2(target: impl Target + 'static, start: Start, train_iterations: usize, draws: usize) -> Run {
    let global = IsirConfig { n_particles: 32, ..IsirConfig::default() };
    Sampler::new(target)
        .method(Method::Flex2(Flex2 { global, train_iterations, ..Flex2::default() }))
        .flow(FlowConfig::Realnvp(RealNvpConfig { hidden: vec![32, 32], ..RealNvpConfig::default() }))
        .configure(|c| c.training.learning_rate = 3e-3)
        .start(start)
        .draws(draws)
        .seed(1)
        .run()
        .unwrap()
}

/// `P(|x_i| > c)` in the funnel: the mean over `v ~ N(0, 4)` of `2 Phi(-c e^{-v/2})`.
fn funnel_tail(c: f64) -> f64 {
    let h = 0.02;
    (-800..=800)
        .map(|k| {
            let v = f64::from(k) * h;
            let weight = (-v * v / 8.0).exp() / (4.0 * std::f64::consts::TAU).sqrt() * h;
            weight * 2.0 * normal_cdf(-c * (-v / 2.0).exp())
        })
        .sum()
}

#[test]
fn banana_in_20_dimensions() {
    let run = flex2(
        BananaConfig { dim: 20, ..BananaConfig::default() }.build().unwrap(),
        Start::default(),
        400,
        600,
    );
    let summary = run.summary().unwrap();
    println!("{:?}\n{:?}", summary.acceptance, summary.reasons);
    let mut worst: f64 = 0.0;
    for i in 0..20 {
        let variance = if i % 2 == 0 { 25.0 } else { 1.5 };
        let (first, second) = (z(&run, i, |x| x, 0.0), z(&run, i, |x| x * x, variance));
        println!("x[{i}]: mean off by {first:.2}, square by {second:.2} standard errors");
        worst = worst.max(first.abs()).max(second.abs());
    }
    assert!(worst < 5.0, "{worst}");
    assert!(summary.parameters.iter().all(|p| p.summary.rhat < 1.02));
    // The check has power: a standard deviation wrong by a fifth is seen.
    let power = z(&run, 0, |x| x * x, 36.0);
    assert!(power.abs() > 5.0, "{power}");
}

#[test]
fn funnel_in_10_dimensions() {
    let run = flex2(
        FunnelConfig { dim: 10, ..FunnelConfig::default() }.build().unwrap(),
        Start::default(),
        500,
        1000,
    );
    let summary = run.summary().unwrap();
    println!("{:?}\n{:?}", summary.acceptance, summary.reasons);
    let mut all = vec![("v", z(&run, 0, |v| v, 0.0)), ("v^2", z(&run, 0, |v| v * v, 4.0))];
    // P(v < -2) = P(v > 2) = Phi(-1); P(v < -3) = Phi(-1.5).
    all.push(("v < -2", z(&run, 0, |v| f64::from(v < -2.0), normal_cdf(-1.0))));
    all.push(("v > 2", z(&run, 0, |v| f64::from(v > 2.0), normal_cdf(-1.0))));
    all.push(("v < -3", z(&run, 0, |v| f64::from(v < -3.0), normal_cdf(-1.5))));
    for i in 1..10 {
        all.push(("x", z(&run, i, |x| x, 0.0)));
        for c in [0.1, 1.0, 3.0] {
            all.push(("|x| > c", z(&run, i, |x| f64::from(x.abs() > c), funnel_tail(c))));
        }
    }
    println!("{all:.2?}");
    let worst = all.iter().map(|a| a.1.abs()).fold(0.0, f64::max);
    assert!(worst < 5.0, "{all:?}");
}

#[test]
fn weights_of_two_modes_need_global_moves() {
    let target = || TwoModesConfig::default().build().unwrap();
    let weight = |run: &Run| {
        let summary = run.summary().unwrap();
        (summary.mode_weights.clone().unwrap()[0], summary.mode_weight_errors.clone().unwrap()[0])
    };
    // Ten chains start in each mode.
    let start = Start::Modes { jitter: 0.1 };
    let run = flex2(target(), start.clone(), 200, 500);
    let (with, error) = weight(&run);
    let mala =
        KernelMethod { kernel: Box::new(KernelConfig::Mala(MalaConfig::default())), warmup: 500, frozen: 0 };
    let run =
        Sampler::new(target()).method(Method::Kernel(mala)).start(start).draws(500).seed(1).run().unwrap();
    let (without, _) = weight(&run);
    println!("weight of the first mode: FlEx2 {with:.3} +- {error:.3}, MALA {without:.3}, exact 0.333");
    assert!((with - 1.0 / 3.0).abs() < 5.0 * error && error < 0.02, "{with} +- {error}");
    // Without a flow a chain stays where it started, and the verdict says so.
    assert_eq!(without, 0.5);
    assert!(!run.summary().unwrap().converged);
}
