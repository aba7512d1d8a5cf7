//! The law of every replica, swaps of the right and of the wrong sign, modes that only hot replicas can cross between.

use super::*;
use crate::Stream;
use crate::density::{ComponentConfig, Failure, GaussianMixtureConfig, Target};
use crate::kernel::accept::accept;
use crate::kernel::tests::StandardNormal;
use crate::kernel::{
    KernelConfig, LadderRule, ParallelTemperingConfig, StepRule, StepSize, Tally, mala, random_walk,
};
use crate::proposal::GaussianProposalConfig;

/// Three temperatures 1, 2.5 and 4, fixed.
fn three_levels(kernel: KernelConfig) -> ParallelTemperingConfig {
    ParallelTemperingConfig {
        kernel: Box::new(kernel),
        n_steps: 2,
        n_temperatures: 3,
        max_temperature: 4.0,
        adapt: LadderRule::Fixed,
        ..ParallelTemperingConfig::default()
    }
}

fn step(kernel: &ParallelTempering, target: &dyn Target, chains: &mut Ensemble) -> Vec<Tally> {
    let n_leaves = kernel.leaves().len();
    let mut tallies = vec![Tally::default(); chains.n_chains() * n_leaves];
    let failure = Failure::default();
    let context = Context::new(target, &failure);
    kernel.step(&context, &mut chains.whole(), TallySheet::new(&mut tallies, n_leaves));
    tallies
}

/// How far mean and variance of independent draws are from those of `N(mean, variance)`, in standard errors.
fn largest_z(draws: &[f64], mean: f64, variance: f64) -> f64 {
    let n = draws.len() as f64;
    let first = draws.iter().sum::<f64>() / n - mean;
    let second = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n - variance;
    // Var of a squared deviation is 2 variance^2.
    (first.abs() / (variance / n).sqrt()).max(second.abs() / (variance * (2.0 / n).sqrt()))
}

/// Starts every replica at exact draws from its own law `N(mean_k, variance_k)` and makes three steps.
fn check_gaussian(config: &ParallelTemperingConfig, laws: &[(f64, f64)]) {
    let (target, n) = (StandardNormal(1), 20_000);
    let kernel = config.build(1).unwrap();
    let mut stream = Stream::new(4, 1 << 40);
    let mut draw = |level: usize| laws[level].0 + laws[level].1.sqrt() * stream.normal();
    let starts = Points::from_vec((0..n).map(|_| draw(0)).collect(), 1);
    let mut chains = Ensemble::new(&target, starts, Stream::for_chains(4, n)).unwrap();
    let mut block = chains.whole();
    for row in 0..n {
        let mut replicas = Replicas::at(0, 2, &[0.0], 0.0);
        for slot in 0..2 {
            let x = draw(slot + 1);
            replicas.put(slot, &[x], -0.5 * x * x, None);
        }
        block.keep_replicas(row, replicas);
    }
    let mut swaps = [0; 2];
    for _ in 0..3 {
        for tallies in step(&kernel, &target, &mut chains).chunks(5) {
            swaps[0] += tallies[3].moves;
            swaps[1] += tallies[4].moves;
        }
    }
    assert!(swaps.iter().all(|s| *s > 1000), "{swaps:?}");
    for (level, (mean, variance)) in laws.iter().enumerate() {
        let points = if level == 0 { None } else { chains.replicas(0, level - 1) };
        let draws = points.as_ref().map_or(chains.x().data(), Points::data);
        let z = largest_z(draws, *mean, *variance);
        assert!(z < 5.0, "level {level}: {z:.1} standard errors off");
    }
}

#[test]
fn leaves_say_at_which_temperature_they_work() {
    let kernel = three_levels(random_walk()).build(1).unwrap();
    let found: Vec<_> = kernel.leaves().into_iter().map(|leaf| (leaf.name, leaf.temperature)).collect();
    let expected = [
        ("parallel_tempering.random_walk", None),
        ("parallel_tempering.t1.random_walk", Some(2.5)),
        ("parallel_tempering.t2.random_walk", Some(4.0)),
        ("parallel_tempering.swap_0_1", Some(2.5)),
        ("parallel_tempering.swap_1_2", Some(4.0)),
    ];
    assert_eq!(found, expected.map(|(name, temperature)| (name.to_string(), temperature)));
}

#[test]
fn every_level_keeps_its_law() {
    // pi = N(0, 1): at temperature T it is N(0, T).
    let laws = [(0.0, 1.0), (0.0, 2.5), (0.0, 4.0)];
    check_gaussian(&three_levels(random_walk().step_size(StepSize::from_dt(1.0))), &laws);
    check_gaussian(&three_levels(mala().step_size(StepSize::from_eta(0.4))), &laws);
    let sweep = Sweep::EvenOdd;
    let swaps_often = ParallelTemperingConfig { sweep, ..three_levels(mala()) };
    check_gaussian(&swaps_often, &laws);
}

