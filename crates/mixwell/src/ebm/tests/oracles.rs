//! `d = 1`, base `N(0, 1)`, `E = theta x^2 / 2`, data of variance `v = 1/2`: maximum likelihood is `theta = 1/v - 1 = 1` with
//! `log Z = -ln(1 + theta) / 2`. Every trainer with negatives of the model's law must get there, by a z-test at five standard errors
//! of the mean over its updates; ULA must be off by its known bias.
//!
//! Batches hold all data, so only negatives are random. Learning rates are small: around the optimum theta fluctuates with a variance
//! of about 1e-4, and its mean is off by half of that, below the standard errors.

use std::sync::Arc;

use super::Quadratic;
use crate::Points;
use crate::density::Target;
use crate::diagnostics::{Draws, mcse_mean};
use crate::ebm::*;
use crate::estimate::{Options, importance};
use crate::flow::{Flow, FlowConfig, GaussianFlowConfig, WhiteningMode};
use crate::kernel::{KernelConfig, MalaConfig, StepRule, StepSize, UlaConfig};
use crate::net::OptimiserConfig;
use crate::proposal::Gaussian;
use crate::{Stream, math};

/// Rows of data, all in every batch.
pub(super) const ROWS: usize = 512;

/// Two points of variance 1/2: all that maximum likelihood of a quadratic looks at.
pub(super) fn two_points() -> TrainingData {
    let x = 0.5f64.sqrt();
    TrainingData::new(Points::from_vec((0..ROWS).map(|i| if i % 2 == 0 { x } else { -x }).collect(), 1))
        .unwrap()
}

/// Quantiles of `N(0, 1/2)`, scaled to that variance: for trainers that look at the whole law.
pub(super) fn quantiles() -> TrainingData {
    let n = 4 * ROWS;
    let mut x: Vec<f64> = (0..n).map(|i| math::normal_quantile((i as f64 + 0.5) / n as f64)).collect();
    let variance = x.iter().map(|x| x * x).sum::<f64>() / n as f64;
    x.iter_mut().for_each(|x| *x *= (0.5 / variance).sqrt());
    TrainingData::new(Points::from_vec(x, 1)).unwrap()
}

/// The flow that is the identity.
pub(super) fn identity() -> Flow {
    let config = FlowConfig::Gaussian(GaussianFlowConfig { whitening: WhiteningMode::None });
    Flow::new(&config, 1, &mut Stream::new(0, 0)).unwrap()
}

pub(super) fn mala(eta: f64) -> KernelConfig {
    let step_size = StepSize::from_eta(eta);
    KernelConfig::Mala(MalaConfig { step_size, adapt: StepRule::Fixed, ..MalaConfig::default() })
}

pub(super) fn small_bank() -> BankConfig {
    BankConfig { size: 0, ..BankConfig::default() }
}

pub(super) fn training(
    trainer: TrainerConfig,
    data: TrainingData,
    flow: Option<Flow>,
) -> Training<Quadratic> {
    let optimiser = OptimiserConfig { learning_rate: 2e-3, clip_norm: 0.0, ..OptimiserConfig::default() };
    let settings = TrainingSettings {
        trainer,
        batch: data.rows(),
        regulariser: Regulariser { strength: 0.0, ..Regulariser::default() },
        optimiser,
        ..TrainingSettings::default()
    };
    let model = EnergyModel::new(Quadratic::new(0.0));
    let model = match &flow {
        Some(flow) => model.with_base(Arc::new(flow.clone())).unwrap(),
        None => model.with_base(Arc::new(Gaussian::standard(1))).unwrap(),
    };
    Training::new(settings, model, data, flow, 5).unwrap()
}

