//! How good the frozen proposal is, and the evidence it gives: importance weights of fresh draws against the target.

use serde::{Deserialize, Serialize};

use super::engine::Engine;
use crate::diagnostics::{ImportanceSummary, null_as_nan};
use crate::proposal::Proposal;
use crate::rng::ESTIMATE_STREAM;
use crate::target::Target;
use crate::{Points, Stream};

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
    pub non_finite: usize,
}

/// Draws from the engine's flow (or the plan's fixed proposal) and weighs the draws; `None` without a proposal.
pub(super) fn proposal_report(engine: &Engine<'_>) -> Option<ProposalReport> {
    let fixed = engine.plan.proposal.clone();
    let proposal: &dyn Proposal = match (&engine.flow, &fixed) {
        (Some(flow), _) => flow,
        (None, Some(fixed)) => &**fixed,
        (None, None) => return None,
    };
    let draws = engine.config.output.evidence_draws;
    (draws > 0)
        .then(|| weigh(engine.target, proposal, draws, engine.config.max_batch_rows, engine.config.seed))
}

fn weigh(
    target: &dyn Target,
    proposal: &dyn Proposal,
    draws: usize,
    max_rows: usize,
    seed: u64,
) -> ProposalReport {
    let mut stream = Stream::new(seed, ESTIMATE_STREAM);
    let mut log_weights = vec![0.0; draws];
    let mut non_finite = 0;
    for chunk in log_weights.chunks_mut(max_rows) {
        let mut noise = Points::zeros(chunk.len(), proposal.noise_dim());
        stream.fill_normal(noise.data_mut());
        let mut x = Points::zeros(chunk.len(), proposal.dim());
        let mut log_q = vec![0.0; chunk.len()];
        proposal.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
        target.log_prob(x.as_batch(), chunk);
        for (weight, log_q) in chunk.iter_mut().zip(log_q) {
            *weight -= log_q;
            if weight.is_nan() || *weight == f64::INFINITY {
                *weight = f64::NEG_INFINITY;
                non_finite += 1;
            }
        }
    }
    let s = ImportanceSummary::compute(&log_weights);
    ProposalReport {
        draws,
        ess_share: s.ess_share,
        max_weight: s.max_weight,
        pareto_k: s.pareto_k,
        log_evidence: s.log_evidence,
        log_evidence_se: s.log_evidence_error,
        non_finite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposal::GaussianConfig;
    use crate::target::{FnTarget, Pointwise};

    #[test]
    fn the_evidence_of_a_gaussian_is_found() {
        // exp(-x^2 / 2) in two dimensions integrates to 2 pi; the proposal is N(0, 2 I), ESS share 3/4.
        let target = FnTarget::new(2, |x: &[f64]| -0.5 * (x[0] * x[0] + x[1] * x[1]));
        let proposal = GaussianConfig { sd: vec![2f64.sqrt()], ..Default::default() }.build(2).unwrap();
        let report = weigh(&Pointwise(target), &proposal, 20_000, 3000, 1);
        let exact = std::f64::consts::TAU.ln();
        assert!((report.log_evidence - exact).abs() < 5.0 * report.log_evidence_se, "{report:?}");
        assert!((report.ess_share - 0.75).abs() < 0.02, "{report:?}");
        assert!(report.pareto_k < 0.7);
    }
}
