//! Sequential Monte Carlo: a population is moved from a base to the target along a ladder, in several independent replicates.
//!
//! Rungs, weights, resampling and moves: see `population.rs`. `Z^` is the mean over the replicates, and its error comes from
//! their spread with one degree of freedom less than there are replicates. Within one population the particles share
//! ancestors, and errors from their genealogy fail when few ancestors are left, so the error is taken from replicates.
//! Replicates need not be large: the bias of their mean is that of a single one, of the order of one over its number of particles.
//! Draws are the particles of all replicates, weighted by `Z^` of their replicate.
//! Reference: Del Moral, Doucet, Jasra, JRSS-B 68 (2006).

use serde::{Deserialize, Serialize};

use super::evidence::{Estimate, LogEvidence, Options};
use super::movers::check_kernel;
use super::population::Climb;
use super::route::Route;
use super::walkers::Walkers;
use super::{EstimateError, LadderConfig, WeightedDraws};
use crate::density::Target;
use crate::footprint::{Footprint, MOST_COUNT, numbers};
use crate::kernel::{KernelConfig, mala};
use crate::proposal::{Differentiable, GaussianProposalConfig};
use crate::range::{at_least, at_most, share};
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
    pub base: GaussianProposalConfig,
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
            base: GaussianProposalConfig::default(),
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
        share("resample_below", self.resample_below)?;
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
        let memory = self.footprint(target.dim(), options);
        Route { base, target }.estimate(&self.kernel, &memory, options, |route| self.climb(route, options))
    }

    /// Every replicate from base to target, and what they say together.
    fn climb(&self, route: Route<'_>, options: &Options) -> Result<Estimate, EstimateError> {
        let (mut log_z, mut log_weights, mut x) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rungs, mut pareto_k, mut non_finite) = (Vec::new(), f64::NEG_INFINITY, 0);
        for replicate in 0..self.replicates {
            let climb = Climb {
                route,
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
            non_finite += summit.non_finite;
            if replicate == 0 {
                rungs = summit.rungs;
            }
        }
        let pooled = Estimate::of_weights(&log_weights, non_finite);
        Ok(Estimate {
            log_evidence: LogEvidence::of_replicates(&log_z),
            pareto_k,
            rungs,
            weighted: options
                .keep_draws
                .then(|| WeightedDraws::new(Points::from_vec(x, route.dim()), log_weights)),
            ..pooled
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
