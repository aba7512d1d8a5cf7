//! Importance sampling from any proposal, a trained flow included.
//!
//! `x_i ~ q`, `log w_i = log pi(x_i) - log q(x_i)`, `ln Z^ = lse(log w) - ln n`, `ESS = (sum w)^2 / sum w^2`. Means of other
//! functions are self-normalised ([`WeightedDraws`]). Oracle: `N(0, I)` from `N(0, 2 I)` has `ESS / n -> (3/4)^(dim/2)`.
//! Pareto smoothing concerns the weights that are kept with the draws, never the evidence, whose `Z^` stays unbiased.
//! Reference: Owen, "Monte Carlo theory, methods and examples", chapter 9; Vehtari et al. (2024) for the smoothing.
//! Not offered: the plain mean `(1/n) sum w f`, which needs normalised densities.

use serde::{Deserialize, Serialize};

use super::evidence::{Estimate, Evaluations, Options};
use super::weigh::{Batchwise, weigh, weighing_bytes};
use super::{EstimateError, WeightedDraws};
use crate::density::{Counted, EvaluationError, Target};
use crate::footprint::{Footprint, numbers};
use crate::proposal::{GaussianProposalConfig, Proposal};
use crate::range::at_least;
use crate::{ConfigError, Points};

/// Settings of importance sampling from a fixed Gaussian. With another proposal, see [`importance`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImportanceConfig {
    /// Number of draws.
    pub draws: usize,
    /// Smooth the weights that are kept with the draws by Pareto's law; the evidence stays unbiased.
    pub smooth: bool,
    /// The proposal.
    pub proposal: GaussianProposalConfig,
}

impl Default for ImportanceConfig {
    fn default() -> Self {
        Self { draws: 10_000, smooth: false, proposal: GaussianProposalConfig::default() }
    }
}

impl ImportanceConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("draws", self.draws, 2)?;
        self.proposal.check().map_err(|e| e.under("proposal"))
    }

    /// What it holds in `dim` dimensions.
    pub(super) fn footprint(&self, dim: usize, options: &Options) -> Footprint {
        let mut all = Footprint::default();
        let kept = if options.keep_draws { dim.saturating_add(1) } else { 0 };
        let bytes = importance_bytes(self.draws, dim, options.max_batch_rows);
        all.hold(bytes.saturating_add(numbers(&[self.draws, kept])), &[("draws", self.draws)]);
        all
    }

    /// The estimate for `target`.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn estimate(&self, target: &dyn Target, options: &Options) -> Result<Estimate, EstimateError> {
        self.check()?;
        options.check()?;
        self.footprint(target.dim(), options).check()?;
        let proposal = self.proposal.build(target.dim()).map_err(|e| e.under("proposal"))?;
        Ok(importance(target, &proposal, self.draws, self.smooth, options)?)
    }
}

/// Importance sampling of `target` with `draws` draws from `proposal`; `smooth` asks for Pareto-smoothed weights with the
/// draws that are kept.
///
/// ```
/// use mixwell::estimate::{Options, importance};
/// use mixwell::proposal::GaussianProposalConfig;
/// use mixwell::density::from_fn;
/// // exp(-x^2/2) integrates to sqrt(2 pi).
/// let target = from_fn(1, |x: &[f64]| -0.5 * x[0] * x[0]);
/// let wide = GaussianProposalConfig { sd: vec![1.5], ..Default::default() }.build(1)?;
/// let z = importance(&target, &wide, 2000, false, &Options::default())?.log_evidence;
/// assert!((z.value - 0.5 * std::f64::consts::TAU.ln()).abs() < 5.0 * z.standard_error);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the target cannot be evaluated.
///
/// # Panics
/// When target and proposal differ in dimension.
pub fn importance(
    target: &dyn Target,
    proposal: &dyn Proposal,
    draws: usize,
    smooth: bool,
    options: &Options,
) -> Result<Estimate, EvaluationError> {
    importance_round(target, proposal, 0, draws, smooth, options)
}

/// Bytes that `draws` draws in `dim` dimensions hold: log-weights, and those that the tail is fitted to with their order;
/// or before that, the blocks under way.
pub(crate) fn importance_bytes(draws: usize, dim: usize, max_rows: usize) -> u64 {
    let fit = numbers(&[3, draws]);
    fit.saturating_add(weighing_bytes(draws, dim, max_rows))
}

