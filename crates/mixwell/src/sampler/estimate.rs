//! The quality of the frozen proposal, and the evidence that it gives, from importance weights of fresh draws.

use serde::{Deserialize, Serialize};

use super::engine::Engine;
use crate::density::{EvaluationError, Target};
use crate::diagnostics::null_as_nan;
use crate::estimate::{Estimate, Options, importance};
use crate::proposal::{Averaged, Proposal};
use crate::symmetry::Orbit;

/// The frozen proposal judged by importance weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalReport {
    /// Fresh draws.
    pub draws: usize,
    /// Effective number of them as a share, between 0 and 1.
    #[serde(deserialize_with = "null_as_nan")]
    pub ess_share: f64,
    /// Largest normalised weight.
    #[serde(deserialize_with = "null_as_nan")]
    pub max_weight: f64,
    /// Shape of the tail of the weights: above 0.7 the evidence is not to be believed.
    #[serde(deserialize_with = "null_as_nan")]
    pub pareto_k: f64,
    /// Estimate of the log evidence.
    #[serde(deserialize_with = "null_as_nan")]
    pub log_evidence: f64,
    /// Its standard error.
    #[serde(deserialize_with = "null_as_nan")]
    pub log_evidence_se: f64,
    /// Draws at which the target was NaN or infinite; they count as weight zero.
    pub non_finite: u64,
}

/// Draws from the engine's flow (averaged over symmetries where the run's jumps are, or the plan's fixed proposal) and weighs the draws; `None` without a proposal.
pub(super) fn proposal_report<S>(engine: &Engine<'_, S>) -> Result<Option<ProposalReport>, EvaluationError> {
    let fixed = engine.plan.proposal.clone();
    // The flow alone knows one image of each mode: its weights would miss the others without a sign of it.
    let orbit = engine
        .plan
        .uses_images()
        .then(|| Orbit::of_folding(engine.target.symmetries(), Orbit::MOST))
        .flatten();
    let averaged = engine.flow.as_ref().zip(orbit).map(|(flow, orbit)| Averaged::new(flow, orbit));
    let proposal: &dyn Proposal = match (&engine.flow, &fixed) {
        (Some(flow), _) => averaged.as_ref().map_or(flow as &dyn Proposal, |averaged| averaged),
        (None, Some(fixed)) => &**fixed,
        (None, None) => return Ok(None),
    };
    let (draws, max_batch_rows) = (engine.config.output.evidence_draws, engine.config.max_batch_rows);
    let options = Options { seed: engine.config.seed, max_batch_rows, keep_draws: false };
    if draws == 0 {
        return Ok(None);
    }
    Ok(Some(importance(engine.target, proposal, draws, false, &options)?.into()))
}

impl From<Estimate> for ProposalReport {
    fn from(e: Estimate) -> Self {
        Self {
            draws: e.draws,
            ess_share: e.ess_share,
            max_weight: e.max_weight,
            pareto_k: e.pareto_k,
            log_evidence: e.log_evidence.value,
            log_evidence_se: e.log_evidence.standard_error,
            non_finite: e.non_finite,
        }
    }
}
