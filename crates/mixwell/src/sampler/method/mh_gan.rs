//! MH-GAN: every draw is the end of a fresh chain of independent proposals.
//!
//! Reference: Turner et al., Metropolis-Hastings generative adversarial networks, ICML 2019. See [`IndependentChain`](crate::kernel::IndependentChain).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::Expand;
use crate::kernel::{IndependentChainConfig, KernelConfig, ProposalConfig};
use crate::sampler::schedule::{Move, Schedule};

/// Settings of MH-GAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MhGan {
    /// Proposals of a chain.
    pub chain_length: usize,
    /// What is proposed: the prior of the latents (`base`), or another law.
    pub proposal: ProposalConfig,
}

impl Default for MhGan {
    fn default() -> Self {
        Self { chain_length: 640, proposal: ProposalConfig::Base }
    }
}

impl Expand for MhGan {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        self.kernels()
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        let config = IndependentChainConfig { proposal: self.proposal.clone(), proposals: self.chain_length };
        vec![("chain".into(), KernelConfig::IndependentChain(config))]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("chain_length", self.chain_length)]
    }

    fn schedule(&self) -> Schedule {
        Schedule { warmup: vec![], frozen: 0, production: vec![Move::new("chain", 1)] }
    }
}
