//! Adaptive importance sampling: a flow learns from its own weighted draws, and the evidence comes from fresh draws of the
//! flow as it was frozen.
//!
//! Every round draws from the present proposal, weighs, and takes optimiser steps on
//! `a L_forward + (1 - a) L_reverse`, with `L_forward = -sum_i W_i log q(x_i)`, weights and points constant (the objective
//! `pool` of [`train`](crate::train)). The first round draws from a fixed Gaussian, `initial`, later ones from
//! `(1 - defensive) flow + defensive initial`, so that what the flow has forgotten can come back. The first round that gives
//! weights whitens the flow. Weights that are too uneven to learn from are raised to the largest power `p <= 1` at which
//! their effective share is `min_ess`. None of this touches the final estimate: given the proposal, its draws are independent.
//! Reference: Bugallo et al., "Adaptive importance sampling", IEEE Signal Processing Magazine 34 (2017).

use serde::{Deserialize, Serialize};

use super::EstimateError;
use super::evidence::{Estimate, Evaluations, Options};
use super::importance::{importance_bytes, importance_round};
use super::ladder::{bisect, conditional_ess, times};
use super::rungs::Round;
use super::weigh::{Batchwise, weigh};
use crate::density::{Counted, EvaluationError, Failure, Guarded, Target};
use crate::flow::{Flow, FlowConfig};
use crate::footprint::{Footprint, MOST_COUNT, bytes, numbers};
use crate::math::log_sum_exp;
use crate::proposal::{Defensive, Gaussian, GaussianProposalConfig, Proposal};
use crate::range::{at_least, at_most, below_one, open_share};
use crate::rng::FLOW_INIT_STREAM;
use crate::train::{
    Examples, MixSchedule, Objective, Particles, TrainAction, Trainer, TrainingConfig, uninterrupted,
};
use crate::{ConfigError, Points, Stream};

/// Settings of adaptive importance sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveImportanceConfig {
    /// Rounds of drawing and training.
    pub rounds: usize,
    /// Draws of a round.
    pub round_draws: usize,
    /// Optimiser steps of a round.
    pub steps: usize,
    /// Weight of the forward KL; the rest is reverse KL.
    pub mix: MixSchedule,
    /// Effective share that the weights of a round are flattened to for training.
    pub min_ess: f64,
    /// The Gaussian of the first round.
    pub initial: GaussianProposalConfig,
    /// Share of that Gaussian in the proposal, also of the final draws; 0 for none.
    pub defensive: f64,
    /// Draws of the final estimate.
    pub draws: usize,
    /// Smooth the weights that are kept with the draws by Pareto's law; the evidence stays unbiased.
    pub smooth: bool,
}

impl Default for AdaptiveImportanceConfig {
    fn default() -> Self {
        Self {
            rounds: 40,
            round_draws: 1000,
            steps: 20,
            mix: MixSchedule::Constant { forward: 0.5 },
            min_ess: 0.1,
            initial: GaussianProposalConfig::default(),
            defensive: 0.05,
            draws: 10_000,
            smooth: false,
        }
    }
}

