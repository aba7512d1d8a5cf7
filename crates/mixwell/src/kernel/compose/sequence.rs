//! `Sequence`: its parts one after the other, in one step.

use serde::{Deserialize, Serialize};

use super::members::{self, Members};
use crate::ConfigError;
use crate::kernel::settings::Settings;
use crate::kernel::{
    Block, Context, Ensemble, Kernel, KernelConfig, KernelState, Law, Leaf, Needs, StateError, Tallies,
    TallySheet, Warmup, isir, mala,
};

const NAME: &str = "sequence";

/// Settings of [`Sequence`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SequenceConfig {
    /// The kernels, in order.
    pub parts: Vec<KernelConfig>,
}

impl Default for SequenceConfig {
    fn default() -> Self {
        Self { parts: vec![isir(64), mala().repeat(5)] }
    }
}

impl SequenceConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        members::check(&self.parts, "a sequence needs at least one kernel")
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Sequence, ConfigError> {
        self.check()?;
        Ok(Sequence::new(members::build(&self.parts, dim)?))
    }
}

impl Settings for SequenceConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Law::in_turn(self.parts.iter().map(KernelConfig::law))
    }

    fn evaluations(&self) -> f64 {
        self.parts.iter().map(KernelConfig::evaluations).sum()
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        members::adaptation_bytes(&self.parts, chains, dim)
    }
}

/// Kernels one after the other.
pub struct Sequence {
    parts: Members,
}

impl Sequence {
    /// The kernel that runs `parts` in order.
    ///
    /// # Panics
    /// When there are none.
    pub fn new(parts: Vec<Box<dyn Kernel>>) -> Self {
        assert!(!parts.is_empty(), "a sequence needs a kernel");
        Self { parts: Members::new(parts) }
    }
}

impl Kernel for Sequence {
    fn leaves(&self) -> Vec<Leaf> {
        self.parts.leaves()
    }

    fn law(&self) -> Law {
        Law::in_turn(self.parts.laws())
    }

    fn needs(&self) -> Needs {
        self.parts.needs()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        for (part, offset) in self.parts.iter() {
            part.step(context, block, sheet.part(offset));
        }
    }

    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        self.parts.adapt(warmup, chains, tallies);
    }

    fn freeze(&mut self) {
        self.parts.freeze();
    }

    fn save(&self) -> KernelState {
        self.parts.save(NAME)
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        self.parts.load(NAME, state)
    }
}
