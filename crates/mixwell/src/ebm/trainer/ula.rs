//! Chains of a local kernel from a bank: contrastive divergence, persistent, or short-run.
//!
//! `x <- x - eta grad E(x) + sqrt(2 eta T) xi`, `steps` times, from the bank; the ends are the negatives. Any kernel may stand in
//! place of the unadjusted Langevin steps that give it its name. Local chains do not cross between modes: weights of modes are
//! arbitrary. ULA samples a law that is off by its step size, and so is the energy; MALA in its place is exact.
//! The noise of the "anatomy" code, `eps`, with energy `f`: `eta = eps^2 / 2` at `temperature = eps^2 / 2` of the energy.
//! References: [hinton2002training]; [tieleman2008training]; [nijkamp2020anatomy].

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::ebm::recipe::{ChainsRecipe, FlowRole, Objective, Phase, Recipe, Source, StartLaw};
use crate::ebm::{BankConfig, Selection};
use crate::kernel::{KernelConfig, UlaConfig};
use crate::{ConfigError, range};

/// Chains of a local kernel from a bank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UlaTrainer {
    /// How chains move; without flow.
    pub kernel: KernelConfig,
    /// Steps of an update.
    pub steps: usize,
    /// Which states are negatives.
    pub negatives: Selection,
    /// The persistent points.
    pub bank: BankConfig,
    /// Where chains begin, and begin anew.
    pub start: StartLaw,
}

impl Default for UlaTrainer {
    fn default() -> Self {
        Self {
            kernel: KernelConfig::Ula(UlaConfig::default()),
            steps: 60,
            negatives: Selection::Last,
            bank: BankConfig::default(),
            start: StartLaw::default(),
        }
    }
}

impl Settings for UlaTrainer {
    fn check(&self, batch: usize) -> Result<(), ConfigError> {
        self.kernel.check().map_err(|e| e.under("kernel"))?;
        range::at_least("steps", self.steps, 1)?;
        self.negatives.check(self.steps, batch)?;
        self.bank.check().map_err(|e| e.under("bank"))?;
        self.start.check().map_err(|e| e.under("start"))
    }

    fn recipe(&self) -> Recipe {
        Recipe {
            source: Source::Chains(ChainsRecipe {
                cycle: vec![Phase { kernel: self.kernel.clone(), steps: 1 }],
                steps: self.steps,
                selection: self.negatives,
                bank: self.bank.clone(),
                start: self.start,
                latent: false,
                chains: None,
            }),
            objective: Objective::Contrast,
            flow: FlowRole::Unused,
        }
    }
}
