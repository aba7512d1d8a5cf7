//! Chains that also jump by a flow, which learns from them (flowMC-EBM).
//!
//! At every update chains from the bank go through cycles of local MALA steps and i-SIR jumps, whose particles are draws of the
//! flow; the energy takes a step, and the flow climbs `mean log q(x-)` on the same negatives. Both kernels keep the law of the
//! energy, and jumps carry the weights of modes. Where jumps fall below one in a hundred, the flow has lost the energy: lower the
//! energy's learning rate against the flow's. One step is one use of a kernel, as the source counts; `whole_cycles` counts a cycle.
//! Reference: balanced training of energy-based models with adaptive flow sampling, Algorithms 1, 5, 6 [grenioux2023balanced].

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::ebm::recipe::{ChainsRecipe, FlowRole, Objective, Phase, Recipe, Source, StartLaw};
use crate::ebm::{BankConfig, Selection};
use crate::kernel::{KernelConfig, MalaConfig, StepRule, StepSize, isir, sequence};
use crate::{ConfigError, range};

/// Chains that also jump by a flow, which learns from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowMcTrainer {
    /// Particles of a jump, the current point included.
    pub particles: usize,
    /// How chains move locally.
    pub local: KernelConfig,
    /// Local steps before the jumps of a cycle.
    pub local_before: usize,
    /// Jumps of a cycle.
    pub jumps: usize,
    /// Local steps after the jumps of a cycle.
    pub local_after: usize,
    /// Steps of an update; a cycle that does not fit is cut.
    pub steps: usize,
    /// Whether a whole cycle counts as one step.
    pub whole_cycles: bool,
    /// Which states are negatives.
    pub negatives: Selection,
    /// The persistent points.
    pub bank: BankConfig,
    /// Where chains begin, and begin anew.
    pub start: StartLaw,
    /// Whether the flow learns; one that does not must fit the data already.
    pub train_flow: bool,
}

impl Default for FlowMcTrainer {
    fn default() -> Self {
        let local = MalaConfig {
            step_size: StepSize::from_eta(0.01),
            adapt: StepRule::Simple { rate: 0.01 },
            ..MalaConfig::default()
        };
        Self {
            particles: 64,
            local: KernelConfig::Mala(local),
            local_before: 0,
            jumps: 1,
            local_after: 24,
            steps: 50,
            whole_cycles: false,
            negatives: Selection::All,
            bank: BankConfig::default(),
            start: StartLaw::Flow,
            train_flow: true,
        }
    }
}

impl Settings for FlowMcTrainer {
    fn check(&self, batch: usize) -> Result<(), ConfigError> {
        isir(self.particles).check()?;
        self.local.check().map_err(|e| e.under("local"))?;
        range::at_least("jumps", self.jumps, 1)?;
        range::at_least("steps", self.steps, 1)?;
        self.negatives.check(self.steps, batch)?;
        self.bank.check().map_err(|e| e.under("bank"))?;
        self.start.check().map_err(|e| e.under("start"))
    }

    fn recipe(&self) -> Recipe {
        let phases = [
            (self.local.clone(), self.local_before),
            (isir(self.particles), self.jumps),
            (self.local.clone(), self.local_after),
        ];
        let phases = phases.into_iter().filter(|(_, steps)| *steps > 0);
        let cycle = if self.whole_cycles {
            let parts = phases.map(|(k, n)| if n == 1 { k } else { k.repeat(n) });
            vec![Phase { kernel: sequence(parts), steps: 1 }]
        } else {
            phases.map(|(kernel, steps)| Phase { kernel, steps }).collect()
        };
        Recipe {
            source: Source::Chains(ChainsRecipe {
                cycle,
                steps: self.steps,
                selection: self.negatives,
                bank: self.bank.clone(),
                start: self.start,
                latent: false,
                chains: None,
            }),
            objective: Objective::Contrast,
            flow: if self.train_flow { FlowRole::Learns } else { FlowRole::Fixed },
        }
    }
}