impl AdaptiveImportanceConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("rounds", self.rounds, 1)?;
        at_least("round_draws", self.round_draws, 2)?;
        at_least("steps", self.steps, 1)?;
        at_least("draws", self.draws, 2)?;
        at_most("steps", self.steps, MOST_COUNT)?;
        open_share("min_ess", self.min_ess)?;
        below_one("defensive", self.defensive)?;
        self.action().check()?;
        self.initial.check().map_err(|e| e.under("initial"))
    }

    /// What it holds in `dim` dimensions, the flow apart.
    pub(super) fn footprint(&self, dim: usize, options: &Options) -> Footprint {
        let mut all = Footprint::default();
        let kept = if options.keep_draws { dim.saturating_add(1) } else { 0 };
        let last = importance_bytes(self.draws, dim, options.max_batch_rows);
        all.pass(last.saturating_add(numbers(&[self.draws, kept])), &[("draws", self.draws)]);
        // Points while they grow, weights as they are, flattened and of the particles.
        let round = numbers(&[2, self.round_draws, dim.saturating_add(2)]);
        all.pass(round, &[("round_draws", self.round_draws)]);
        all.hold(bytes(size_of::<Round>(), &[self.rounds]), &[("rounds", self.rounds)]);
        all
    }

    fn action(&self) -> TrainAction {
        TrainAction {
            objective: Objective::Pool { mix: self.mix },
            steps: self.steps,
            ..TrainAction::default()
        }
    }

    /// Trains a new flow and gives the estimate with the flow as it was frozen.
    ///
    /// # Errors
    /// When a setting cannot be used, or the training needs gradients that the target does not have.
    pub fn estimate(
        &self,
        flow: &FlowConfig,
        training: &TrainingConfig,
        target: &dyn Target,
        options: &Options,
    ) -> Result<(Estimate, Flow), EstimateError> {
        self.footprint(target.dim(), options).check()?;
        let mut stream = Stream::new(options.seed, FLOW_INIT_STREAM);
        let flow = Flow::new(flow, target.dim(), &mut stream).map_err(|e| e.under("flow"))?;
        self.estimate_with(flow, training, target, options)
    }

    /// The same, going on from a flow.
    ///
    /// # Errors
    /// As [`AdaptiveImportanceConfig::estimate`].
    pub fn estimate_with(
        &self,
        mut flow: Flow,
        training: &TrainingConfig,
        target: &dyn Target,
        options: &Options,
    ) -> Result<(Estimate, Flow), EstimateError> {
        self.check()?;
        options.check()?;
        self.footprint(target.dim(), options).check()?;
        if self.action().objective.uses_target() && !target.has_gradient() {
            let reason = "reverse KL needs gradients; set `mix = { kind = \"constant\", forward = 1.0 }`";
            return Err(ConfigError::new("target", "a density without gradient", reason).into());
        }
        let initial = self.initial.build(target.dim()).map_err(|e| e.under("initial"))?;
        let counted = Counted::new(target);
        let mut trainer = Trainer::new(training.clone(), &flow, self.rounds, options.seed)
            .map_err(|e| e.under("training"))?;
        let (mut rounds, mut non_finite) = (Vec::with_capacity(self.rounds), 0);
        for round in 0..self.rounds {
            non_finite +=
                self.round(round, &initial, &mut flow, &mut trainer, &counted, options, &mut rounds)?;
        }
        let final_round = self.rounds as u64;
        let estimate = self.with_proposal(&flow, &initial, |proposal| {
            importance_round(&counted, proposal, final_round, self.draws, self.smooth, options)
        })?;
        let non_finite = non_finite + estimate.non_finite;
        Ok((Estimate { non_finite, cost: Evaluations::of(&counted), rounds, ..estimate }, flow))
    }

    /// Draws, weighs and trains once; returns the number of draws where the target failed.
    #[allow(clippy::too_many_arguments)]
    fn round(
        &self,
        round: usize,
        initial: &Gaussian,
        flow: &mut Flow,
        trainer: &mut Trainer,
        target: &dyn Target,
        options: &Options,
        rounds: &mut Vec<Round>,
    ) -> Result<u64, EvaluationError> {
        let plan = Batchwise {
            seed: options.seed,
            round: round as u64,
            draws: self.round_draws,
            max_rows: options.max_batch_rows,
        };
        let (mut x, mut log_weights) = (Vec::new(), Vec::with_capacity(self.round_draws));
        let mut draw = |proposal: &dyn Proposal| {
            weigh(target, proposal, plan, |points, weights| {
                x.extend_from_slice(points.data());
                log_weights.extend_from_slice(weights);
            })
        };
        let non_finite =
            if round == 0 { draw(initial)? } else { self.with_proposal(flow, initial, &mut draw)? };
        let x = Points::from_vec(x, target.dim());
        if log_sum_exp(&log_weights) == f64::NEG_INFINITY {
            // Nothing to learn from; the next round tries again.
            rounds.push(Round { ess_share: f64::NAN, power: 1.0, loss: f64::NAN });
            return Ok(non_finite);
        }
        let (ess_share, power) = flatten(&mut log_weights, self.min_ess);
        // The first round that has anything to learn from.
        if rounds.iter().all(|r| r.ess_share.is_nan()) {
            let weights: Vec<f64> = log_weights.iter().map(|w| w.exp()).collect();
            flow.set_whitening_from(x.as_batch(), Some(&weights));
        }
        let particles = Particles { x: x.as_batch(), log_weights: &log_weights, per_chain: self.round_draws };
        let failure = Failure::default();
        let examples = Examples::of(Guarded::new(target, &failure)).with_particles(Some(particles));
        let Ok(report) = trainer.train(&self.action(), flow, examples, &uninterrupted);
        failure.check()?;
        rounds.push(Round { ess_share, power, loss: report.loss });
        Ok(non_finite)
    }

    /// Calls `f` with the flow, mixed with the initial Gaussian if that is wanted.
    fn with_proposal<R>(&self, flow: &Flow, initial: &Gaussian, f: impl FnOnce(&dyn Proposal) -> R) -> R {
        if self.defensive > 0.0 { f(&Defensive::new(flow, initial, self.defensive)) } else { f(flow) }
    }
}

