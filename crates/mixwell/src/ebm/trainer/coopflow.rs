//! A flow starts short runs without noise and learns from their ends (CoopFlow).
//!
//! Every chain starts at a fresh draw of the flow and descends the energy; its end is a negative, and the flow climbs
//! `mean log q(x-)`. The short run is no sampler of the energy: weights of modes are the flow's, and the energy is off.
//! Reference: [xie2022tale]; noise off and each change limited to .1, as in its code.

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::ebm::recipe::{ChainsRecipe, FlowRole, Objective, Phase, Recipe, Source, StartLaw};
use crate::ebm::{BankConfig, Memory, Selection};
use crate::kernel::{KernelConfig, StepSize, UlaConfig};
use crate::{ConfigError, range};

/// A flow starts short runs without noise and learns from their ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CoopFlowTrainer {
    /// How points move from the flow's draws.
    pub kernel: KernelConfig,
    /// Steps of an update.
    pub steps: usize,
}

impl Default for CoopFlowTrainer {
    fn default() -> Self {
        let kernel = UlaConfig {
            step_size: StepSize::from_dt(0.03),
            temperature: 0.0,
            max_drift: Some(0.1),
            bounds: None,
        };
        Self { kernel: KernelConfig::Ula(kernel), steps: 30 }
    }
}

impl Settings for CoopFlowTrainer {
    fn check(&self, _: usize) -> Result<(), ConfigError> {
        self.kernel.check().map_err(|e| e.under("kernel"))?;
        range::at_least("steps", self.steps, 1)
    }

    fn recipe(&self) -> Recipe {
        Recipe {
            source: Source::Chains(ChainsRecipe {
                cycle: vec![Phase { kernel: self.kernel.clone(), steps: 1 }],
                steps: self.steps,
                selection: Selection::Last,
                bank: BankConfig { size: 0, memory: Memory::Fresh, ..BankConfig::default() },
                start: StartLaw::Flow,
                latent: false,
                chains: None,
            }),
            objective: Objective::Contrast,
            flow: FlowRole::Learns,
        }
    }
}
