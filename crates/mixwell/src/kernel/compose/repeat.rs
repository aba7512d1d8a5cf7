//! `Repeat`: the same kernel several times in one step.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::kernel::extent::check_work;
use crate::kernel::settings::Settings;
use crate::kernel::{
    Block, Context, Ensemble, Kernel, KernelConfig, KernelState, Law, Leaf, Needs, StateError, StepSize,
    Tallies, TallySheet, Warmup, mala,
};
use crate::range::at_least;

/// Settings of [`Repeat`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepeatConfig {
    /// How many times.
    pub n_steps: usize,
    /// The kernel.
    pub kernel: Box<KernelConfig>,
}

impl Default for RepeatConfig {
    fn default() -> Self {
        Self { n_steps: 5, kernel: Box::new(mala()) }
    }
}

impl RepeatConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("n_steps", self.n_steps, 1)?;
        self.kernel.check().map_err(|e| e.under("kernel"))?;
        check_work("n_steps", self.n_steps, self.n_steps as f64 * self.kernel.evaluations())
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Repeat, ConfigError> {
        self.check()?;
        Ok(Repeat::new(self.n_steps, self.kernel.build(dim).map_err(|e| e.under("kernel"))?))
    }
}

impl Settings for RepeatConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        self.kernel.law()
    }

    fn set_step_size(&mut self, step: StepSize) {
        self.kernel.set_step_size(step);
    }

    fn evaluations(&self) -> f64 {
        self.n_steps as f64 * self.kernel.evaluations()
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        self.kernel.adaptation_bytes(chains, dim)
    }
}

/// A kernel several times; its tallies add up. Its state is that of the kernel itself.
pub struct Repeat {
    n_steps: usize,
    inner: Box<dyn Kernel>,
}

impl Repeat {
    /// The kernel that runs `inner` `n_steps` times.
    pub fn new(n_steps: usize, inner: Box<dyn Kernel>) -> Self {
        Self { n_steps, inner }
    }
}

impl Kernel for Repeat {
    fn leaves(&self) -> Vec<Leaf> {
        self.inner.leaves()
    }

    fn law(&self) -> Law {
        self.inner.law()
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        for _ in 0..self.n_steps {
            self.inner.step(context, block, sheet.part(0));
        }
    }

    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        self.inner.adapt(warmup, chains, tallies);
    }

    fn freeze(&mut self) {
        self.inner.freeze();
    }

    fn save(&self) -> KernelState {
        self.inner.save()
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        self.inner.load(state)
    }
}