#[test]
fn every_level_keeps_its_law_around_a_reference() {
    // r = N(2, 9): the precision at 1/T = b is b + (1 - b)/9, the mean (1 - b) 2/9 over that.
    let law = |t: f64| {
        let (b, c) = (1.0 / t, (1.0 - 1.0 / t) / 9.0);
        (2.0 * c / (b + c), 1.0 / (b + c))
    };
    let reference =
        Some(GaussianProposalConfig { mean: vec![2.0], sd: vec![3.0], ..GaussianProposalConfig::default() });
    let kernel = mala().step_size(StepSize::from_eta(0.4));
    let config = ParallelTemperingConfig { reference, ..three_levels(kernel) };
    check_gaussian(&config, &[law(1.0), law(2.5), law(4.0)]);
}

#[test]
fn a_swap_of_the_wrong_sign_is_found() {
    // Exact draws at T = 1 and T = 4, one swap each: the cold ones stay N(0, 1) only with the right ratio.
    let cold_after = |sign: f64| -> Vec<f64> {
        let mut s = Stream::new(9, 0);
        let mut tally = Tally::default();
        let mut swapped = || {
            let (cold, hot) = (s.normal(), 2.0 * s.normal());
            let ratio = swap::log_ratio([1.0, 0.25], [-0.5 * cold * cold, -0.5 * hot * hot]);
            if accept(sign * ratio, &mut s, &mut tally) { hot } else { cold }
        };
        (0..20_000).map(|_| swapped()).collect()
    };
    assert!(largest_z(&cold_after(1.0), 0.0, 1.0) < 5.0);
    assert!(largest_z(&cold_after(-1.0), 0.0, 1.0) > 5.0);
}

/// Two narrow modes with weights 1/3 at -6 and 2/3 at 6.
fn two_modes() -> impl Target {
    let mode =
        |mean, weight| ComponentConfig { mean: vec![mean], weight, scale: Some(1.0), ..Default::default() };
    GaussianMixtureConfig { components: vec![mode(-6.0, 1.0), mode(6.0, 2.0)] }.build().unwrap()
}

/// Share of each chain's draws in the mode at 6, all chains starting in the other.
fn shares(config: &ParallelTemperingConfig) -> (Vec<f64>, ParallelTempering) {
    let (target, n_chains, warmup, n_steps) = (two_modes(), 40, 300, 700);
    let mut kernel = config.build(1).unwrap();
    let starts = Points::from_vec(vec![-6.0; n_chains], 1);
    let mut chains = Ensemble::new(&target, starts, Stream::for_chains(2, n_chains)).unwrap();
    for at in 0..warmup {
        let tallies = step(&kernel, &target, &mut chains);
        let n_leaves = kernel.leaves().len();
        kernel.adapt(Warmup { step: at, total: warmup }, &chains, Tallies::new(&tallies, n_leaves));
    }
    kernel.freeze();
    let mut shares = vec![0.0; n_chains];
    for _ in 0..n_steps {
        step(&kernel, &target, &mut chains);
        for (share, x) in shares.iter_mut().zip(chains.x().data()) {
            *share += f64::from(*x > 0.0) / n_steps as f64;
        }
    }
    (shares, kernel)
}

#[test]
fn modes_far_apart_get_their_weights_from_a_start_in_one() {
    // MALA, since a random walk would learn steps that are as long as the way between the modes.
    let config = ParallelTemperingConfig {
        kernel: Box::new(mala()),
        n_steps: 3,
        max_temperature: 20.0,
        spacing: Spacing::Geometric,
        ..ParallelTemperingConfig::default()
    };
    let (hot, tuned) = shares(&config);
    let n = hot.len() as f64;
    let mean = hot.iter().sum::<f64>() / n;
    let error = (hot.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    assert!((mean - 2.0 / 3.0).abs() < 5.0 * error && error < 0.03, "{mean} +- {error}");
    assert!(tuned.temperatures().windows(2).all(|t| t[1] > t[0]));
    // The same kernel with hardly any temperature does not leave, unless a first step that is too long jumps.
    let cold = ParallelTemperingConfig { max_temperature: 1.1, ..config };
    assert!(shares(&cold).0.iter().sum::<f64>() < 0.1 * n);
}

#[test]
fn a_point_that_another_kernel_moved_the_chain_to_is_the_one_that_is_swapped() {
    // Steps so short that points stay where they are. The chain is taken far down the hill, its replicas are near the top:
    // the chain climbs back by a swap, and the replica now has the point it was moved to.
    let target = StandardNormal(2);
    let mut still = mala().step_size(StepSize::from_eta(1e-30));
    if let KernelConfig::Mala(m) = &mut still {
        m.adapt = StepRule::Fixed;
    }
    let kernel = three_levels(still).build(2).unwrap();
    let start = Points::from_rows(&[[0.1, 0.0]]);
    let mut chains = Ensemble::new(&target, start, Stream::for_chains(1, 1)).unwrap();
    step(&kernel, &target, &mut chains);
    chains.whole().move_to(0, &[30.0, 40.0], -1250.0, None);
    step(&kernel, &target, &mut chains);
    assert!((chains.x().row(0)[0] - 0.1).abs() < 1e-9 && (chains.log_prob()[0] + 0.005).abs() < 1e-9);
    let hottest = chains.replicas(0, 1).unwrap();
    assert!((hottest.row(0)[1] - 40.0).abs() < 1e-9);
}
