//! Sequential Monte Carlo: a population climbs from a base to the target, several times independently.
//!
//! Rungs, weights, resampling and moves: see `population.rs`. `Z^` is the mean over the replicates, and its error comes from
//! their spread with one degree of freedom less than there are replicates. Within one population the particles share
//! ancestors, and errors from their genealogy fail when few ancestors are left, so replicates are the honest choice.
//! Replicates need not be large: their mean keeps the bias of one, of the order of one over its number of particles.
//! Draws are the particles of all replicates, weighted by `Z^` of their replicate.
//! Reference: Del Moral, Doucet, Jasra, JRSS-B 68 (2006); systematic resampling: Kitagawa (1996).

use serde::{Deserialize, Serialize};

use super::evidence::{Cost, Estimate, LogEvidence, Options};
use super::population::Climb;
use super::walkers::Walkers;
use super::{EstimateError, GeometricPath, LadderConfig, WeightedDraws};
use crate::density::{Counted, Target};
use crate::footprint::{Footprint, MOST_COUNT, at_most, numbers};
use crate::kernel::range::at_least;
use crate::kernel::{KernelConfig, mala};
use crate::proposal::{Differentiable, GaussianConfig};
use crate::{ConfigError, Points};

/// Settings of sequential Monte Carlo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SequentialConfig {
    /// Particles of one replicate.
    pub particles: usize,
    /// Independent replicates; the error comes from their spread.
    pub replicates: usize,
    /// How particles move; step size and metric adapt to the population.
    pub kernel: KernelConfig,
    /// Steps of the kernel on every rung.
    pub moves: usize,
    /// Resample when the effective share of the particles is below this; 1 for always, 0 for never.
    pub resample_below: f64,
    /// Where the population starts.
    pub base: GaussianConfig,
    /// How inverse temperatures are spaced.
    pub ladder: LadderConfig,
}

impl Default for SequentialConfig {
    fn default() -> Self {
        Self {
            particles: 1000,
            replicates: 8,
            kernel: mala(),
            moves: 5,
            resample_below: 0.5,
            base: GaussianConfig::default(),
            ladder: LadderConfig::Adaptive { ess: 0.9 },
        }
    }
}

impl SequentialConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("particles", self.particles, 2)?;
        at_least("replicates", self.replicates, 1)?;
        at_most("moves", self.moves, MOST_COUNT)?;
        if !(0.0..=1.0).contains(&self.resample_below) {
            let reason = "a share lies between 0 and 1";
            return Err(ConfigError::new("resample_below", self.resample_below, reason));
        }
        check_kernel(&self.kernel)?;
        self.base.check().map_err(|e| e.under("base"))?;
        self.ladder.check().map_err(|e| e.under("ladder"))
    }

    /// What it holds in `dim` dimensions.
    pub(super) fn footprint(&self, dim: usize, options: &Options) -> Footprint {
        let mut all = Footprint::default();
        let kept = if options.keep_draws { dim.saturating_add(1) } else { 0 };
        let population = Walkers::bytes(self.particles, dim).saturating_add(numbers(&[10, self.particles]));
        all.hold(population, &[("particles", self.particles)]);
        let weights =
            numbers(&[3usize.saturating_add(kept.saturating_mul(2)), self.particles, self.replicates]);
        all.hold(weights, &[("particles", self.particles), ("replicates", self.replicates)]);
        all
    }

    /// The estimate for `target`, starting from the Gaussian of the settings.
    ///
    /// # Errors
    /// When a setting cannot be used, or no population arrives at the target.
    pub fn estimate(&self, target: &dyn Target, options: &Options) -> Result<Estimate, EstimateError> {
        let base = self.base.build(target.dim()).map_err(|e| e.under("base"))?;
        self.estimate_from(&base, target, options)
    }

    /// The estimate for `target`, starting from any base, e.g. a trained flow.
    ///
    /// ```
    /// use mixwell::estimate::{Options, SequentialConfig};
    /// use mixwell::density::BananaConfig;
    /// let target = BananaConfig { dim: 2, ..Default::default() }.build()?;
    /// let smc = SequentialConfig { particles: 100, ..Default::default() };
    /// let z = smc.estimate(&target, &Options::default())?.log_evidence;
    /// let exact = (5.0 * std::f64::consts::TAU).ln();
    /// assert!((z.value - exact).abs() < 6.0 * z.standard_error);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`SequentialConfig::estimate`].
    pub fn estimate_from(
        &self,
        base: &dyn Differentiable,
        target: &dyn Target,
        options: &Options,
    ) -> Result<Estimate, EstimateError> {
        self.check()?;
        options.check()?;
        self.footprint(target.dim(), options).check()?;
        check_needs(&self.kernel, base, target)?;
        let counted = Counted::new(target);
        let path = GeometricPath::new(base, &counted, 0.0);
        let (mut log_z, mut log_weights, mut x) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rungs, mut pareto_k, mut broken) = (Vec::new(), f64::NEG_INFINITY, 0);
        for replicate in 0..self.replicates {
            let climb = Climb {
                path,
                kernel: &self.kernel,
                ladder: &self.ladder,
                particles: self.particles,
                moves: self.moves,
                resample_below: self.resample_below,
                seed: options.seed,
                round: replicate as u64,
                max_rows: options.max_batch_rows,
            };
            let summit = climb.run()?;
            log_z.push(summit.log_z);
            log_weights.extend(summit.log_weights.iter().map(|w| w + summit.log_z));
            if options.keep_draws {
                x.extend(summit.x.into_vec());
            }
            pareto_k = pareto_k.max(summit.pareto_k);
            broken += summit.broken;
            if replicate == 0 {
                rungs = summit.rungs;
            }
        }
        let pooled = Estimate::of_weights(&log_weights, broken, Cost::of(&counted));
        Ok(Estimate {
            log_evidence: LogEvidence::of_replicates(&log_z),
            pareto_k,
            rungs,
            weighted: options
                .keep_draws
                .then(|| WeightedDraws::new(Points::from_vec(x, target.dim()), log_weights)),
            ..pooled
        })
    }
}

