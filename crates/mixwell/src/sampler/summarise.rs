//! Computes the summary of a run from its draws and totals, and the verdict on it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::engine::Engine;
use super::error::RunError;
use super::estimate::ProposalReport;
use super::sink::Made;
use super::state::Spent;
use super::summary::{KernelAcceptance, Parameter, Summary, TrainingReport};
use super::totals::Total;
use crate::density::{Target, Variable};
use crate::diagnostics::{
    Draws, Evidence, ModeOccupancy, ScalarSummary, Thresholds, Verdict, keep_worst, late_chains,
    tail_mobility,
};
use crate::io::Phase as Group;

/// Draws of one scalar over all chains that a summary looks at; beyond that, every n-th draw is used.
const MOST_DRAWS: usize = 1_000_000;
/// The same where there are many scalars.
const FEWEST_DRAWS: usize = 100_000;
/// Draws of all scalars together that a summary looks at, where the two limits above leave the choice.
const MOST_NUMBERS: usize = 4 << 20;
const NOISY_DENSITY: &str = "the flow's log-density is an estimate (divergence = { kind = \"hutchinson\" }): moves that use it are biased; use { kind = \"exact\" } for exact draws";
/// Numbers held at once while scalars are summarised.
const BATCH_NUMBERS: usize = 1 << 20;

/// Every how many draws a summary looks at.
fn thinning(n_chains: usize, draws: usize, n_values: usize) -> usize {
    let most = (MOST_NUMBERS / n_values.max(1)).clamp(FEWEST_DRAWS, MOST_DRAWS);
    n_chains.saturating_mul(draws).div_ceil(most).max(1)
}

/// Draws of one scalar, all chains together, that a summary looks at, and numbers that are held meanwhile: scalars that wait
/// for their turn, and what local and global moves were accepted with.
pub(super) fn numbers_looked_at(n_chains: usize, draws: usize, n_values: usize) -> (usize, usize) {
    let each = n_chains.saturating_mul(draws.div_ceil(thinning(n_chains, draws, n_values)));
    let waiting = each.saturating_mul(n_values).min(BATCH_NUMBERS.saturating_add(each));
    (each, waiting.saturating_add(each.saturating_mul(2)))
}

/// Summarises the production draws of an engine.
pub(super) fn summarise<S>(
    engine: &Engine<'_, S>,
    made: &Made<'_>,
    spent: Spent,
    proposal: Option<ProposalReport>,
) -> Result<Summary, RunError> {
    let n_chains = engine.config.chains;
    let thresholds = &engine.config.thresholds;
    let draws = engine.production_draws();
    let names: Vec<String> = engine.target.variables().iter().flat_map(Variable::labels).collect();
    let thin = thinning(n_chains, draws, names.len());
    let acceptance_of_moves = acceptance_per_draw(made, thin)?;
    let rows = scalar_rows((made, n_chains), &acceptance_of_moves, thin)?;
    let late_chains = match made.stat(Group::Production, "lp", thin)? {
        Some(lp) => late_chains(Draws::new(&lp, n_chains), thresholds.late_chain),
        None => Vec::new(),
    };
    let rao_blackwell = rao_blackwell_means(engine);
    let parameters: Vec<Parameter> = names
        .into_iter()
        .zip(rows)
        .enumerate()
        .map(|(i, (name, (summary, mobility)))| Parameter {
            name,
            heavy_tails: summary.tail_shape > thresholds.heavy_tails,
            tail_mobility: mobility.iter().any(|m| m.is_finite()).then(|| mobility.to_vec()),
            summary,
            mean_rao_blackwell: rao_blackwell.as_ref().map(|r| r[i].0),
            mcse_rao_blackwell: rao_blackwell.as_ref().map(|r| r[i].1),
        })
        .collect();
    let modes = mode_occupancy(engine, made, thin)?;
    let acceptance = acceptance(engine);
    let totals = &engine.production_totals;
    let sum = |f: fn(&Total) -> u64| totals.leaves.iter().map(f).sum::<u64>();
    let training = engine.trainer.as_ref().map(|t| TrainingReport {
        loss: t.last_report().loss,
        validation_loss: t.last_report().validation_loss,
        counts: t.counts(),
    });
    let mut summary = Summary {
        finished: engine.is_finished(),
        draws,
        reasons: Vec::new(),
        wall_seconds: spent.seconds,
        gradient_evaluations: spent.gradients,
        density_evaluations: spent.densities,
        check_evaluations: spent.checks,
        acceptance,
        parameters,
        summary_thin: thin,
        longest_stuck_run: totals.stuck.iter().map(|s| s.longest).max().unwrap_or(0),
        divergences: sum(|t| t.divergences),
        non_finite: sum(|t| t.non_finite),
        non_finite_warmup: engine.warmup_totals.leaves.iter().map(|t| t.non_finite).sum(),
        stranded: engine.plan.stranded(totals),
        mode_weights: modes.as_ref().map(|m| m.weights.clone()),
        mode_weight_errors: modes.as_ref().map(|m| m.weight_errors.clone()),
        exact_mode_weights: engine.target.facts().modes.and_then(|m| m.weights),
        mode_hops_per_1000: modes
            .as_ref()
            .map(|m| m.hops_per_1000.iter().sum::<f64>() / m.hops_per_1000.len() as f64),
        log_evidence: proposal.map(|p| p.log_evidence).filter(|v| v.is_finite()),
        log_evidence_se: proposal.map(|p| p.log_evidence_se).filter(|v| v.is_finite()),
        proposal,
        training,
        ..Summary::of_nothing(engine.config)
    };
    if !engine.plan.biased.is_empty() {
        summary.warnings.push(biased(&engine.plan.biased));
    }
    if engine.flow.as_ref().is_some_and(|flow| !flow.config().has_exact_density()) {
        summary.warnings.push(NOISY_DENSITY.into());
    }
    let mut evidence = evidence(&summary, thresholds);
    (evidence.modes, evidence.late_chains) = (modes, late_chains);
    evidence.known_weights = summary.exact_mode_weights.clone();
    evidence.contradiction = engine.consistency.found.clone();
    let verdict = Verdict::new(&evidence, thresholds);
    summary.converged = verdict.converged && summary.finished;
    summary.reasons = verdict.reasons;
    summary.warnings.extend(verdict.warnings);
    Ok(summary)
}

