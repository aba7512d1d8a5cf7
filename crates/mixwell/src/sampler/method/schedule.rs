//! A method written out by the user: kernels by name, stages of a warm-up, a production cycle.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::Expand;
use crate::kernel::{KernelConfig, NutsConfig};
use crate::sampler::schedule::{Action, Move, Schedule, Stage};

/// Kernels by name, and the schedule that uses them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleMethod {
    /// The kernels, by the names that moves use.
    pub kernels: BTreeMap<String, KernelConfig>,
    /// Stages of the warm-up.
    #[serde(default)]
    pub warmup: Vec<Stage>,
    /// Draws after freezing that are not production yet.
    #[serde(default)]
    pub frozen: usize,
    /// The cycle of production moves.
    pub production: Vec<Move>,
}

impl Default for ScheduleMethod {
    /// NUTS alone, as an example of the shape.
    fn default() -> Self {
        Self {
            kernels: BTreeMap::from([("nuts".into(), KernelConfig::Nuts(NutsConfig::default()))]),
            warmup: vec![Stage { repeat: 1, actions: vec![Action::moves("nuts", 1000)] }],
            frozen: 0,
            production: vec![Move::new("nuts", 1)],
        }
    }
}

impl Expand for ScheduleMethod {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        self.kernels.iter().map(|(name, k)| (format!("kernels.{name}"), k.clone())).collect()
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        self.kernels.iter().map(|(name, k)| (name.clone(), k.clone())).collect()
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("frozen", self.frozen)]
    }

    fn schedule(&self) -> Schedule {
        Schedule { warmup: self.warmup.clone(), frozen: self.frozen, production: self.production.clone() }
    }
}
