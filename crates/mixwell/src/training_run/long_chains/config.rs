//! `LongChainsConfig`: chains under a trained energy as data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::start::ChainStart;
use super::task::LongChainsTask;
use crate::config::resolved_path;
use crate::kernel::{HmcConfig, KernelConfig, MetricKind, StepRule};
use crate::training_run::classifier::Paths;
use crate::training_run::config::Settings;
use crate::training_run::{TrainingOutput, TrainingRunError};
use crate::{ConfigError, range};

/// Settings of long chains under a trained energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LongChainsConfig {
    /// Seed of starts and chains.
    pub seed: u64,
    /// The folder of a training of an energy, or a network of one output (.safetensors) that is the energy. May begin with an
    /// environment variable, `${NAME}/digits`.
    pub law: String,
    /// Where chains move.
    pub space: ChainSpace,
    /// How they move. Adaptation ends with the warm-up.
    pub kernel: KernelConfig,
    /// Chains.
    pub chains: usize,
    /// Steps before anything is measured.
    pub warmup: usize,
    /// Steps after that.
    pub steps: usize,
    /// Every so many steps, states and their energies are kept.
    pub keep_every: usize,
    /// Coordinates, evenly spaced, whose autocorrelation is measured; all of them where there are fewer.
    pub watched: usize,
    /// Where chains begin.
    pub start: ChainStart,
    /// Images whose energies are set beside those of the chains; the first 2000 of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Paths>,
    /// How the run is written down.
    pub output: TrainingOutput,
}

/// Where chains move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainSpace {
    /// Among the latents of the flow that is the base of the energy.
    Latent,
    /// Among points.
    #[default]
    Points,
}

impl Default for LongChainsConfig {
    fn default() -> Self {
        let kernel = HmcConfig {
            step_size: 0.1,
            n_leapfrog: 3,
            adapt: StepRule::Simple { rate: 0.01 },
            metric: MetricKind::Unit,
            ..HmcConfig::default()
        };
        Self {
            seed: 1,
            law: String::new(),
            space: ChainSpace::default(),
            kernel: KernelConfig::Hmc(kernel),
            chains: 64,
            warmup: 400,
            steps: 1600,
            keep_every: 20,
            watched: 64,
            start: ChainStart::default(),
            beside: None,
            output: TrainingOutput::default(),
        }
    }
}

impl Settings for LongChainsConfig {
    type Task = LongChainsTask;

    fn check(&self) -> Result<(), ConfigError> {
        crate::config::check_seed(self.seed)?;
        if self.law.is_empty() {
            let reason = "give the folder of a training of an energy, or a network of one output";
            return Err(ConfigError::new("law", "missing", reason));
        }
        self.kernel.check().map_err(|e| e.under("kernel"))?;
        range::within("chains", self.chains, 1, 1 << 20)?;
        range::within("warmup", self.warmup, 0, 1 << 40)?;
        range::within("steps", self.steps, 4, 1 << 30)?;
        range::within("keep_every", self.keep_every, 1, self.steps)?;
        range::at_least("watched", self.watched, 1)?;
        self.start.check().map_err(|e| e.under("start"))
    }

    fn seed(&mut self) -> &mut u64 {
        &mut self.seed
    }

    fn output(&self) -> &TrainingOutput {
        &self.output
    }

    fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        // A law that is missing stays so.
        if !self.law.is_empty() {
            self.law = resolved_path("law", &self.law, base)?;
        }
        if let ChainStart::Images { path } = &mut self.start {
            for path in path.all_mut() {
                *path = resolved_path("start.path", path, base)?;
            }
        }
        for path in self.beside.iter_mut().flat_map(Paths::all_mut) {
            *path = resolved_path("beside", path, base)?;
        }
        Ok(())
    }

    fn open(&self) -> Result<(LongChainsTask, u64), TrainingRunError> {
        LongChainsTask::open(self)
    }
}
