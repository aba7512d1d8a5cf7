//! One kernel with a warm-up: plain MCMC.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::Expand;
use crate::kernel::{KernelConfig, NutsConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};

/// Settings of a single kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KernelMethod {
    /// The kernel.
    pub kernel: Box<KernelConfig>,
    /// Steps in which it adapts.
    pub warmup: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for KernelMethod {
    fn default() -> Self {
        Self { kernel: Box::new(KernelConfig::Nuts(NutsConfig::default())), warmup: 1000, frozen: 0 }
    }
}

impl Expand for KernelMethod {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        vec![("kernel".into(), (*self.kernel).clone())]
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        self.parts()
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("warmup", self.warmup), ("frozen", self.frozen)]
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            warmup: vec![Stage { repeat: 1, actions: vec![Action::moves("kernel", self.warmup)] }],
            frozen: self.frozen,
            production: vec![Move::new("kernel", 1)],
        }
    }
}

impl KernelConfig {
    /// This kernel as a method, with `steps` in which it adapts: `.method(nuts().warmup(200))`.
    pub fn warmup(self, steps: usize) -> KernelMethod {
        KernelMethod { kernel: Box::new(self), warmup: steps, frozen: 0 }
    }
}