/// Raises weights to the largest power at which their effective share is `min_ess`, and normalises them. Returns the
/// share before, and the power.
fn flatten(log_weights: &mut [f64], min_ess: f64) -> (f64, f64) {
    // Increments over equal weights: their conditional ESS is the ESS of the weights raised to the power.
    let equal = vec![-(log_weights.len() as f64).ln(); log_weights.len()];
    let ess_share = conditional_ess(&equal, log_weights, 1.0);
    let power = bisect(&equal, log_weights, min_ess, 1.0);
    log_weights.iter_mut().for_each(|w| *w = times(power, *w));
    let total = log_sum_exp(log_weights);
    log_weights.iter_mut().for_each(|w| *w -= total);
    (ess_share, power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::from_fn;

    #[test]
    fn flattened_weights_have_the_share_asked_for() {
        // 1 and 9 in equal numbers: ESS share 100 / (2 * 82); at power p, (1 + 9^p)^2 / (2 (1 + 81^p)) = 0.8 for 9^p = 3.
        let mut w = [0.0, 9f64.ln(), 0.0, 9f64.ln()];
        let (share, power) = flatten(&mut w, 0.8);
        assert!((share - 100.0 / 164.0).abs() < 1e-14 && (power - 0.5).abs() < 1e-9);
        assert!((w[1].exp() - 0.375).abs() < 1e-9 && (w[0].exp() - 0.125).abs() < 1e-9);
        let mut even = [0.0, 0.1];
        assert_eq!(flatten(&mut even, 0.8).1, 1.0);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let key = |c: AdaptiveImportanceConfig| c.check().unwrap_err().key;
        let default = AdaptiveImportanceConfig::default;
        assert_eq!(key(AdaptiveImportanceConfig { min_ess: f64::NAN, ..default() }), "min_ess");
        assert_eq!(key(AdaptiveImportanceConfig { defensive: 1.0, ..default() }), "defensive");
        let mix = MixSchedule::Constant { forward: 2.0 };
        assert_eq!(key(AdaptiveImportanceConfig { mix, ..default() }), "mix.forward");
        default().check().unwrap();
        let target = from_fn(1, |x: &[f64]| -x[0] * x[0]);
        let e = default().estimate(
            &FlowConfig::default(),
            &TrainingConfig::default(),
            &target,
            &Options::default(),
        );
        assert!(e.unwrap_err().to_string().contains("forward = 1.0"));
    }

    #[test]
    fn the_flow_is_whitened_by_the_first_round_that_has_weights() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        // N(3, 1/4), but nothing at all at the first 100 points that are asked about: the whole first round.
        let asked = AtomicUsize::new(0);
        let target = from_fn(1, move |x: &[f64]| {
            let early = asked.fetch_add(1, Ordering::Relaxed) < 100;
            if early { f64::NEG_INFINITY } else { -2.0 * (x[0] - 3.0).powi(2) }
        });
        let config = AdaptiveImportanceConfig {
            rounds: 2,
            round_draws: 100,
            steps: 1,
            mix: MixSchedule::Constant { forward: 1.0 },
            initial: GaussianProposalConfig { sd: vec![3.0], ..GaussianProposalConfig::default() },
            defensive: 0.5,
            draws: 10,
            ..AdaptiveImportanceConfig::default()
        };
        let (estimate, flow) = config
            .estimate(&FlowConfig::default(), &TrainingConfig::default(), &target, &Options::default())
            .unwrap();
        assert!(estimate.rounds[0].ess_share.is_nan() && estimate.rounds[1].ess_share > 0.0);
        assert!((flow.whitening().mean()[0] - 3.0).abs() < 0.5, "{:?}", flow.whitening());
    }
}
