//! The summary of a run: what `summary.json` holds and `mixwell summary` prints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::RunConfig;
use super::engine::Engine;
use super::error::RunError;
use super::estimate::ProposalReport;
use super::state::Spent;
use super::totals::Total;
use crate::density::{Target, Variable};
use crate::diagnostics::{
    Draws, ModeOccupancy, ScalarSummary, null_as_nan, nulls_as_nan, summarise as summarise_scalars,
};
use crate::io::Phase as Group;
use crate::train::GuardCounts;

/// Draws of one scalar over all chains that a summary looks at; beyond that, every n-th draw is used.
const MOST_DRAWS: usize = 1_000_000;
/// The same where there are many scalars.
const FEWEST_DRAWS: usize = 100_000;
/// Draws of all scalars together that a summary looks at, where the two limits above leave the choice.
const MOST_NUMBERS: usize = 4 << 20;
const NOISY_DENSITY: &str = "the flow's log-density is an estimate (divergence = { kind = \"hutchinson\" }): moves that use it are biased; use { kind = \"exact\" } for exact draws";
/// Numbers held at once while scalars are summarised.
const BATCH_NUMBERS: usize = 1 << 20;

/// Results and verdict of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of Mixwell.
    pub version: String,
    /// The method's name.
    pub method: String,
    /// The run's seed.
    pub seed: u64,
    /// True when all draws are made; false for a look at a run that goes on.
    pub finished: bool,
    /// Number of chains.
    pub chains: usize,
    /// Production draws per chain.
    pub draws: usize,
    /// Whether the draws pass the verdict.
    pub converged: bool,
    /// Why not; empty when converged.
    pub reasons: Vec<String>,
    /// What does not refute convergence but should be known.
    pub warnings: Vec<String>,
    /// Seconds of sampling and training, all sessions together.
    pub wall_seconds: f64,
    /// Points at which density and gradient were evaluated.
    pub gradient_evaluations: u64,
    /// Points at which the density alone was evaluated.
    pub density_evaluations: u64,
    /// What each kernel did in production.
    pub acceptance: BTreeMap<String, KernelAcceptance>,
    /// One row per reported number.
    pub parameters: Vec<Parameter>,
    /// Every how many draws the table looks at (1 unless the run is huge).
    pub summary_thin: usize,
    /// Longest run of draws in which a chain did not move.
    pub longest_stuck_run: u64,
    /// Divergent trajectories in production.
    pub divergences: u64,
    /// Proposals in production whose density or gradient was NaN or infinite.
    pub non_finite: u64,
    /// The same in warm-up.
    pub non_finite_warmup: u64,
    /// Production steps after which a chain stood where the log-density is NaN or infinite, by kernel; empty for correct kernels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub stranded: BTreeMap<String, u64>,
    /// Share of the draws nearest to each known mode centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_weights: Option<Vec<f64>>,
    /// Monte Carlo standard errors of the mode weights; NaN (`null`) where they cannot be estimated.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "nulls_as_nan")]
    pub mode_weight_errors: Option<Vec<f64>>,
    /// The exact weights, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_mode_weights: Option<Vec<f64>>,
    /// Changes of mode per chain per 1000 draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_hops_per_1000: Option<f64>,
    /// Log of the integral of `exp(log_prob)`, from the frozen proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_evidence: Option<f64>,
    /// Its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_evidence_se: Option<f64>,
    /// The frozen proposal judged by importance weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalReport>,
    /// How the flow was trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingReport>,
}

/// One reported number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, e.g. `theta[3]`.
    pub name: String,
    /// Moments, quantiles, effective sample sizes, R-hat.
    #[serde(flatten)]
    pub summary: ScalarSummary,
    /// Rao-Blackwellised mean over the particles of i-SIR, where asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean_rao_blackwell: Option<f64>,
    /// Its standard error, from the spread between chains.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mcse_rao_blackwell: Option<f64>,
}

/// What one kernel did in production.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelAcceptance {
    /// `local`, `global`, or of parallel tempering: `swap` (of the chain itself), `replica` (among the hotter ones).
    pub role: String,
    /// Whether it follows Hamiltonian trajectories.
    pub hamiltonian: bool,
    /// Proposals made, all chains together.
    pub tries: u64,
    /// Mean acceptance probability.
    pub acceptance_rate: f64,
    /// Share of proposals that moved the chain.
    pub move_rate: f64,
    /// Standard deviation over chains of their mean acceptance probability.
    pub sd_over_chains: f64,
    /// The frozen step size, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step_size: Option<f64>,
    /// The frozen temperature, where it is not 1; of a swap, the hotter one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f64>,
}

/// How the flow was trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// Loss of the last training call.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss: f64,
    /// Validation loss of the weights kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation_loss: Option<f64>,
    /// What the guards counted.
    #[serde(flatten)]
    pub counts: GuardCounts,
}

