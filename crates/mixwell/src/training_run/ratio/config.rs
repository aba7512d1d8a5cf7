//! `RatioConfig`: the training of a density ratio as data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::source::GanSource;
use super::task::RatioTask;
use crate::gan::RatioSettings;
use crate::training_run::classifier::NetworkChoice;
use crate::training_run::config::Settings;
use crate::training_run::energy::PointsConfig;
use crate::training_run::gan::placed;
use crate::training_run::{TrainingOutput, TrainingRunError};
use crate::{ConfigError, range};

/// Networks at most: blocks of layers within blocks are limited.
const MOST_MEMBERS: usize = 12;

/// Settings of the training of a density ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RatioConfig {
    /// Seed of starting weights, order of data, latents, and of what is held out.
    pub seed: u64,
    /// Updates at most.
    pub updates: u64,
    /// Networks that are trained side by side from other starting weights; the ratio is their mean, in one file.
    pub members: usize,
    /// The GAN whose generator it is: its folder, or networks in files.
    pub gan: GanSource,
    /// The data; those of the folder's training unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PointsConfig>,
    /// The network: its description, a file with it (.toml, .json), or a name of `mixwell list networks`; it has one output. Without, four
    /// hidden layers of 100 with ReLU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkChoice>,
    /// How it is trained.
    pub training: RatioSettings,
    /// How the run is written down.
    pub output: TrainingOutput,
}

impl Default for RatioConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            updates: 5000,
            members: 1,
            gan: GanSource::default(),
            data: None,
            network: None,
            training: RatioSettings::default(),
            output: TrainingOutput::default(),
        }
    }
}

impl Settings for RatioConfig {
    type Task = RatioTask;

    fn check(&self) -> Result<(), ConfigError> {
        crate::config::check_seed(self.seed)?;
        range::within("updates", self.updates, 1, 1 << 40)?;
        range::within("members", self.members, 1, MOST_MEMBERS)?;
        self.gan.check().map_err(|e| e.under("gan"))?;
        self.data.as_ref().map_or(Ok(()), |data| data.check().map_err(|e| e.under("data")))?;
        self.training.over(self.updates).check().map_err(|e| e.under("training"))
    }

    fn seed(&mut self) -> &mut u64 {
        &mut self.seed
    }

    fn output(&self) -> &TrainingOutput {
        &self.output
    }

    fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        self.gan.resolve(base)?;
        self.data.as_mut().map_or(Ok(()), |data| data.resolve(base))?;
        self.network.as_mut().map_or(Ok(()), |n| n.resolve(base).map_err(|e| placed(e, "network")))
    }

    fn open(&self) -> Result<(RatioTask, u64), TrainingRunError> {
        RatioTask::open(self)
    }
}
