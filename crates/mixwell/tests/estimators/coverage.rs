//! Errors are honest: over 200 seeds, between 90 % and 99 % of the 95 % intervals hold the exact value.

use mixwell::density::{BananaConfig, Target};
use mixwell::estimate::*;
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::proposal::{Defensive, GaussianProposalConfig};
use mixwell::train::TrainingConfig;

use crate::world::{covered, gaussian, is_honest};

fn options(seed: u64) -> Options {
    Options { seed, ..Options::default() }
}

fn wide() -> GaussianProposalConfig {
    GaussianProposalConfig { sd: vec![1.5], ..Default::default() }
}

fn assert_honest(exact: f64, estimate: impl Fn(u64) -> LogEvidence) {
    let n = covered(exact, estimate);
    assert!(is_honest(n), "{n} of 200 intervals hold the exact value");
}

#[test]
fn of_importance_sampling() {
    let (target, exact) = gaussian(&[0.7, 1.2]);
    let is = ImportanceConfig { draws: 300, proposal: wide(), ..Default::default() };
    assert_honest(exact, |seed| is.estimate(&target, &options(seed)).unwrap().log_evidence);
}

#[test]
fn of_importance_sampling_with_few_draws() {
    let (target, exact) = gaussian(&[0.7, 1.2]);
    let is = ImportanceConfig { draws: 30, proposal: wide(), ..Default::default() };
    assert_honest(exact, |seed| is.estimate(&target, &options(seed)).unwrap().log_evidence);
}

/// The flow must be trained well enough for its tails: weights of which one in three hundred is ten times the others cannot be
/// judged by three hundred draws, whatever the interval.
#[test]
fn of_a_trained_flow() {
    let target = BananaConfig { dim: 2, ..Default::default() }.build().unwrap();
    let exact = target.facts().log_evidence.unwrap();
    let adaptive = AdaptiveImportanceConfig {
        rounds: 25,
        round_draws: 400,
        steps: 20,
        initial: GaussianProposalConfig { sd: vec![6.0, 2.0], ..Default::default() },
        ..Default::default()
    };
    let config = FlowConfig::Realnvp(RealNvpConfig { hidden: vec![16], ..Default::default() });
    let training = TrainingConfig { learning_rate: 5e-3, ..Default::default() };
    let (first, flow) = adaptive.estimate(&config, &training, &target, &options(1)).unwrap();
    assert!(first.ess_share > 0.5, "{first:?}");
    let initial = adaptive.initial.build(2).unwrap();
    let proposal = Defensive::new(&flow, &initial, adaptive.defensive);
    assert_honest(exact, |seed| {
        importance(&target, &proposal, 1000, false, &options(seed)).unwrap().log_evidence
    });
}

#[test]
fn of_annealed_importance_sampling() {
    let (target, exact) = gaussian(&[0.5, 1.2]);
    let ais = AnnealedConfig {
        chains: 100,
        pilot: 40,
        ladder: LadderConfig::Linear { rungs: 6 },
        base: wide(),
        ..Default::default()
    };
    assert_honest(exact, |seed| ais.estimate(&target, &options(seed)).unwrap().log_evidence);
}

#[test]
fn of_selection_among_annealed_paths() {
    let (target, exact) = gaussian(&[0.5, 1.2]);
    let ais = AnnealedConfig {
        chains: 6,
        pilot: 40,
        ladder: LadderConfig::Linear { rungs: 4 },
        base: wide(),
        selection: Selection::Isir { n_particles: 4, steps: 5, conditional: true },
        ..Default::default()
    };
    assert_honest(exact, |seed| ais.estimate(&target, &options(seed)).unwrap().log_evidence);
}

#[test]
fn of_sequential_monte_carlo() {
    let (target, exact) = gaussian(&[0.4, 1.2]);
    let smc = SequentialConfig {
        particles: 100,
        replicates: 6,
        moves: 2,
        ladder: LadderConfig::Adaptive { ess: 0.7 },
        base: wide(),
        ..Default::default()
    };
    assert_honest(exact, |seed| smc.estimate(&target, &options(seed)).unwrap().log_evidence);
}