/// What is said of draws made by kernels that do not keep the target's law.
fn biased(kernels: &[String]) -> String {
    format!(
        "BIASED: the kernel {} does not keep the target's law, so its draws are biased, however many there are (by the step size, where an accept-reject step is missing); use mala, or another exact kernel, for exact draws",
        kernels.join(" and ")
    )
}

/// What the summary says of itself.
fn evidence(summary: &Summary, thresholds: &Thresholds) -> Evidence {
    let names: Vec<String> = summary.parameters.iter().map(|p| p.name.clone()).collect();
    let rows: Vec<ScalarSummary> = summary.parameters.iter().map(|p| p.summary).collect();
    let mut evidence = Evidence::from_summaries(&names, &rows, summary.chains, summary.draws, thresholds);
    let all: u64 = summary.acceptance.values().map(|a| a.tries).sum();
    evidence.non_finite = Some((summary.non_finite, all));
    evidence.stranded = summary.stranded.clone().into_iter().collect();
    let trajectories: u64 = summary.acceptance.values().filter(|a| a.hamiltonian).map(|a| a.tries).sum();
    evidence.divergences = (trajectories > 0).then_some((summary.divergences, trajectories));
    let (mut tries, mut moves) = (0, 0.0);
    for kernel in summary.acceptance.values().filter(|a| a.role == "global") {
        tries += kernel.tries;
        moves += kernel.move_rate * kernel.tries as f64;
    }
    evidence.global_acceptance = (tries > 0).then(|| moves / tries as f64);
    evidence.stuck = (summary.draws > 0).then(|| summary.longest_stuck_run as f64 / summary.draws as f64);
    evidence.pareto_k = summary.proposal.map(|p| p.pareto_k).filter(|k| k.is_finite());
    for p in &summary.parameters {
        for (mobility, end) in p.tail_mobility.iter().flatten().zip(["lower", "upper"]) {
            let name = format!("{end} tail of {}", p.name);
            keep_worst(&mut evidence.tail_mobility, &name, *mobility, |new, old| new < old);
        }
    }
    evidence
}

