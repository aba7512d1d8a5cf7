//! `Sequence`: its parts one after the other, in one step.

use serde::{Deserialize, Serialize};

use super::offsets;
use crate::ConfigError;
use crate::kernel::{
    Block, Context, Ensemble, Kernel, KernelConfig, KernelState, Law, Leaf, Needs, Report, StateError,
    Tallies, Warmup, isir, mala,
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
        if self.parts.is_empty() {
            return Err(ConfigError::new("parts", "empty", "a sequence needs at least one kernel"));
        }
        for (i, part) in self.parts.iter().enumerate() {
            part.check().map_err(|e| e.under(&format!("parts[{i}]")))?;
        }
        Ok(())
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Sequence, ConfigError> {
        self.check()?;
        let build =
            |(i, part): (usize, &KernelConfig)| part.build(dim).map_err(|e| e.under(&format!("parts[{i}]")));
        Ok(Sequence::new(self.parts.iter().enumerate().map(build).collect::<Result<_, _>>()?))
    }
}

/// Kernels one after the other.
pub struct Sequence {
    parts: Vec<Box<dyn Kernel>>,
    offsets: Vec<usize>,
}

impl Sequence {
    /// The kernel that runs `parts` in order.
    ///
    /// # Panics
    /// When there are none.
    pub fn new(parts: Vec<Box<dyn Kernel>>) -> Self {
        assert!(!parts.is_empty(), "a sequence needs a kernel");
        Self { offsets: offsets(&parts), parts }
    }
}

impl Kernel for Sequence {
    fn leaves(&self) -> Vec<Leaf> {
        self.parts.iter().flat_map(|part| part.leaves()).collect()
    }

    fn law(&self) -> Law {
        Law::in_turn(self.parts.iter().map(|part| part.law()))
    }

    fn needs(&self) -> Needs {
        self.parts.iter().fold(Needs::default(), |needs, part| needs.and(part.needs()))
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut report: Report<'_>) {
        for (part, &offset) in self.parts.iter().zip(&self.offsets) {
            part.step(context, block, report.part(offset));
        }
    }

    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        for (part, &offset) in self.parts.iter_mut().zip(&self.offsets) {
            part.adapt(warmup, chains, tallies.part(offset));
        }
    }

    fn freeze(&mut self) {
        self.parts.iter_mut().for_each(|part| part.freeze());
    }

    fn save(&self) -> KernelState {
        KernelState::of_parts(NAME, self.parts.iter().map(|part| part.save()).collect())
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        let states = state.parts_of(NAME, self.parts.len())?;
        self.parts.iter_mut().zip(states).try_for_each(|(part, state)| part.load(state))
    }
}
