//! Gathers what the verdict is made of from a summary.

use super::summary::Summary;
use crate::diagnostics::{Evidence, ModeOccupancy, ScalarSummary, Thresholds, Verdict};

/// Fills in verdict, reasons and warnings.
pub(super) fn judge(summary: &mut Summary, modes: Option<&ModeOccupancy>, thresholds: &Thresholds) {
    let names: Vec<String> = summary.parameters.iter().map(|p| p.name.clone()).collect();
    let rows: Vec<ScalarSummary> = summary.parameters.iter().map(|p| p.summary).collect();
    let mut evidence = Evidence::from_summaries(&names, &rows, summary.chains, summary.draws);
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
    evidence.modes = modes.cloned();
    evidence.pareto_k = summary.proposal.map(|p| p.pareto_k).filter(|k| k.is_finite());
    let verdict = Verdict::new(&evidence, thresholds);
    summary.converged = verdict.converged && summary.finished;
    summary.reasons = verdict.reasons;
    summary.warnings.extend(verdict.warnings);
}
