//! What a verdict is made of: the worst of each number, and the names of what stands out.

use super::Thresholds;
use crate::diagnostics::{LateChain, ModeOccupancy, ScalarSummary};

/// A number and the parameter it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worst {
    /// Name of the parameter.
    pub name: String,
    /// The number.
    pub value: f64,
}

/// What a verdict is made of. Everything is optional but the shape of the run: what was not measured is not judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Evidence {
    /// Number of chains.
    pub n_chains: usize,
    /// Production draws per chain.
    pub n_draws: usize,
    /// Number of parameters looked at.
    pub n_parameters: usize,
    /// Largest R-hat.
    pub rhat: Option<Worst>,
    /// Smallest bulk ESS.
    pub ess_bulk: Option<Worst>,
    /// Smallest tail ESS.
    pub ess_tail: Option<Worst>,
    /// Largest error of a standard deviation as a share of it; not of heavy tails whose squares have the ESS asked for.
    pub mcse_sd: Option<Worst>,
    /// Parameters whose tails are so heavy that mean or standard deviation may not exist.
    pub heavy_tails: Vec<String>,
    /// The heaviest tail among them.
    pub heaviest: f64,
    /// Where and how the target contradicts itself.
    pub contradiction: Option<String>,
    /// Parameters whose draws are all equal.
    pub constant: Vec<String>,
    /// Parameters with NaN or infinity among their draws.
    pub not_finite: Vec<String>,
    /// Parameters that vary, but whose R-hat cannot be computed (every chain sits still at a value of its own).
    pub undecided: Vec<String>,
    /// Divergent trajectories in production, and how many trajectories there were.
    pub divergences: Option<(u64, u64)>,
    /// Proposals in production whose density or gradient was not finite, and how many proposals there were.
    pub non_finite: Option<(u64, u64)>,
    /// Steps after which a chain stood where the log-density is NaN or infinite, by the kernel that led it there.
    pub stranded: Vec<(String, u64)>,
    /// Chains that were not in equilibrium when production began.
    pub late_chains: Vec<LateChain>,
    /// The tail of a parameter in which chains can move the least, as a share of what they can everywhere.
    pub tail_mobility: Option<Worst>,
    /// Share of global moves accepted in production.
    pub global_acceptance: Option<f64>,
    /// Longest run without a move, as a share of a chain.
    pub stuck: Option<f64>,
    /// Modes visited, where centres are known.
    pub modes: Option<ModeOccupancy>,
    /// Their weights, where the target knows them.
    pub known_weights: Option<Vec<f64>>,
    /// Shape of the tail of the importance weights of the flow.
    pub pareto_k: Option<f64>,
}

impl Evidence {
    /// Evidence from the summaries of all parameters: the worst of each number, and what is constant or NaN. Nothing is said
    /// of parameters without draws.
    ///
    /// # Panics
    /// When there is not one name for each summary.
    pub fn from_summaries(
        names: &[String],
        summaries: &[ScalarSummary],
        n_chains: usize,
        n_draws: usize,
        thresholds: &Thresholds,
    ) -> Self {
        assert_eq!(names.len(), summaries.len(), "one name for each summary");
        let mut evidence = Self { n_chains, n_draws, n_parameters: names.len(), ..Self::default() };
        if n_draws == 0 {
            return evidence;
        }
        for (name, s) in names.iter().zip(summaries) {
            if !s.mean.is_finite() {
                evidence.not_finite.push(name.clone());
            } else if s.sd == 0.0 {
                evidence.constant.push(name.clone());
            } else {
                if s.rhat.is_nan() && n_chains > 1 && n_draws >= 4 {
                    evidence.undecided.push(name.clone());
                }
                keep_worst(&mut evidence.rhat, name, s.rhat, |new, old| new > old);
                keep_worst(&mut evidence.ess_bulk, name, s.ess_bulk, |new, old| new < old);
                keep_worst(&mut evidence.ess_tail, name, s.ess_tail, |new, old| new < old);
                let heavy = s.tail_shape > thresholds.heavy_tails;
                if heavy {
                    evidence.heavy_tails.push(name.clone());
                    evidence.heaviest = evidence.heaviest.max(s.tail_shape);
                }
                // Independent draws with heavy tails have a large error and no fault.
                if !heavy || s.ess_sd < thresholds.ess_bar(n_chains) {
                    keep_worst(&mut evidence.mcse_sd, name, s.mcse_sd / s.sd, |new, old| new > old);
                }
            }
        }
        evidence
    }
}

/// Keeps the worse of two numbers; NaN is never worse.
pub(crate) fn keep_worst(
    worst: &mut Option<Worst>,
    name: &str,
    value: f64,
    worse: impl Fn(f64, f64) -> bool,
) {
    if !value.is_nan() && worst.as_ref().is_none_or(|w| worse(value, w.value)) {
        *worst = Some(Worst { name: name.to_string(), value });
    }
}