/// Refuses kernels that do not keep the density they are aimed at, on the chain alone.
///
/// Replicas beside the chain cannot be used here: those of one rung do not follow the law of the next, and without them the
/// chain's moves do not keep the density of the rung. The evidence would be wrong however many particles there are.
pub(super) fn check_kernel(kernel: &KernelConfig) -> Result<(), ConfigError> {
    let law = kernel.law();
    if law.keeps_replicas {
        let reason = "parallel tempering keeps replicas beside the chain, and after a rung of the ladder they belong to an older rung: \
                      the evidence would be wrong; use the kernel inside it, or mala, hmc, nuts or random_walk";
        return Err(ConfigError::new("kernel", kernel.kind(), reason));
    }
    if !law.exact {
        let reason = "the moves must keep the tempered density; use mala, hmc, nuts or random_walk";
        return Err(ConfigError::new("kernel", kernel.kind(), reason));
    }
    kernel.check().map_err(|e| e.under("kernel"))
}

/// Refuses kernels that ask for what target or base cannot give.
pub(super) fn check_needs(
    kernel: &KernelConfig,
    base: &dyn Differentiable,
    target: &dyn Target,
) -> Result<(), EstimateError> {
    let needs = kernel.build(target.dim()).map_err(|e| e.under("kernel"))?.needs();
    if needs.gradient && !target.has_gradient() {
        let reason = "the kernel needs gradients; give one, or use random_walk";
        return Err(ConfigError::new("target", "a density without gradient", reason).into());
    }
    if needs.flow && base.as_transport().is_none() {
        let reason = "it moves in the latent space of the base, which is no invertible map";
        return Err(ConfigError::new("kernel", kernel.kind(), reason).into());
    }
    Ok(())
}

/// Systematic resampling: the indices hit by `(i + u) / n`, `i = 0..n`, in the cumulated normalised weights; in rising order.
///
/// Every index comes up `floor(n w)` or `ceil(n w)` times.
///
/// ```
/// assert_eq!(mixwell::estimate::systematic(&[0.5, 0.25, 0.25], 4, 0.5), [0, 0, 1, 2]);
/// ```
pub fn systematic(weights: &[f64], n: usize, u: f64) -> Vec<usize> {
    let last = weights.iter().rposition(|w| *w > 0.0).unwrap_or(0);
    let (mut at, mut below) = (0, 0.0);
    (0..n)
        .map(|i| {
            let place = (i as f64 + u) / n as f64;
            // Rounding must not lead past the last index that has a weight.
            while at < last && below + weights[at] <= place {
                below += weights[at];
                at += 1;
            }
            at
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn systematic_counts_are_next_to_their_expectation() {
        let mut stream = Stream::new(1, 0);
        let raw: Vec<f64> = (0..50).map(|_| stream.uniform().powi(3)).collect();
        let total: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / total).collect();
        let mut mean = vec![0.0; 50];
        for _ in 0..4000 {
            let mut counts = vec![0.0; 50];
            systematic(&weights, 120, stream.uniform()).into_iter().for_each(|i| counts[i] += 1.0);
            for ((count, w), mean) in counts.iter().zip(&weights).zip(&mut mean) {
                assert!((count - 120.0 * w).abs() < 1.0 + 1e-9);
                *mean += count / 4000.0;
            }
        }
        // Unbiased: a count is a coin flip around its expectation, so the standard error is at most 0.5 / sqrt(4000).
        for (mean, w) in mean.iter().zip(&weights) {
            assert!((mean - 120.0 * w).abs() < 5.0 * 0.5 / 4000f64.sqrt(), "{mean} {}", 120.0 * w);
        }
    }

    #[test]
    fn weights_of_zero_are_never_chosen() {
        assert_eq!(systematic(&[0.0, 1.0, 0.0], 3, 0.999_999), [1, 1, 1]);
        assert_eq!(systematic(&[0.0, 0.0, 1.0], 2, 1e-9), [2, 2]);
    }

    #[test]
    fn unusable_settings_are_named() {
        let key = |c: SequentialConfig| c.check().unwrap_err().key;
        let default = SequentialConfig::default;
        assert_eq!(key(SequentialConfig { particles: 1, ..default() }), "particles");
        assert_eq!(key(SequentialConfig { resample_below: f64::NAN, ..default() }), "resample_below");
        assert_eq!(key(SequentialConfig { kernel: crate::kernel::ula(), ..default() }), "kernel");
        let ladder = LadderConfig::Adaptive { ess: 0.0 };
        assert_eq!(key(SequentialConfig { ladder, ..default() }), "ladder.ess");
        default().check().unwrap();
    }
}
