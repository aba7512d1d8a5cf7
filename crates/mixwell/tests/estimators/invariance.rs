//! The same seed gives the same estimate and draws, whatever the threads and the size of batches.

use mixwell::density::TwoModesConfig;
use mixwell::estimate::*;
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::on_threads;
use mixwell::train::TrainingConfig;

#[test]
fn estimates_do_not_depend_on_threads_or_batches() {
    let target = TwoModesConfig { variances: [0.5, 0.3], ..Default::default() }.build().unwrap();
    let selection = Selection::Isir { n_particles: 3, steps: 4, conditional: true };
    let ladder = LadderConfig::Linear { rungs: 4 };
    let annealed = AnnealedConfig { chains: 150, pilot: 30, ladder, ..Default::default() };
    let estimators = [
        EstimatorConfig::Importance(ImportanceConfig { draws: 500, smooth: true, ..Default::default() }),
        EstimatorConfig::AdaptiveImportance(AdaptiveImportanceConfig {
            rounds: 3,
            round_draws: 150,
            steps: 2,
            draws: 300,
            ..Default::default()
        }),
        EstimatorConfig::Annealed(annealed.clone()),
        EstimatorConfig::Annealed(AnnealedConfig { chains: 10, selection, ..annealed }),
        EstimatorConfig::Sequential(SequentialConfig { particles: 150, replicates: 2, ..Default::default() }),
    ];
    let flow = FlowConfig::Realnvp(RealNvpConfig { hidden: vec![8], ..Default::default() });
    let training = TrainingConfig::default();
    for estimator in estimators {
        let of = |threads, rows| {
            let options = Options { seed: 2, max_batch_rows: rows, keep_draws: true };
            let e = on_threads(Some(threads), || estimator.estimate(&flow, &training, &target, &options));
            let e = e.unwrap().unwrap();
            let draws = e.weighted.clone().unwrap();
            let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            (serde_json::to_string(&e).unwrap(), bits(draws.x().data()), bits(draws.log_weights()))
        };
        let one = of(1, 16_384);
        for (threads, rows) in [(3, 16_384), (2, 1), (3, 13)] {
            assert!(of(threads, rows) == one, "{}: {threads} threads, batches of {rows}", estimator.kind());
        }
    }
}
