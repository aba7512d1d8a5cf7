//! Annealed importance sampling: independent chains move along a ladder of tempered densities and collect a weight at every rung.
//!
//! `x_0 ~ pi_0`; `log w = sum_{k=1..K} (b_k - b_{k-1}) (log pi - log pi_0)(x_{k-1})`, where `x_k` comes from `x_{k-1}` by `moves`
//! steps of a kernel that keeps `pi_k`; after the last increment nothing moves. `Z^ = mean w` is unbiased for any kernel,
//! ladder and number of moves, zero included (plain importance sampling). Draws are the `x_{K-1}` with their weights.
//!
//! To keep it unbiased, step sizes and ladder must not depend on the chains that are weighted: a *pilot* population with streams of
//! its own climbs first ([`SequentialConfig`](super::SequentialConfig) says how) and leaves a kernel for every rung.
//! With selection `isir`, weighted paths become Markov chains that keep the target: see `iterated.rs`.
//! Reference: Neal, "Annealed importance sampling", Statistics and Computing 11 (2001), eq. (5), (8).

use serde::{Deserialize, Serialize};

use super::annealer::{Annealer, Weighted};
use super::evidence::{Estimate, Options};
use super::iterated::{Iteration, iterate};
use super::movers::check_kernel;
use super::population::Climb;
use super::route::Route;
use super::walkers::Walkers;
use super::weigh::{block_rows, in_order};
use super::{EstimateError, LadderConfig, Rung, WeightedDraws};
use crate::density::{EvaluationError, Target};
use crate::footprint::{Footprint, MOST_COUNT, numbers};
use crate::kernel::{KernelConfig, mala};
use crate::proposal::{Differentiable, GaussianProposalConfig};
use crate::range::{at_least, at_most};
use crate::{ConfigError, Points, Stream};

/// Round of the pilot's streams.
const PILOT: u64 = (1 << 20) - 1;
/// Effective share below which the pilot is resampled.
const PILOT_RESAMPLE_BELOW: f64 = 0.5;

/// Settings of annealed importance sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnnealedConfig {
    /// Independent chains.
    pub chains: usize,
    /// How chains move.
    pub kernel: KernelConfig,
    /// Steps of the kernel on every rung.
    pub moves: usize,
    /// Particles of the pilot that finds step sizes (and rungs, if the ladder is adaptive); 0 for the kernel as it is set.
    pub pilot: usize,
    /// Where chains start.
    pub base: GaussianProposalConfig,
    /// How inverse temperatures are spaced.
    pub ladder: LadderConfig,
    /// What becomes of the weighted paths.
    pub selection: Selection,
}

/// What becomes of the weighted paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Selection {
    /// They are weighted draws.
    #[default]
    None,
    /// Chains choose among fresh paths and their own, by weight, again and again: draws have equal weights.
    Isir {
        /// Paths to choose from, the chain's own included.
        #[serde(default = "default_particles")]
        n_particles: usize,
        /// Draws of each chain.
        #[serde(default = "default_steps")]
        steps: usize,
        /// Weigh the chain's own point anew in every step, by a path that runs backwards from it.
        #[serde(default)]
        conditional: bool,
    },
}

fn default_particles() -> usize {
    10
}

fn default_steps() -> usize {
    100
}

impl Default for AnnealedConfig {
    fn default() -> Self {
        Self {
            chains: 1000,
            kernel: mala(),
            moves: 1,
            pilot: 200,
            base: GaussianProposalConfig::default(),
            ladder: LadderConfig::Sigmoid { rungs: 100, slope: 4.0 },
            selection: Selection::None,
        }
    }
}