/// Acceptance of the moves that led to each draw, one series for each kind of moves; only where there are global moves, since
/// a method without them has nothing else to move by, and its acceptance is tuned.
fn acceptance_per_draw(made: &Made<'_>, thin: usize) -> Result<Vec<Vec<f64>>, RunError> {
    let mut series = Vec::new();
    for name in ["global_acceptance", "acceptance_rate"] {
        match made.stat(Group::Production, name, thin)? {
            Some(rates) => series.push(rates),
            None if series.is_empty() => break,
            None => {}
        }
    }
    Ok(series)
}

/// Summary and mobility in the tails of every reported number.
fn scalar_rows(
    (made, n_chains): (&Made<'_>, usize),
    acceptance: &[Vec<f64>],
    thin: usize,
) -> Result<Vec<(ScalarSummary, [f64; 2])>, RunError> {
    let mut rows = Vec::new();
    let mut waiting: Vec<Vec<f64>> = Vec::new();
    let flush = |waiting: &mut Vec<Vec<f64>>, rows: &mut Vec<_>| {
        rows.par_extend(waiting.par_iter().map(|values| {
            let draws = Draws::new(values, n_chains);
            (ScalarSummary::compute(draws), tail_mobility(draws, acceptance))
        }));
        waiting.clear();
    };
    made.for_each_scalar(Group::Production, thin, |_, draws| {
        waiting.push(draws.to_vec());
        if waiting.len() * draws.len() >= BATCH_NUMBERS {
            flush(&mut waiting, &mut rows);
        }
    })?;
    flush(&mut waiting, &mut rows);
    Ok(rows)
}

fn mode_occupancy<S>(
    engine: &Engine<'_, S>,
    made: &Made<'_>,
    thin: usize,
) -> Result<Option<ModeOccupancy>, RunError> {
    let Some(modes) = engine.target.facts().modes else { return Ok(None) };
    let labels = made.stat(Group::Production, "mode", thin)?;
    Ok(labels.filter(|l| !l.is_empty()).map(|labels| {
        let labels: Vec<usize> = labels.into_iter().map(|l| l as usize).collect();
        ModeOccupancy::count(&labels, engine.config.chains, modes.centres.rows())
    }))
}

fn acceptance<S>(engine: &Engine<'_, S>) -> BTreeMap<String, KernelAcceptance> {
    let leaves = engine.plan.leaves();
    let mut table = BTreeMap::new();
    for (i, leaf) in leaves.iter().enumerate() {
        let chains: Vec<&Total> = engine.production_totals.of_leaf(i, leaves.len()).collect();
        let tries: u64 = chains.iter().map(|t| t.tries).sum();
        let share = |v: f64| if tries > 0 { v / tries as f64 } else { 0.0 };
        let rates: Vec<f64> =
            chains.iter().filter(|t| t.tries > 0).map(|t| t.accept_prob / t.tries as f64).collect();
        let row = KernelAcceptance {
            role: leaf.role.name().into(),
            hamiltonian: leaf.hamiltonian,
            tries,
            acceptance_rate: share(chains.iter().map(|t| t.accept_prob).sum()),
            move_rate: share(chains.iter().map(|t| t.moves).sum::<u64>() as f64),
            fallbacks: chains.iter().map(|t| t.fallbacks).sum(),
            sd_over_chains: sd(&rates),
            step_size: leaf.step_size,
            temperature: leaf.temperature,
        };
        // Kernels that occur several times get a number, in the order of the schedule.
        let same = leaves[..i].iter().filter(|l| l.name == leaf.name).count();
        let name = if same == 0 { leaf.name.clone() } else { format!("{}_{}", leaf.name, same + 1) };
        if tries > 0 {
            table.insert(name, row);
        }
    }
    table
}

/// Mean and standard error of every reported number from the particles of i-SIR: each chain gives one mean.
fn rao_blackwell_means<S>(engine: &Engine<'_, S>) -> Option<Vec<(f64, f64)>> {
    let totals = &engine.production_totals;
    let n_values = engine.recorder.n_values();
    if totals.rao_blackwell.is_empty() || totals.rao_blackwell_steps.contains(&0) {
        return None;
    }
    let row = (0..n_values).map(|value| {
        let chains = totals.rao_blackwell.chunks_exact(2 * n_values).zip(&totals.rao_blackwell_steps);
        let means: Vec<f64> = chains.map(|(sums, steps)| sums[value] / *steps as f64).collect();
        (means.iter().sum::<f64>() / means.len() as f64, sd(&means) / (means.len() as f64).sqrt())
    });
    Some(row.collect())
}

fn sd(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}
