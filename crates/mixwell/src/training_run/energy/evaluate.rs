//! What came out of the training of an energy: its evidence, its distance from the truth, where that is known, its modes.

use serde_json::json;

use super::config::EvaluationSettings;
use super::images::OpenImages;
use super::stage::Learning;
use crate::density::{Modes, Target};
use crate::diagnostics::{ImportanceSummary, mode_weight_mse};
use crate::ebm::{Energy, Grid, Training, distance, shares};
use crate::estimate::{Options, importance};
use crate::flow::Flow;
use crate::math::log_sum_exp;
use crate::proposal::Proposal;
use crate::rng::DATA_STREAM;
use crate::training_run::energy_spread::EnergySpread;
use crate::training_run::{Outcome, TrainingRunError};
use crate::{Batch, ConfigError, Points, Stream};

/// Cells on a side of the grid for energies in the plane.
const CELLS: usize = 300;
/// Draws of the truth that the learned law is compared at, and of a proposal for the evidence.
const DRAWS: usize = 10_000;
/// Numbers of all draws for the evidence, at most.
const NUMBERS: usize = 2_000_000;
/// Images of a set that are looked at.
const LOOKED_AT: usize = 1000;

/// Weights of modes that are off by more than this are wrong.
const FARTHEST_WEIGHT: f64 = 0.1;

/// Looks at the law that was learned.
pub(super) fn evaluate<E: Energy>(
    training: &Training<E>,
    truth: Option<&dyn Target>,
    seed: u64,
) -> Result<Outcome, TrainingRunError> {
    let mut found = Outcome::default();
    let log_evidence = evidence(training, truth, &mut found, seed)?.or(training.log_evidence());
    if let Some(truth) = truth {
        let sampler = truth.exact_sampler().expect("the data are its draws");
        // Other draws than the data.
        let stream = &mut Stream::new(seed ^ 0x5eed, DATA_STREAM);
        let draws = sampler.sample_rows(stream, DRAWS, truth.dim());
        if Target::dim(truth) != 2 {
            modes_from_truth(training, truth, &draws, &mut found)?;
        }
        if let Some(log_evidence) = log_evidence {
            let d = distance(training.model(), log_evidence, truth, draws.as_batch()).map_err(failed)?;
            found.put("median_squared_error", d.median_squared);
            found.put("divergence", d.divergence);
            found.put("divergence_error", d.divergence_error);
            found.lines.push(format!(
                "against the truth, at {DRAWS} draws: KL divergence {:.4} (error {:.4}), median squared error of the log-density {:.4}",
                d.divergence, d.divergence_error, d.median_squared
            ));
        }
    }
    if let Some(own) = training.log_evidence() {
        found.put("log_evidence_of_trainer", own);
        found.lines.push(format!("log Z {own:.4} by the trainer's own account"));
    }
    Ok(found)
}

/// Weights of modes beyond the plane: draws of the truth, weighted by the learned law. Says nothing about mass where the truth has none.
fn modes_from_truth<E: Energy>(
    training: &Training<E>,
    truth: &dyn Target,
    draws: &Points,
    found: &mut Outcome,
) -> Result<(), TrainingRunError> {
    let Some(modes) = truth.facts().modes else { return Ok(()) };
    let (mut p, mut q) = (vec![0.0; draws.rows()], vec![0.0; draws.rows()]);
    truth.log_prob(draws.as_batch(), &mut p).map_err(failed)?;
    training.model().log_prob(draws.as_batch(), &mut q).map_err(failed)?;
    let log_weights: Vec<f64> = q.iter().zip(&p).map(|(q, p)| q - p).collect();
    let total = log_sum_exp(&log_weights);
    let weights: Vec<f64> = log_weights.iter().map(|w| (w - total).exp()).collect();
    let effective = ImportanceSummary::compute(&log_weights).ess_share;
    found.put("truth_ess_share", effective);
    put_modes(found, "mode", "weights of modes", &shares(draws.as_batch(), Some(&weights), &modes), &modes);
    found.lines.push(format!(
        "           by draws of the truth, of which {:.1} % carry the weight",
        100.0 * effective
    ));
    Ok(())
}