impl Summary {
    /// As JSON, indented.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a summary is plain data")
    }

    /// Reads what [`Summary::to_json`] wrote.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The summary of a run that has no checkpoint yet.
    pub(super) fn of_nothing(config: &RunConfig) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            method: config.method.name().into(),
            seed: config.seed,
            finished: false,
            chains: config.chains,
            draws: 0,
            converged: false,
            reasons: vec!["there are no draws yet; `mixwell resume` starts the run".into()],
            warnings: Vec::new(),
            wall_seconds: 0.0,
            gradient_evaluations: 0,
            density_evaluations: 0,
            acceptance: BTreeMap::new(),
            parameters: Vec::new(),
            summary_thin: 1,
            longest_stuck_run: 0,
            divergences: 0,
            non_finite: 0,
            non_finite_warmup: 0,
            stranded: BTreeMap::new(),
            mode_weights: None,
            mode_weight_errors: None,
            exact_mode_weights: None,
            mode_hops_per_1000: None,
            log_evidence: None,
            log_evidence_se: None,
            proposal: None,
            training: None,
        }
    }

    /// The verdict in one line.
    pub fn verdict_line(&self) -> String {
        match (self.finished, self.converged) {
            (false, _) => format!("not finished: {} production draws per chain so far", self.draws),
            (true, true) => "converged: the draws can be used".into(),
            (true, false) => "NOT converged: do not use these draws yet".into(),
        }
    }

    /// What the evidence rests on, in words.
    pub fn proposal_words(&self) -> String {
        self.proposal.map_or_else(String::new, |p| {
            format!(
                "{} draws of the proposal (effective {:.1} %, Pareto k {:.2})",
                p.draws,
                100.0 * p.ess_share,
                p.pareto_k
            )
        })
    }
}

/// Summarises the production draws of an engine.
pub(super) fn summarise(
    engine: &mut Engine<'_>,
    spent: Spent,
    proposal: Option<ProposalReport>,
) -> Result<Summary, RunError> {
    let n_chains = engine.config.chains;
    let draws = engine.production_draws();
    let names: Vec<String> = engine.target.variables().iter().flat_map(Variable::labels).collect();
    let most = (MOST_NUMBERS / names.len().max(1)).clamp(FEWEST_DRAWS, MOST_DRAWS);
    let thin = (n_chains * draws).div_ceil(most).max(1);
    let rows = scalar_rows(engine, n_chains, thin)?;
    let rao_blackwell = rao_blackwell_means(engine);
    let parameters: Vec<Parameter> = names
        .into_iter()
        .zip(rows)
        .enumerate()
        .map(|(i, (name, summary))| Parameter {
            name,
            summary,
            mean_rao_blackwell: rao_blackwell.as_ref().map(|r| r[i].0),
            mcse_rao_blackwell: rao_blackwell.as_ref().map(|r| r[i].1),
        })
        .collect();
    let modes = mode_occupancy(engine, thin)?;
    let acceptance = acceptance(engine);
    let totals = &engine.production_totals;
    let sum = |f: fn(&Total) -> u64| totals.leaves.iter().map(f).sum::<u64>();
    let training = engine.trainer.as_ref().map(|t| TrainingReport {
        loss: t.last_report().loss,
        validation_loss: t.last_report().validation_loss,
        counts: t.counts(),
    });
    let mut summary = Summary {
        version: env!("CARGO_PKG_VERSION").into(),
        method: engine.config.method.name().into(),
        seed: engine.config.seed,
        finished: engine.is_finished(),
        chains: n_chains,
        draws,
        converged: false,
        reasons: Vec::new(),
        warnings: Vec::new(),
        wall_seconds: spent.seconds,
        gradient_evaluations: spent.gradients,
        density_evaluations: spent.densities,
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
    };
    if !engine.plan.biased.is_empty() {
        summary.warnings.push(biased(&engine.plan.biased));
    }
    if engine.flow.as_ref().is_some_and(|flow| !flow.config().has_exact_density()) {
        summary.warnings.push(NOISY_DENSITY.into());
    }
    super::judge::judge(&mut summary, modes.as_ref(), &engine.config.thresholds);
    Ok(summary)
}

/// What is said of draws made by kernels that do not keep the target's law.
fn biased(kernels: &[String]) -> String {
    format!(
        "BIASED: the kernel {} does not keep the target's law, so its draws are biased, however many there are (by the step size, where an accept-reject step is missing); use mala, or another exact kernel, for exact draws",
        kernels.join(" and ")
    )
}

fn scalar_rows(
    engine: &mut Engine<'_>,
    n_chains: usize,
    thin: usize,
) -> Result<Vec<ScalarSummary>, RunError> {
    let mut rows = Vec::new();
    let mut waiting: Vec<Vec<f64>> = Vec::new();
    let flush = |waiting: &mut Vec<Vec<f64>>, rows: &mut Vec<ScalarSummary>| {
        let draws: Vec<Draws<'_>> = waiting.iter().map(|w| Draws::new(w, n_chains)).collect();
        rows.extend(summarise_scalars(&draws));
        waiting.clear();
    };
    engine.sink.for_each_scalar(Group::Production, thin, |_, draws| {
        waiting.push(draws.to_vec());
        if waiting.len() * draws.len() >= BATCH_NUMBERS {
            flush(&mut waiting, &mut rows);
        }
    })?;
    flush(&mut waiting, &mut rows);
    Ok(rows)
}

fn mode_occupancy(engine: &mut Engine<'_>, thin: usize) -> Result<Option<ModeOccupancy>, RunError> {
    let Some(modes) = engine.target.facts().modes else { return Ok(None) };
    let labels = engine.sink.stat(Group::Production, "mode", thin)?;
    Ok(labels.filter(|l| !l.is_empty()).map(|labels| {
        let labels: Vec<usize> = labels.into_iter().map(|l| l as usize).collect();
        ModeOccupancy::count(&labels, engine.config.chains, modes.centres.rows())
    }))
}

fn acceptance(engine: &Engine<'_>) -> BTreeMap<String, KernelAcceptance> {
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
fn rao_blackwell_means(engine: &Engine<'_>) -> Option<Vec<(f64, f64)>> {
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
