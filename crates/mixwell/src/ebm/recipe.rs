//! What the settings of a trainer expand into: where negatives come from, what the energy minimises, and what the flow does.

use serde::{Deserialize, Serialize};

use super::{BankConfig, Selection};
use crate::kernel::KernelConfig;
use crate::{ConfigError, range};

/// Where chains begin, and begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StartLaw {
    /// Independent normal coordinates with the mean and `scale` times the standard deviation of the data.
    Moments {
        /// Factor on the standard deviation.
        #[serde(default = "one")]
        scale: f64,
    },
    /// Uniform in a box.
    Uniform {
        /// Lower end of every coordinate.
        low: f64,
        /// Upper end of every coordinate.
        high: f64,
    },
    /// Rows of the data.
    Data,
    /// The base of the energy.
    Base,
    /// The flow.
    Flow,
}

fn one() -> f64 {
    1.0
}

impl Default for StartLaw {
    fn default() -> Self {
        Self::Moments { scale: 1.0 }
    }
}

impl StartLaw {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        match *self {
            Self::Moments { scale } => range::positive("scale", scale),
            Self::Uniform { low, high } => {
                range::finite("low", low)?;
                range::above("high", high, low)
            }
            Self::Data | Self::Base | Self::Flow => Ok(()),
        }
    }
}

/// A part of a cycle of moves: a kernel, and how often it is used in a row.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub kernel: KernelConfig,
    pub steps: usize,
}

/// Chains from a bank.
#[derive(Clone, Debug)]
pub(super) struct ChainsRecipe {
    /// Gone through again and again, from its beginning at every update.
    pub cycle: Vec<Phase>,
    pub steps: usize,
    pub selection: Selection,
    pub bank: BankConfig,
    pub start: StartLaw,
    /// Whether chains live in the latent space of the flow.
    pub latent: bool,
    /// Chains that move, where that is not told by the batch.
    pub chains: Option<usize>,
}

/// Weighted walkers.
#[derive(Clone, Debug)]
pub(super) struct WalkersRecipe {
    pub walkers: usize,
    pub eta: f64,
    pub steps: usize,
    pub resample_below: f64,
}

/// Where negatives come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Chains(ChainsRecipe),
    Walkers(WalkersRecipe),
    /// Fresh draws of the noise: the flow, or the base where there is none.
    Noise,
    Nothing,
}

/// What the energy minimises.
#[derive(Clone, Copy, Debug)]
pub(super) enum Objective {
    Contrast,
    NoiseContrast { share: f64 },
    Denoising { sigma: f64 },
    Sliced { width: f64 },
}

/// What the flow does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowRole {
    /// There is none.
    Unused,
    /// It stays as it is.
    Fixed,
    /// It learns from the negatives.
    Learns,
    /// It plays against the energy.
    Opposes,
}

/// A trainer, expanded.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub source: Source,
    pub objective: Objective,
    pub flow: FlowRole,
}