impl AnnealedConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("chains", self.chains, 1)?;
        at_most("moves", self.moves, MOST_COUNT)?;
        check_kernel(&self.kernel)?;
        self.base.check().map_err(|e| e.under("base"))?;
        self.ladder.check().map_err(|e| e.under("ladder"))?;
        let adaptive = matches!(self.ladder, LadderConfig::Adaptive { .. });
        if self.pilot == 1 || (self.pilot == 0 && adaptive) {
            let reason = "the pilot needs at least 2 particles; without one, the ladder must be given";
            return Err(ConfigError::new("pilot", self.pilot, reason));
        }
        if let Selection::Isir { n_particles, steps, conditional } = self.selection {
            at_least("selection.n_particles", n_particles, 2)?;
            at_least("selection.steps", steps, 1)?;
            if conditional && !self.kernel.law().reversible {
                let reason =
                    "a path can only run backwards if the kernel is reversible, which a sequence is not";
                return Err(ConfigError::new("selection.conditional", conditional, reason));
            }
        } else {
            at_least("chains", self.chains, 2)?;
        }
        Ok(())
    }

    /// What it holds in `dim` dimensions.
    pub(super) fn footprint(&self, dim: usize, options: &Options) -> Footprint {
        let mut all = Footprint::default();
        let kept = if options.keep_draws { dim.saturating_add(1) } else { 0 };
        let threads = rayon::current_num_threads();
        all.pass(Walkers::bytes(self.pilot, dim), &[("pilot", self.pilot)]);
        if let Selection::Isir { n_particles, steps, .. } = self.selection {
            let paths =
                [("chains", self.chains), ("selection.steps", steps), ("selection.n_particles", n_particles)];
            all.hold(numbers(&[4, self.chains, steps, n_particles]), &paths);
            all.hold(numbers(&[2, self.chains, steps, kept]), &paths);
            all.hold(Walkers::bytes(n_particles.saturating_mul(threads), dim), &paths[2..]);
        } else {
            let rows = block_rows(self.chains, options.max_batch_rows).saturating_mul(2 * threads);
            all.hold(numbers(&[3, self.chains]), &[("chains", self.chains)]);
            all.hold(numbers(&[2, self.chains, kept]), &[("chains", self.chains)]);
            all.hold(Walkers::bytes(rows.min(self.chains), dim), &[("chains", self.chains)]);
        }
        all
    }

    /// The estimate for `target`, starting from the Gaussian of the settings.
    ///
    /// # Errors
    /// When a setting cannot be used, or the pilot does not arrive at the target.
    pub fn estimate(&self, target: &dyn Target, options: &Options) -> Result<Estimate, EstimateError> {
        let base = self.base.build(target.dim()).map_err(|e| e.under("base"))?;
        self.estimate_from(&base, target, options)
    }

    /// The estimate for `target`, starting from any base, e.g. a trained flow.
    ///
    /// # Errors
    /// As [`AnnealedConfig::estimate`].
    pub fn estimate_from(
        &self,
        base: &dyn Differentiable,
        target: &dyn Target,
        options: &Options,
    ) -> Result<Estimate, EstimateError> {
        self.check()?;
        let memory = self.footprint(target.dim(), options);
        Route { base, target }.estimate(&self.kernel, &memory, options, |route| self.anneal(route, options))
    }

    /// The pilot, then weighted paths.
    fn anneal(&self, route: Route<'_>, options: &Options) -> Result<Estimate, EstimateError> {
        let (annealer, rungs, non_finite) = self.annealer(route, options)?;
        let weighted = match self.selection {
            Selection::None => self.weigh(&annealer, options)?,
            Selection::Isir { n_particles, steps, conditional } => {
                let plan =
                    Iteration { chains: self.chains, n_particles, steps, conditional, seed: options.seed };
                iterate(&annealer, plan, options.keep_draws)?
            }
        };
        let estimate = Estimate::of_weights(&weighted.log_weights, non_finite + weighted.non_finite);
        Ok(Estimate { rungs, moved: weighted.moved, weighted: weighted.draws, ..estimate })
    }

    /// The rungs with their kernels, fixed from here on.
    fn annealer<'a>(
        &self,
        route: Route<'a>,
        options: &Options,
    ) -> Result<(Annealer<'a>, Vec<Rung>, u64), EstimateError> {
        let dim = route.dim();
        let build = || self.kernel.build(dim).map_err(|e| e.under("kernel"));
        let max_rows = options.max_batch_rows;
        let (mut rungs, mut climbed, mut non_finite) = (Vec::new(), Vec::new(), 0);
        match self.ladder.betas() {
            // Without moves the increments add up to one.
            Some(_) if self.moves == 0 => rungs.push((1.0, build()?)),
            Some(betas) if self.pilot == 0 => {
                for beta in betas {
                    rungs.push((beta, build()?));
                }
            }
            _ => {
                let climb = Climb {
                    route,
                    kernel: &self.kernel,
                    ladder: &self.ladder,
                    particles: self.pilot,
                    moves: self.moves,
                    resample_below: PILOT_RESAMPLE_BELOW,
                    seed: options.seed,
                    round: PILOT,
                    max_rows,
                };
                let summit = climb.run()?;
                for (rung, state) in summit.rungs.iter().zip(&summit.kernels) {
                    // Not frozen: freezing would take an average over all rungs. A kernel changes in `adapt` only.
                    let mut kernel = build()?;
                    kernel.load(state).expect("the state of the same kernel");
                    rungs.push((rung.beta, kernel));
                }
                climbed = summit.rungs;
                non_finite = summit.non_finite;
            }
        }
        Ok((Annealer { route, rungs, moves: self.moves, max_rows }, climbed, non_finite))
    }

    fn weigh(&self, annealer: &Annealer<'_>, options: &Options) -> Result<Weighted, EvaluationError> {
        let (mut log_weights, mut x, mut non_finite) = (Vec::with_capacity(self.chains), Vec::new(), 0);
        let make = |range: std::ops::Range<usize>| {
            annealer.up(range.map(|i| Stream::for_estimate(options.seed, 0, i as u64)).collect())
        };
        in_order(self.chains, options.max_batch_rows, make, |paths| {
            log_weights.extend_from_slice(&paths.log_weights);
            non_finite += paths.non_finite;
            if options.keep_draws {
                x.extend(paths.x.into_vec());
            }
        })?;
        let draws = options
            .keep_draws
            .then(|| WeightedDraws::new(Points::from_vec(x, annealer.route.dim()), log_weights.clone()));
        Ok(Weighted { log_weights, draws, non_finite, moved: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{isir, sequence};

    #[test]
    fn unusable_settings_are_named() {
        let key = |c: AnnealedConfig| c.check().unwrap_err().key;
        let default = AnnealedConfig::default;
        assert_eq!(key(AnnealedConfig { chains: 1, ..default() }), "chains");
        let ladder = LadderConfig::Adaptive { ess: 0.99 };
        assert_eq!(key(AnnealedConfig { ladder, pilot: 0, ..default() }), "pilot");
        let selection = Selection::Isir { n_particles: 1, steps: 3, conditional: false };
        assert_eq!(key(AnnealedConfig { selection, ..default() }), "selection.n_particles");
        let selection = Selection::Isir { n_particles: 3, steps: 3, conditional: true };
        let kernel = sequence([isir(4), mala()]);
        assert_eq!(key(AnnealedConfig { selection, kernel, ..default() }), "selection.conditional");
        AnnealedConfig { selection, chains: 1, ..default() }.check().unwrap();
        default().check().unwrap();
    }
}