/// [`importance`] with the streams of another round.
pub(super) fn importance_round(
    target: &dyn Target,
    proposal: &dyn Proposal,
    round: u64,
    draws: usize,
    smooth: bool,
    options: &Options,
) -> Result<Estimate, EvaluationError> {
    assert_eq!(target.dim(), proposal.dim(), "target and proposal differ in dimension");
    let counted = Counted::new(target);
    let plan = Batchwise { seed: options.seed, round, draws, max_rows: options.max_batch_rows };
    let mut log_weights = Vec::with_capacity(draws);
    let mut x = Vec::new();
    let non_finite = weigh(&counted, proposal, plan, |points, weights| {
        log_weights.extend_from_slice(weights);
        if options.keep_draws {
            x.extend_from_slice(points.data());
        }
    })?;
    let mut estimate = Estimate::of_weights(&log_weights, non_finite);
    estimate.cost = Evaluations::of(&counted);
    if options.keep_draws {
        let kept = WeightedDraws::new(Points::from_vec(x, target.dim()), log_weights);
        estimate.weighted = Some(if smooth { kept.smoothed() } else { kept });
    }
    Ok(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{StandardGaussianConfig, from_fn};
    use crate::proposal::{Gaussian, Scale};

    #[test]
    fn effective_sample_size_and_evidence_of_theory() {
        // N(0, I) from N(0, 2 I): E w = 1, E w^2 = (4/3)^(d/2).
        for dim in [1, 6] {
            let target = StandardGaussianConfig { dim, ..Default::default() }.build().unwrap();
            let wide = Gaussian::new(vec![0.0; dim], Scale::Diagonal(vec![2f64.sqrt(); dim]));
            let e = importance(&target, &wide, 40_000, false, &Options::default()).unwrap();
            let second = (4.0f64 / 3.0).powf(dim as f64 / 2.0);
            assert!((e.ess_share * second - 1.0).abs() < 0.03, "{e:?}");
            assert!(e.log_evidence.value.abs() < 5.0 * ((second - 1.0) / 40_000.0).sqrt(), "{e:?}");
            assert_eq!((e.cost.densities, e.cost.gradients, e.weighted.is_none()), (40_000, 0, true));
        }
    }

    #[test]
    fn means_are_self_normalised_and_broken_points_are_counted() {
        // 7 exp(-(x - 1)^2 / 2), NaN above 4: the mean is 1 but for the missing tail of 0.0013.
        let log_prob = |x: &[f64]| if x[0] > 4.0 { f64::NAN } else { 7f64.ln() - 0.5 * (x[0] - 1.0).powi(2) };
        let target = from_fn(1, log_prob);
        let wide = Gaussian::new(vec![0.5], Scale::Diagonal(vec![2.0]));
        let e =
            importance(&target, &wide, 20_000, false, &Options { keep_draws: true, ..Options::default() })
                .unwrap();
        let (mean, error) = e.weighted.as_ref().unwrap().estimate(|x| x[0]);
        assert!((mean - 1.0).abs() < 5.0 * error + 0.005, "{mean} +- {error}");
        // P(N(0.5, 4) > 4) = 0.0401, so about 802 draws; the standard deviation is 28.
        assert!((e.non_finite as f64 - 802.0).abs() < 5.0 * 28.0, "{}", e.non_finite);
    }

    #[test]
    fn smoothing_changes_the_largest_weights_only_and_not_the_evidence() {
        let target = StandardGaussianConfig { dim: 4, ..Default::default() }.build().unwrap();
        let narrow = Gaussian::new(vec![0.0; 4], Scale::Diagonal(vec![0.8; 4]));
        let options = Options { keep_draws: true, ..Options::default() };
        let [plain, smooth] = [false, true].map(|s| importance(&target, &narrow, 2000, s, &options).unwrap());
        assert_eq!(plain.log_evidence, smooth.log_evidence);
        let [p, s] = [plain, smooth].map(|e| e.weighted.unwrap());
        assert_eq!(p.x(), s.x());
        let ratio: Vec<f64> = p.weights().iter().zip(s.weights()).map(|(p, s)| s / p).collect();
        // 3 sqrt(2000) = 134.2, so 135 weights are in the tail; the others change by the common normaliser.
        let least = p.weights().iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        let common = ratio.iter().filter(|r| (**r / ratio[least] - 1.0).abs() < 1e-9).count();
        assert!((1860..2000).contains(&common), "{common}");
    }

    #[test]
    fn blocks_do_not_matter() {
        let target = StandardGaussianConfig { dim: 3, ..Default::default() }.build().unwrap();
        let wide = Gaussian::new(vec![0.0; 3], Scale::Diagonal(vec![1.5; 3]));
        let of = |rows| {
            let options = Options { keep_draws: true, max_batch_rows: rows, ..Options::default() };
            importance(&target, &wide, 333, true, &options).unwrap()
        };
        assert_eq!(of(1), of(16_384));
        assert_eq!(of(50), of(16_384));
    }

    #[test]
    fn a_target_out_of_reach_has_no_evidence() {
        let target = from_fn(1, |_: &[f64]| f64::NEG_INFINITY);
        let e = importance(&target, &Gaussian::standard(1), 100, false, &Options::default()).unwrap();
        assert!(e.log_evidence.value == f64::NEG_INFINITY && e.log_evidence.standard_error.is_nan());
        assert!(ImportanceConfig { draws: 1, ..Default::default() }.check().is_err());
    }
}
