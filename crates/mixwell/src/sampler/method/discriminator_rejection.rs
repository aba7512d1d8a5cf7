//! Discriminator rejection sampling: a pilot of draws of the prior for the bound, then a draw is the first candidate accepted.
//!
//! Reference: Azadi et al., Discriminator rejection sampling, ICLR 2019. See [`Rejection`](crate::kernel::Rejection).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::Expand;
use crate::kernel::{Gamma, KernelConfig, RejectionConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};

/// Settings of discriminator rejection sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiscriminatorRejection {
    /// What is subtracted from the log-odds: `{ percentile = 95.0 }` as published, `{ fixed = 0.0 }` for plain rejection sampling.
    pub gamma: Gamma,
    /// Candidates after which the best is taken.
    pub candidates: usize,
    /// Steps of the pilot, each of at least 64 candidates a chain.
    pub pilot: usize,
}

impl Default for DiscriminatorRejection {
    fn default() -> Self {
        Self { gamma: Gamma::Percentile(95.0), candidates: 640, pilot: 156 }
    }
}

impl Expand for DiscriminatorRejection {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        self.kernels()
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        let config =
            RejectionConfig { gamma: self.gamma, candidates: self.candidates, ..RejectionConfig::default() };
        vec![("rejection".into(), KernelConfig::Rejection(config))]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("candidates", self.candidates), ("pilot", self.pilot)]
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            warmup: vec![Stage { repeat: 1, actions: vec![Action::moves("rejection", self.pilot)] }],
            frozen: 0,
            production: vec![Move::new("rejection", 1)],
        }
    }
}