/// Shares of modes, and how far they are off, where that is known.
fn put_modes(found: &mut Outcome, name: &str, words: &str, shares: &[f64], modes: &Modes) {
    let written = |shares: &[f64]| shares.iter().map(|s| format!("{s:.3}")).collect::<Vec<_>>().join(" ");
    found.lines.push(format!("{words} {}", written(shares)));
    if let Some(exact) = &modes.weights {
        found.put(&format!("{name}_weight_mse"), mode_weight_mse(shares, exact));
        let off = shares.iter().zip(exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        found.put(&format!("{name}_weight_error"), off);
        if name == "mode" {
            found.lines.push(format!("           exact {}", written(exact)));
            if off > FARTHEST_WEIGHT {
                found.problems.push(format!(
                    "the weights of modes are off by up to {off:.2}; chains that do not cross between modes cannot tell them: take jumps by a flow, or walkers"
                ));
            }
        }
    }
    found.put(&format!("{name}_shares"), json!(shares));
}

/// Weights of modes among the negatives of the last update.
pub(super) fn modes_of_negatives<E: Energy>(
    training: &Training<E>,
    truth: Option<&dyn Target>,
    found: &mut Outcome,
) {
    let (x, weights) = training.last_negatives();
    if let Some(modes) = truth.and_then(|t| t.facts().modes).filter(|_| x.rows() > 0) {
        put_modes(
            found,
            "negatives",
            "           of the last negatives",
            &shares(x, weights, &modes),
            &modes,
        );
    }
}

/// Chains of the trainer's kernels on the law: how they mix, and what lies where before and after.
pub(super) fn chains<E: Energy>(
    training: &Training<E>,
    truth: Option<&dyn Target>,
    settings: EvaluationSettings,
    seed: u64,
    found: &mut Outcome,
) -> Result<(), TrainingRunError> {
    if settings.chains == 0 {
        return Ok(());
    }
    let Some(run) = training.run_chains(settings.chains, settings.steps, seed)? else { return Ok(()) };
    let mixing = run.mixing();
    found.put("chains_rhat", mixing.rhat);
    found.put("chains_rhat_plain", mixing.rhat_plain);
    found.put("chains_rhat_plain_mean", mixing.rhat_plain_mean);
    found.put("chains_ess", mixing.ess);
    let accepted = [("local", run.moves.local_acceptance()), ("global", run.moves.global_acceptance())];
    for (name, share) in accepted {
        if let Some(share) = share {
            found.put(&format!("chains_{name}_acceptance"), share);
        }
    }
    found.lines.push(format!(
        "{} chains of {} steps on the law: R-hat {:.3}, ESS {:.0}",
        settings.chains, settings.steps, mixing.rhat, mixing.ess
    ));
    let Some(modes) = truth.and_then(|t| t.facts().modes) else { return Ok(()) };
    let own: Option<Vec<f64>> =
        found.results.get("mode_shares").and_then(|v| serde_json::from_value(v.clone()).ok());
    for (name, words, x) in [
        ("starts", "           where they began", &run.starts),
        ("chains", "           of their negatives", &run.negatives),
        ("path", "           of all their states", &run.states),
    ] {
        let shares = shares(x.as_batch(), None, &modes);
        if let Some(own) = &own {
            found.put(&format!("{name}_law_mse"), mode_weight_mse(&shares, own));
        }
        put_modes(found, name, words, &shares, &modes);
    }
    Ok(())
}

/// What is seen in a law of images: pictures of data, fitted flow and persistent chains, energies of each, bits per dimension of the flow.
pub(super) fn look_at_images(
    images: &OpenImages,
    learning: &Learning,
    persistent: Option<&Points>,
    found: &mut Outcome,
    seed: u64,
) -> Result<(), TrainingRunError> {
    let Learning { training, fitted, .. } = learning;
    let energies = |x: Batch<'_>| {
        let mut energies = vec![0.0; x.rows()];
        training.model().energy().evaluate(x, &mut energies, None);
        energies
    };
    let data = training.data().points();
    let mut draws = None;
    if let Some(flow) = fitted {
        let stream = &mut Stream::new(seed ^ 0x5eed, DATA_STREAM);
        let (mut noise, mut x) = (Points::zeros(LOOKED_AT, data.dim()), Points::zeros(LOOKED_AT, data.dim()));
        stream.fill_normal(noise.data_mut());
        flow.push(noise.as_batch(), x.as_batch_mut(), &mut [0.0; LOOKED_AT]);
        draws = Some(x);
        let looked_at = data.slice(0..data.rows().min(LOOKED_AT));
        for (name, x) in
            [("data", Some(looked_at)), ("test images", images.test.as_ref().map(Points::as_batch))]
        {
            let Some(x) = x else { continue };
            let mut log_q = vec![0.0; x.rows()];
            flow.log_prob(x, &mut log_q);
            let (bits, error) = images.encoding.bits_per_dimension(x, &log_q)?;
            found.put(&format!("bits_per_dimension_{}", name.replace(' ', "_")), bits);
            found.lines.push(format!(
                "the fitted flow needs {bits:.3} bits per dimension on {name} (error {error:.3})"
            ));
        }
    }
    let sets = [
        ("data", "data.png", Some(data.slice(0..data.rows().min(LOOKED_AT)))),
        ("test_images", "test.png", images.test.as_ref().map(Points::as_batch)),
        ("flow", "flow.png", draws.as_ref().map(Points::as_batch)),
        ("bank", "bank.png", persistent.map(Points::as_batch)),
    ];
    let mut spread = EnergySpread::default();
    for (name, file, x) in sets.into_iter().filter_map(|(name, file, x)| Some((name, file, x?))) {
        spread.add(name, &energies(x), |name, value| found.put(name, value));
        found.weights.push(images.picture(file, x)?);
    }
    found.lines.push(spread.line());
    found.weights.push(images.description());
    Ok(())
}

