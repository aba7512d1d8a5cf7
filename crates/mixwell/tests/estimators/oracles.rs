//! Closed forms of the single estimators.

use mixwell::estimate::{AnnealedConfig, LadderConfig, Options, Selection, SequentialConfig, importance};
use mixwell::kernel::{StepSize, hmc, mala, random_walk};
use mixwell::proposal::{Gaussian, GaussianProposalConfig};

use crate::world::gaussian;

#[test]
fn annealing_without_moves_is_importance_sampling() {
    // The increments add up to log pi - log pi_0 at the first point, whatever the ladder.
    let (target, _) = gaussian(&[0.7, 1.3]);
    let options = Options { keep_draws: true, ..Options::default() };
    let ais = AnnealedConfig { chains: 300, moves: 0, ..Default::default() };
    let annealed = ais.estimate(&target, &options).unwrap();
    let plain = importance(&target, &Gaussian::standard(2), 300, false, &options).unwrap();
    assert_eq!(annealed.weighted.as_ref().unwrap().x(), plain.weighted.as_ref().unwrap().x());
    assert_eq!(annealed.log_evidence, plain.log_evidence);
    assert_eq!(annealed.cost, mixwell::estimate::Evaluations { densities: 0, gradients: 300 });
}

#[test]
fn the_annealed_mean_is_unbiased_for_any_kernel_and_number_of_moves() {
    // pi = exp(-x^2 / (2 s^2)) from N(0, 1): Z = s sqrt(2 pi). Far too short and far too long steps do not bias it.
    let (target, log_z) = gaussian(&[0.4]);
    for (moves, kernel) in [
        (0, random_walk()),
        (1, random_walk().step_size(StepSize::from_dt(0.05))),
        (2, mala().step_size(StepSize::from_eta(0.5))),
        (3, random_walk().step_size(StepSize::from_dt(8.0))),
        (1, hmc(3).step_size(StepSize::from_dt(0.3))),
    ] {
        let ais = AnnealedConfig {
            chains: 4000,
            pilot: 0,
            ladder: LadderConfig::Linear { rungs: 4 },
            kernel,
            moves,
            ..Default::default()
        };
        let e = ais.estimate(&target, &Options { seed: 5, ..Options::default() }).unwrap();
        let z = (e.log_evidence.value - log_z).exp_m1() / e.log_evidence.standard_error;
        assert!(z.abs() < 5.0, "{moves} moves of {:?}: {z} standard errors", ais.kernel);
    }
}

#[test]
fn annealing_beats_importance_sampling_and_the_pilot_tunes_it() {
    // From N(0, 1) to a Gaussian of sd 0.05 in 3 dimensions: the ESS share of plain weights is about (0.05 sqrt 2)^3 = 0.0004.
    let (target, log_z) = gaussian(&[0.05; 3]);
    let ladder = LadderConfig::Geometric { rungs: 60, first: 1e-4 };
    let ais = AnnealedConfig { chains: 200, ladder, pilot: 60, moves: 2, ..Default::default() };
    let e = ais.estimate(&target, &Options::default()).unwrap();
    assert!(e.ess_share > 0.2, "{e:?}");
    assert!((e.log_evidence.value - log_z).abs() < 5.0 * e.log_evidence.standard_error, "{e:?}");
    // The step follows the width: from 1 to 0.05^2, within a factor of ten.
    let steps: Vec<f64> = e.rungs.iter().map(|r| r.step_size.unwrap()).collect();
    assert!((100.0..20_000.0).contains(&(steps[0] / steps[59])), "{steps:?}");
}

#[test]
fn selection_among_paths_samples_the_target() {
    // Draws of 100 chains, 30 steps: E x^2 = s^2. Chains are independent, so their means give the standard error.
    let (target, log_z) = gaussian(&[0.4]);
    for conditional in [false, true] {
        let ais = AnnealedConfig {
            chains: 100,
            ladder: LadderConfig::Linear { rungs: 3 },
            pilot: 50,
            selection: Selection::Isir { n_particles: 4, steps: 30, conditional },
            ..Default::default()
        };
        let e = ais.estimate(&target, &Options { keep_draws: true, ..Options::default() }).unwrap();
        assert_eq!(e.draws, 100 * (4 + 29 * 3));
        let z = (e.log_evidence.value - log_z).exp_m1() / e.log_evidence.standard_error;
        assert!(z.abs() < 5.0, "{z}");
        let draws = e.weighted.unwrap();
        let squares: Vec<f64> = draws.x().data().iter().map(|x| x * x / 0.16).collect();
        // The first steps of every chain are left out: they are chosen among few paths.
        let means: Vec<f64> = squares.chunks(30).map(|c| c[5..].iter().sum::<f64>() / 25.0).collect();
        let mean = means.iter().sum::<f64>() / 100.0;
        let error = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 99.0 / 100.0).sqrt();
        assert!((mean - 1.0).abs() < 5.0 * error && error < 0.1, "{mean} +- {error}");
        assert!(e.moved.unwrap() > 0.5, "{:?}", e.moved);
    }
}

#[test]
fn an_adaptive_ladder_keeps_the_share_asked_for_and_particles_the_target() {
    let (target, log_z) = gaussian(&[0.3, 3.0]);
    let smc = SequentialConfig { particles: 1000, replicates: 4, resample_below: 1.0, ..Default::default() };
    let e = smc.estimate(&target, &Options { keep_draws: true, ..Options::default() }).unwrap();
    let last = e.rungs.len() - 1;
    for (k, rung) in e.rungs.iter().enumerate() {
        // Resampled on every rung, so the ESS after an increment is the conditional one.
        assert!(
            rung.resampled && rung.ess_share > 0.899 && (k == last || rung.ess_share < 0.901),
            "{rung:?}"
        );
        assert!(rung.acceptance.unwrap() > 0.2, "{rung:?}");
    }
    let draws = e.weighted.unwrap();
    let variance = draws.variance();
    // 4000 particles of which neighbours share ancestors: 15 % is more than 5 standard errors of 1000 independent ones.
    assert!((variance[0] / 0.09 - 1.0).abs() < 0.2 && (variance[1] / 9.0 - 1.0).abs() < 0.3, "{variance:?}");
    assert!((e.log_evidence.value - log_z).abs() < 5.0 * e.log_evidence.standard_error);
}

#[test]
fn a_population_that_dies_out_is_told() {
    let nowhere = mixwell::density::from_fn_with_grad(1, |x: &[f64], g: &mut [f64]| {
        g[0] = 0.0;
        if x[0] > 50.0 { 0.0 } else { f64::NEG_INFINITY }
    });
    let e = SequentialConfig::default().estimate(&nowhere, &Options::default()).unwrap_err();
    assert!(e.to_string().contains("weight zero"), "{e}");
    // Half of the particles outside the support is no trouble: exp(-x^2/2) on the positive half line.
    let half = mixwell::density::from_fn_with_grad(1, |x: &[f64], g: &mut [f64]| {
        g[0] = -x[0];
        if x[0] > 0.0 { -0.5 * x[0] * x[0] } else { f64::NEG_INFINITY }
    });
    let base = GaussianProposalConfig { sd: vec![2.0], ..Default::default() };
    let smc = SequentialConfig { particles: 300, base, ..Default::default() };
    let z = smc.estimate(&half, &Options::default()).unwrap().log_evidence;
    let exact = 0.5 * std::f64::consts::TAU.ln() - 2f64.ln();
    assert!((z.value - exact).abs() < 5.0 * z.standard_error, "{z:?}");
}