/// Mean of theta over `keep` updates after as many others as it takes to come near, and its standard error.
pub(super) fn settle(training: &mut Training<Quadratic>, burn: usize, keep: usize) -> (f64, f64) {
    for _ in 0..burn {
        training.update().unwrap();
    }
    let trace: Vec<f64> = (0..keep)
        .map(|_| {
            training.update().unwrap();
            training.model().energy().theta()
        })
        .collect();
    (trace.iter().sum::<f64>() / keep as f64, mcse_mean(Draws::new(&trace, 1)))
}

/// How many standard errors a training ends up away from `theta`.
pub(super) fn z(training: &mut Training<Quadratic>, theta: f64) -> f64 {
    let (mean, error) = settle(training, 5000, 3000);
    // An error too large to tell anything, or too small to be believed, is no success.
    assert!(error < 0.02, "standard error {error}");
    (mean - theta) / error.max(2e-4)
}

fn converges(trainer: TrainerConfig, data: TrainingData, flow: Option<Flow>) {
    let name = trainer.kind();
    let mut training = training(trainer, data, flow);
    let z = z(&mut training, 1.0);
    assert!(z.abs() < 5.0, "{name}: theta is off by {z} standard errors");
    assert!(training.events().is_empty(), "{:?}", training.events());
    // log Z by importance sampling from the base, against the closed form at the theta that was reached.
    let theta = training.model().energy().theta();
    let exact = -0.5 * (1.0 + theta).ln();
    if let Some(own) = training.log_evidence() {
        // That of walkers goes astray with every resampling.
        let far = if name == "jarzynski" { f64::INFINITY } else { 0.06 };
        assert!((own - exact).abs() < far, "{name}: log Z {own} and {exact}");
    }
    let model = training.into_model();
    let options = Options { seed: 3, ..Options::default() };
    let estimate = importance(&model, &Gaussian::standard(1), 20_000, false, &options).unwrap().log_evidence;
    assert!((estimate.value - exact).abs() < 5.0 * estimate.standard_error, "{name}: {estimate:?}");
}

#[test]
fn persistent_chains_of_an_exact_kernel_converge() {
    let trainer = UlaTrainer { kernel: mala(0.3), steps: 5, bank: small_bank(), ..UlaTrainer::default() };
    converges(TrainerConfig::Ula(trainer), two_points(), None);
}

#[test]
fn a_large_bank_with_restarts_and_spaced_states_converges() {
    let trainer = UlaTrainer {
        kernel: mala(0.3),
        steps: 8,
        negatives: Selection::Spaced { states: 2 },
        bank: BankConfig { size: 1000, ..BankConfig::default() },
        ..UlaTrainer::default()
    };
    converges(TrainerConfig::Ula(trainer), two_points(), None);
}

#[test]
fn flowmc_converges() {
    let trainer = FlowMcTrainer {
        particles: 8,
        local: mala(0.3),
        local_after: 2,
        steps: 3,
        bank: small_bank(),
        train_flow: false,
        ..FlowMcTrainer::default()
    };
    converges(TrainerConfig::FlowMc(trainer), two_points(), Some(identity()));
}

#[test]
fn chains_in_latent_space_converge() {
    let trainer = NtTrainer { steps: 3, chains: ROWS, ..NtTrainer::default() };
    converges(TrainerConfig::Nt(trainer), two_points(), Some(identity()));
}

#[test]
fn walkers_converge_although_their_steps_are_long() {
    let trainer = JarzynskiTrainer {
        walkers: 4 * ROWS,
        step_size: StepSize::from_eta(0.2),
        steps: 2,
        ..JarzynskiTrainer::default()
    };
    converges(TrainerConfig::Jarzynski(trainer), two_points(), None);
}

#[test]
fn noise_contrast_converges_with_its_evidence() {
    let trainer = || TrainerConfig::Nce(NceTrainer::default());
    converges(trainer(), quantiles(), Some(identity()));
    // b = -log Z = .34657 at the optimum.
    let mut training = training(trainer(), quantiles(), None);
    for _ in 0..5000 {
        training.update().unwrap();
    }
    let trace: Vec<f64> = (0..3000).map(|_| training.update().unwrap().log_evidence.unwrap()).collect();
    let mean = trace.iter().sum::<f64>() / 3000.0;
    let error = mcse_mean(Draws::new(&trace, 1)).max(1e-4);
    assert!((mean + 0.346_574).abs() < 5.0 * error && error < 0.01, "{mean} {error}");
}