/// `ln Z`, by quadrature in the plane and else by importance sampling from the flow or the base.
fn evidence<E: Energy>(
    training: &Training<E>,
    truth: Option<&dyn Target>,
    found: &mut Outcome,
    seed: u64,
) -> Result<Option<f64>, TrainingRunError> {
    let model = training.model();
    if Target::dim(model) == 2 {
        let grid = Grid::around(training.data().points(), 0.5, CELLS)?;
        let density = grid.density(model).map_err(failed)?;
        let edge = density.edge_share();
        found.put("log_evidence", density.log_evidence());
        found.put("log_evidence_error", density.error());
        found.put("edge_share", edge);
        found.lines.push(format!(
            "log Z {:.4} by quadrature (error {:.1e})",
            density.log_evidence(),
            density.error()
        ));
        if !density.fits() {
            found.problems.push(format!(
                "{:.2} % of the mass lies at the edge of a box twice as wide as the data: the law does not end there; give it a base",
                100.0 * edge
            ));
        }
        if let Some(modes) = truth.and_then(|t| t.facts().modes) {
            let shares = density.mode_shares(&modes);
            put_modes(found, "mode", "weights of modes", &shares, &modes);
        }
        return Ok(Some(density.log_evidence()));
    }
    let options = Options { seed, ..Options::default() };
    let proposal: Option<&dyn Proposal> =
        training.flow().map(|f: &Flow| f as _).or(model.base().map(|b| &**b as _));
    let Some(proposal) = proposal else { return Ok(None) };
    let draws = (NUMBERS / proposal.dim()).clamp(200, DRAWS);
    let estimate = importance(model, proposal, draws, false, &options).map_err(failed)?;
    let z = &estimate.log_evidence;
    found.put("log_evidence", z.value);
    found.put("log_evidence_error", z.standard_error);
    found.put("evidence_ess_share", estimate.ess_share);
    found.lines.push(format!(
        "log Z {:.4} (error {:.4}) by importance sampling, effective share {:.3}",
        z.value, z.standard_error, estimate.ess_share
    ));
    Ok((estimate.ess_share > 0.01).then_some(z.value))
}

fn failed(error: impl std::fmt::Display) -> TrainingRunError {
    ConfigError::new("energy", "not usable", error.to_string()).into()
}
