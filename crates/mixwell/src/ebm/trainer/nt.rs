//! Chains in the latent space of a fixed flow, which the energy corrects (NT-EBM).
//!
//! `p(x) ~ exp(-E(x) / T) q(x)` with a trained flow `q`; in its latents `log p(z) = -E(g(z)) / T + log N(z; 0, I)`, which is close to the
//! standard normal law where the flow is close to the data. Persistent chains move by HMC there; the negatives are `g(z)`.
//! Chains mix as well as the flow joins the modes. The balanced-training comparison uses MALA at a target of .75 and 128 steps.
//! Reference: [nijkamp2022mcmc], Algorithm 1 and its step-size rule (up or down by a hundredth around an acceptance of .651).

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::ebm::recipe::{ChainsRecipe, FlowRole, Objective, Phase, Recipe, Source, StartLaw};
use crate::ebm::{BankConfig, Selection};
use crate::kernel::{HmcConfig, KernelConfig, MetricKind, StepRule};
use crate::{ConfigError, range};

/// Chains in the latent space of a fixed flow, which is the base of the energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NtTrainer {
    /// How latents move.
    pub kernel: KernelConfig,
    /// Steps of an update.
    pub steps: usize,
    /// Chains that move at an update.
    pub chains: usize,
    /// Which states are negatives.
    pub negatives: Selection,
    /// The persistent latents.
    pub bank: BankConfig,
}

impl Default for NtTrainer {
    fn default() -> Self {
        let kernel = HmcConfig {
            step_size: 0.15,
            n_leapfrog: 3,
            adapt: StepRule::Simple { rate: 0.01 },
            metric: MetricKind::Unit,
            ..HmcConfig::default()
        };
        Self {
            kernel: KernelConfig::Hmc(kernel),
            steps: 20,
            chains: 64,
            negatives: Selection::Last,
            bank: BankConfig { size: 0, ..BankConfig::default() },
        }
    }
}

impl Settings for NtTrainer {
    fn check(&self, _: usize) -> Result<(), ConfigError> {
        self.kernel.check().map_err(|e| e.under("kernel"))?;
        range::at_least("steps", self.steps, 1)?;
        range::at_least("chains", self.chains, 1)?;
        self.negatives.check(self.steps, self.chains)?;
        self.bank.check().map_err(|e| e.under("bank"))
    }

    fn recipe(&self) -> Recipe {
        Recipe {
            source: Source::Chains(ChainsRecipe {
                cycle: vec![Phase { kernel: self.kernel.clone(), steps: 1 }],
                steps: self.steps,
                selection: self.negatives,
                bank: self.bank.clone(),
                start: StartLaw::Flow,
                latent: true,
                chains: Some(self.chains),
            }),
            objective: Objective::Contrast,
            flow: FlowRole::Fixed,
        }
    }
}
