//! Settings that all trainers share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Regulariser, TrainerConfig};
use crate::net::OptimiserConfig;
use crate::{ConfigError, range};

/// How an energy is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Where negatives come from and what the energy minimises.
    pub trainer: TrainerConfig,
    /// Data of an update.
    pub batch: usize,
    /// Standard deviation of normal noise added to data.
    pub data_noise: f64,
    /// Penalty on large energies, where negatives and data are contrasted.
    pub regulariser: Regulariser,
    /// Memory of the moving average of the energy's weights, e.g. 0.999; 0 for the weights themselves.
    pub average: f64,
    /// Optimiser of the energy.
    pub optimiser: OptimiserConfig,
    /// Optimiser of the flow.
    pub flow_optimiser: OptimiserConfig,
    /// What is watched, and what is done when training diverges.
    pub watch: WatchSettings,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            trainer: TrainerConfig::default(),
            batch: 256,
            data_noise: 0.0,
            regulariser: Regulariser::default(),
            average: 0.0,
            optimiser: OptimiserConfig::default(),
            flow_optimiser: OptimiserConfig::default(),
            watch: WatchSettings::default(),
        }
    }
}

impl TrainingSettings {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::at_least("batch", self.batch, 1)?;
        range::not_negative("data_noise", self.data_noise)?;
        range::below_one("average", self.average)?;
        self.trainer.check(self.batch).map_err(|e| e.under("trainer"))?;
        self.regulariser.check().map_err(|e| e.under("regulariser"))?;
        self.optimiser.check().map_err(|e| e.under("optimiser"))?;
        self.flow_optimiser.check().map_err(|e| e.under("flow_optimiser"))?;
        self.watch.check().map_err(|e| e.under("watch"))
    }

    /// Chains that move together, and evaluations of the law that each asks for in an update.
    pub(crate) fn work(&self) -> (usize, f64) {
        use super::recipe::Source;
        match self.trainer.recipe().source {
            Source::Chains(chains) => {
                let (mut left, mut sum) = (chains.steps, 0.0);
                for phase in chains.cycle.iter().cycle() {
                    let used = phase.steps.min(left);
                    sum += used as f64 * phase.kernel.evaluations();
                    left -= used;
                    if left == 0 {
                        break;
                    }
                }
                (chains.selection.chains(chains.chains.unwrap_or(self.batch)), sum)
            }
            Source::Walkers(walkers) => (walkers.walkers, walkers.steps as f64),
            Source::Noise => (self.batch, 2.0),
            Source::Nothing => (self.batch, 1.0),
        }
    }

    /// Rows of points that training holds at most.
    pub(crate) fn rows(&self) -> usize {
        use super::recipe::Source;
        match self.trainer.recipe().source {
            Source::Chains(chains) => {
                let moved = chains.chains.unwrap_or(self.batch);
                // Where health is measured, all states of an update are kept.
                chains
                    .bank
                    .size
                    .max(moved)
                    .saturating_add(moved.saturating_mul(chains.steps.saturating_mul(2)))
            }
            Source::Walkers(walkers) => walkers.walkers.saturating_mul(4),
            Source::Noise => self.batch.saturating_mul(2),
            Source::Nothing => self.batch,
        }
    }
}

/// What is watched while an energy is trained, and what is done when training diverges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WatchSettings {
    /// Updates between two looks at the health of the chains, and between states to go back to.
    pub every: u64,
    /// Largest difference of mean energies, in units of the temperature; beyond, training has diverged.
    pub max_gap: f64,
    /// Factor on the learning rate of the energy after going back.
    pub slow_down: f64,
    /// Times that training goes back before it is given up.
    pub max_returns: u32,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self { every: 100, max_gap: 1e3, slow_down: 0.5, max_returns: 10 }
    }
}

impl WatchSettings {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::at_least("every", self.every, 1)?;
        range::positive("max_gap", self.max_gap)?;
        range::open_share("slow_down", self.slow_down)
    }
}