#[test]
fn scores_converge_to_the_data_or_to_their_blur() {
    // Sliced: lambda = 1 + theta minimises lambda^2 v / 2 - lambda, so lambda = 1/v.
    let sliced = ScoreTrainer { method: ScoreMethod::Sliced { width: 0.02 } };
    let z_sliced = z(&mut training(TrainerConfig::Score(sliced), two_points(), None), 1.0);
    assert!(z_sliced.abs() < 5.0, "{z_sliced}");
    // Denoising at sigma = .5: the blurred data have variance .75.
    let denoising = ScoreTrainer { method: ScoreMethod::Denoising { sigma: 0.5 } };
    let mut blurred = training(TrainerConfig::Score(denoising), quantiles(), None);
    let z_blurred = z(&mut blurred, 1.0 / 0.75 - 1.0);
    assert!(z_blurred.abs() < 5.0, "{z_blurred}");
    assert!(!blurred.is_calibrated());
}

#[test]
fn langevin_without_correction_is_off_by_its_known_bias() {
    // ULA's variance at precision l is 1 / (l (1 - eta l / 2)); it is 1/2 at l = (1 - sqrt(1 - 2 eta / v)) / eta: 2.763932
    // for eta = .2.
    let ula = UlaConfig { step_size: StepSize::from_eta(0.2), ..UlaConfig::default() };
    let trainer = || UlaTrainer {
        kernel: KernelConfig::Ula(ula.clone()),
        steps: 5,
        bank: small_bank(),
        ..UlaTrainer::default()
    };
    let z_biased = z(&mut training(TrainerConfig::Ula(trainer()), two_points(), None), 1.763_932);
    assert!(z_biased.abs() < 5.0, "{z_biased}");
    let mut again = training(TrainerConfig::Ula(trainer()), two_points(), None);
    assert!(!again.is_calibrated() && z(&mut again, 1.0).abs() > 50.0);
}

#[test]
fn short_runs_from_the_flow_are_off_by_what_they_have_not_run() {
    // Without noise a step is x <- (1 - eta l) x, so ten of them from N(0, 1) end with variance (1 - eta l)^20: 1/2 at
    // l = (1 - 2^(-1/20)) / eta = 1.703184 for eta = .02, whatever maximum likelihood says. The identity has nothing to learn.
    let kernel = UlaConfig { step_size: StepSize::from_eta(0.02), temperature: 0.0, ..UlaConfig::default() };
    let trainer = CoopFlowTrainer { kernel: KernelConfig::Ula(kernel), steps: 10 };
    let mut training = training(TrainerConfig::CoopFlow(trainer), two_points(), Some(identity()));
    assert!(!training.is_calibrated());
    let z = z(&mut training, 0.703_184);
    assert!(z.abs() < 5.0, "{z}");
}

#[test]
fn at_an_energy_of_zero_all_particles_weigh_the_same() {
    let trainer = FlowMcTrainer { particles: 16, steps: 1, bank: small_bank(), ..FlowMcTrainer::default() };
    let trainer = FlowMcTrainer { train_flow: false, ..trainer };
    let mut training = training(TrainerConfig::FlowMc(trainer), two_points(), Some(identity()));
    let update = training.update().unwrap();
    assert!((update.particle_ess.unwrap() - 16.0).abs() < 1e-9, "{update:?}");
    // The current point is one of sixteen.
    let moved = update.global_acceptance.unwrap();
    assert!((moved - 15.0 / 16.0).abs() < 5.0 * (15.0f64 / 256.0 / ROWS as f64).sqrt(), "{moved}");
    assert_eq!(training.model().version(), 2);
}
