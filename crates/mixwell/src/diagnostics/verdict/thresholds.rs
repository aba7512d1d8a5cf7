//! The bars of the verdict, every one a setting.

use serde::{Deserialize, Serialize};

use crate::{ConfigError, range};

/// The bars of the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Largest R-hat that passes.
    pub rhat: f64,
    /// Smallest bulk and tail ESS per chain that passes, all chains together ...
    pub ess_per_chain: f64,
    /// ... but no more than this is asked for.
    pub ess: f64,
    /// Share of production trajectories that may diverge; fewer are a warning.
    pub divergences: f64,
    /// Longest run without a move that passes, as a share of a chain.
    pub stuck: f64,
    /// Acceptance of global moves below which there is a warning.
    pub global_acceptance: f64,
    /// Shape of the tail of importance weights above which there is a warning.
    pub pareto_k: f64,
    /// Largest Monte Carlo error of a standard deviation that passes, as a share of it.
    pub mcse_sd: f64,
    /// Shape of the tails of a parameter's draws above which its mean and standard deviation are marked.
    pub heavy_tails: f64,
    /// How far the log-density of a chain's first draw may lie below the lowest of later draws, as a share of the distance from
    /// their median down to their lowest.
    pub late_chain: f64,
    /// Smallest success of moves from the tails of a parameter that passes, as a share of the success of all moves; below one and a
    /// half times that there is a warning.
    pub tail_mobility: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            rhat: 1.01,
            ess_per_chain: 100.0,
            ess: 400.0,
            divergences: 0.01,
            stuck: 0.1,
            global_acceptance: 0.05,
            pareto_k: 0.7,
            mcse_sd: 0.2,
            heavy_tails: 0.7,
            late_chain: 0.5,
            tail_mobility: 0.4,
        }
    }
}

impl Thresholds {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.rhat.is_nan() || self.rhat <= 1.0 {
            return Err(ConfigError::new(
                "rhat",
                self.rhat,
                "R-hat is 1 for perfect chains: the bar must be above 1",
            ));
        }
        for (key, value) in [("ess_per_chain", self.ess_per_chain), ("ess", self.ess)] {
            range::bar(key, value)?;
        }
        for (key, value) in [
            ("divergences", self.divergences),
            ("stuck", self.stuck),
            ("global_acceptance", self.global_acceptance),
            ("tail_mobility", self.tail_mobility),
        ] {
            range::share(key, value)?;
        }
        for (key, value) in [("pareto_k", self.pareto_k), ("heavy_tails", self.heavy_tails)] {
            if value.is_nan() {
                return Err(ConfigError::new(key, value, "a bar must be a number"));
            }
        }
        for (key, value) in [("mcse_sd", self.mcse_sd), ("late_chain", self.late_chain)] {
            range::bar(key, value)?;
        }
        Ok(())
    }

    /// The bar for bulk and tail ESS of a run with this many chains.
    pub fn ess_bar(&self, n_chains: usize) -> f64 {
        (self.ess_per_chain * n_chains as f64).min(self.ess)
    }
}
