//! The summary of a run: what `summary.json` holds and `mixwell summary` prints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::RunConfig;
use super::estimate::ProposalReport;
use crate::diagnostics::{ScalarSummary, null_as_nan, nulls_as_nan};
use crate::train::GuardCounts;

/// Results and verdict of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of Mixwell.
    pub version: String,
    /// The method's name.
    pub method: String,
    /// Why that method, where `auto` chose it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub chosen: Vec<String>,
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
    /// Points evaluated beside these, to see whether the target contradicts itself.
    #[serde(default)]
    pub check_evaluations: u64,
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
    /// Whether the tails are so heavy that mean, sd and their errors may not exist; see `tail_shape`.
    #[serde(default)]
    pub heavy_tails: bool,
    /// Success of the moves from the lowest and from the highest hundredth of the draws, as a share of that of all moves; NaN
    /// (`null`) where it cannot be said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nulls_as_nan")]
    pub tail_mobility: Option<Vec<f64>>,
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
    /// Times that it did otherwise than its rule says: of rejection sampling, steps in which no candidate was accepted and weights above the bound;
    /// of fresh chains, those of which nothing was accepted.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub fallbacks: u64,
    /// Standard deviation over chains of their mean acceptance probability.
    pub sd_over_chains: f64,
    /// The frozen step size, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step_size: Option<f64>,
    /// The frozen temperature, where it is not 1; of a swap, the hotter one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f64>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
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

    /// The summary of a run that has made nothing yet, from which every other is built.
    pub(super) fn of_nothing(config: &RunConfig) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            method: config.method.name().into(),
            chosen: config.chosen.clone(),
            seed: config.seed,
            finished: false,
            chains: config.chains,
            draws: 0,
            converged: false,
            reasons: vec!["there are no draws yet; `mixwell resume` starts the run".into()],
            warnings: Vec::new(),
            wall_seconds: 0.0,
            gradient_evaluations: 0,
            check_evaluations: 0,
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
