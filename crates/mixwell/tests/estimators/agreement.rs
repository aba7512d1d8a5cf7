//! Four estimators on four targets: each within four of its own standard errors of the exact value.

use mixwell::density::*;
use mixwell::estimate::*;
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::proposal::GaussianProposalConfig;
use mixwell::train::TrainingConfig;

/// A Gaussian with the exact moments, a little wider.
fn base(target: &dyn Target) -> GaussianProposalConfig {
    let facts = target.facts();
    let sd = facts.variance.unwrap().iter().map(|v| 1.3 * v.sqrt()).collect();
    GaussianProposalConfig { mean: facts.mean.unwrap(), sd, ..Default::default() }
}

fn agree(name: &str, target: &dyn Target) {
    let exact = target.facts().log_evidence.unwrap();
    let base = base(target);
    let flow = FlowConfig::Realnvp(RealNvpConfig { hidden: vec![16], ..Default::default() });
    let training = TrainingConfig { learning_rate: 5e-3, ..Default::default() };
    let estimators = [
        EstimatorConfig::Importance(ImportanceConfig {
            draws: 4000,
            proposal: base.clone(),
            ..Default::default()
        }),
        EstimatorConfig::AdaptiveImportance(AdaptiveImportanceConfig {
            rounds: 15,
            round_draws: 300,
            steps: 10,
            draws: 2000,
            initial: base.clone(),
            ..Default::default()
        }),
        EstimatorConfig::Annealed(AnnealedConfig {
            chains: 300,
            ladder: LadderConfig::Linear { rungs: 20 },
            pilot: 60,
            base: base.clone(),
            ..Default::default()
        }),
        EstimatorConfig::Sequential(SequentialConfig { particles: 200, base, ..Default::default() }),
    ];
    for estimator in estimators {
        let options = Options { seed: 11, ..Options::default() };
        let e = estimator.estimate(&flow, &training, target, &options).unwrap();
        let z = (e.log_evidence.value - exact) / e.log_evidence.standard_error;
        assert!(
            z.abs() < 4.0,
            "{} on {name}: {z:.2} standard errors, {:?}",
            estimator.kind(),
            e.log_evidence
        );
        assert!(e.log_evidence.standard_error < 0.2, "{} on {name}: {:?}", estimator.kind(), e.log_evidence);
        if estimator.kind() == "adaptive_importance" {
            let first = e.rounds[0].ess_share;
            assert!(e.ess_share > first.min(0.5), "{name}: the flow learnt nothing, {first} {}", e.ess_share);
        }
    }
}

#[test]
fn on_a_gaussian() {
    agree("gaussian", &StandardGaussianConfig { dim: 5, mean: 1.0, scale: 0.5 }.build().unwrap());
}

#[test]
fn on_a_banana() {
    agree("banana", &BananaConfig { dim: 4, ..Default::default() }.build().unwrap());
}

#[test]
fn on_a_funnel() {
    agree("funnel", &FunnelConfig { dim: 4, a: 1.0, ..Default::default() }.build().unwrap());
}

#[test]
fn on_a_mixture() {
    agree("mixture", &ThreeModesConfig::default().build().unwrap());
}
