//! Ex2MCMC: i-SIR, then local steps. The proposal is fixed, or a flow that is only fitted to mean and covariance of the
//! warm-up draws.
//!
//! Reference: Samsonov et al., "Local-Global MCMC kernels: the best of both worlds", NeurIPS 2022, algorithm 2.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::{Expand, default_local, round};
use crate::ConfigError;
use crate::kernel::{IsirConfig, KernelConfig, ProposalChoice};
use crate::proposal::Proposal;
use crate::sampler::schedule::{Action, Move, Schedule, Stage};
use crate::train::TrainAction;

/// Rounds in which a fitted proposal is fitted again, each to the draws since the last fit.
const FITS: usize = 5;

/// Settings of Ex2MCMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ex2 {
    /// The global move. With the proposal `flow`, mean and covariance are fitted to the warm-up draws.
    pub global: IsirConfig,
    /// The local kernel.
    pub local: Box<KernelConfig>,
    /// Local steps after each global move; one round is one draw.
    pub local_steps: usize,
    /// Rounds of warm-up.
    pub warmup: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for Ex2 {
    fn default() -> Self {
        Self {
            global: IsirConfig { n_particles: 32, ..IsirConfig::default() },
            local: Box::new(default_local()),
            local_steps: 5,
            warmup: 500,
            frozen: 50,
        }
    }
}

impl Expand for Ex2 {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        vec![
            ("global".into(), KernelConfig::Isir(self.global.clone())),
            ("local".into(), (*self.local).clone()),
        ]
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        vec![("ex2".into(), round(&self.global, &self.local, self.local_steps))]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("warmup", self.warmup), ("frozen", self.frozen)]
    }

    fn local_steps_of_round(&self) -> Option<(usize, &KernelConfig)> {
        Some((self.local_steps, &self.local))
    }

    fn schedule(&self) -> Schedule {
        let warmup = if self.global.proposal.needs_flow() {
            let whiten = TrainAction { whiten: true, forget: true, ..TrainAction::default() };
            let fit = Stage {
                repeat: FITS,
                actions: vec![Action::moves("ex2", self.warmup / (FITS + 1)), Action::Train(whiten)],
            };
            let rest = self.warmup - FITS * (self.warmup / (FITS + 1));
            vec![fit, Stage { repeat: 1, actions: vec![Action::moves("ex2", rest)] }]
        } else {
            vec![Stage { repeat: 1, actions: vec![Action::moves("ex2", self.warmup)] }]
        };
        Schedule { warmup, frozen: self.frozen, production: vec![Move::new("ex2", 1)] }
    }

    fn fixed_proposal(&self, dim: usize) -> Result<Option<Arc<dyn Proposal>>, ConfigError> {
        Ok(match self.global.proposal.build(dim)? {
            ProposalChoice::Fixed(fixed) => Some(fixed),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warmup_has_the_length_that_was_asked_for() {
        let ex2 = Ex2 { warmup: 503, ..Ex2::default() };
        assert_eq!(ex2.schedule().adapting_draws(), 503);
    }
}
