//! Chains that all start in one quadrant of the dual moon: flowMC with parallel tempering as its local kernel finds all four.
//!
//! By symmetry every quadrant has weight 1/4. With MALA as local kernel the flow learns only where chains have been.

use mixwell::density::DualMoonConfig;
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::kernel::{KernelConfig, MalaConfig, MetricKind, ParallelTemperingConfig};
use mixwell::sampler::{FlowMc, Method, Run, Sampler, Start};

fn run(local: KernelConfig, local_steps: usize) -> Run {
    let method = FlowMc {
        local: Box::new(local),
        local_steps,
        training_loops: 12,
        epochs: 4,
        frozen: 30,
        ..FlowMc::default()
    };
    Sampler::new(DualMoonConfig::default().build().unwrap())
        .method(Method::Flowmc(method))
        .flow(FlowConfig::Realnvp(RealNvpConfig { hidden: vec![24, 24], ..RealNvpConfig::default() }))
        .configure(|c| c.training.learning_rate = 5e-3)
        .start(Start::Points { points: vec![vec![-1.3, -1.5, 0.0, 0.1, -0.1]] })
        .chains(16)
        .draws(600)
        .seed(2)
        .run()
        .unwrap()
}

fn mala() -> KernelConfig {
    KernelConfig::Mala(MalaConfig { metric: MetricKind::Diagonal, ..MalaConfig::default() })
}

#[test]
fn tempering_finds_all_quadrants_from_a_start_in_one() {
    let tempered = ParallelTemperingConfig { kernel: Box::new(mala()), ..ParallelTemperingConfig::default() };
    let run = run(KernelConfig::ParallelTempering(tempered), 20);
    let summary = run.summary().unwrap();
    let (weights, errors) =
        (summary.mode_weights.clone().unwrap(), summary.mode_weight_errors.clone().unwrap());
    println!("weights {weights:?} +- {errors:?}\n{:#?}", summary.acceptance);
    for (weight, error) in weights.iter().zip(&errors) {
        assert!((weight - 0.25).abs() < 5.0 * error && *error < 0.03, "{weights:?} +- {errors:?}");
    }
    let swaps = &summary.acceptance["parallel_tempering.swap_0_1"];
    assert!(swaps.role == "swap" && swaps.acceptance_rate > 0.1, "{swaps:?}");
    assert_eq!(summary.acceptance["parallel_tempering.t4.mala"].role, "replica");
}

#[test]
fn mala_leaves_quadrants_out() {
    // As many moves of the chain itself.
    let weights = run(mala(), 100).summary().unwrap().mode_weights.clone().unwrap();
    println!("MALA: {weights:?}");
    assert!(weights.iter().any(|w| (w - 0.25).abs() > 0.1), "{weights:?}");
}
