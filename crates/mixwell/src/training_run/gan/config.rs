//! `GanConfig`: the training of a GAN as data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::networks;
use super::task::GanTask;
use crate::gan::GanSettings;
use crate::training_run::classifier::NetworkChoice;
use crate::training_run::config::Settings;
use crate::training_run::energy::PointsConfig;
use crate::training_run::{TrainingOutput, TrainingRunError};
use crate::{ConfigError, range};

/// Snapshots at most.
const MOST_SNAPSHOTS: u64 = 1000;
/// Samples that are left at most.
const MOST_SAMPLES: usize = 10_000_000;

/// Settings of the training of a GAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GanConfig {
    /// Seed of starting weights, order of data, latents.
    pub seed: u64,
    /// Updates: steps of the generator.
    pub updates: u64,
    /// Whether every coordinate of the data is standardised; what the generator makes is taken back where it is shown. Not for images.
    pub standardise: bool,
    /// Number of latents: as many as the generator takes unless said otherwise, and 2 where no generator is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latent: Option<usize>,
    /// Updates between snapshots of both networks, `generator-0100.safetensors` and so on; 0 for none.
    pub keep_every: u64,
    /// Updates after which there is a snapshot, too.
    pub keep_at: Vec<u64>,
    /// Points that are made when all is done, to be judged and left in `samples.npy`; of images at most 1000 are looked at, and a picture is left.
    pub samples: usize,
    /// The data.
    pub data: PointsConfig,
    /// The generator: its description, a file with it (.toml, .json), or a name of `mixwell list networks`. Without, four hidden layers of
    /// 100 with ReLU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<NetworkChoice>,
    /// The discriminator, of one output without a function at its end. Without, four hidden layers of 100 with ReLU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<NetworkChoice>,
    /// How both are trained.
    pub training: GanSettings,
    /// How the run is written down.
    pub output: TrainingOutput,
}

impl Default for GanConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            updates: 5000,
            standardise: false,
            latent: None,
            keep_every: 0,
            keep_at: vec![],
            samples: 10_000,
            data: PointsConfig::default(),
            generator: None,
            discriminator: None,
            training: GanSettings::default(),
            output: TrainingOutput::default(),
        }
    }
}

impl GanConfig {
    /// Whether there is a snapshot after this update.
    pub(super) fn keeps(&self, update: u64) -> bool {
        let regular = self.keep_every > 0 && update > 0 && update.is_multiple_of(self.keep_every);
        regular || self.keep_at.contains(&update)
    }
}

impl Settings for GanConfig {
    type Task = GanTask;

    fn check(&self) -> Result<(), ConfigError> {
        crate::config::check_seed(self.seed)?;
        range::within("updates", self.updates, 1, 1 << 40)?;
        range::within("samples", self.samples, 2, MOST_SAMPLES)?;
        if let Some(latent) = self.latent {
            range::within("latent", latent, 1, 1 << 20)?;
        }
        if let Some(at) = self.keep_at.iter().find(|at| !(1..=self.updates).contains(at)) {
            let reason = format!("the training has updates 1 to {}", self.updates);
            return Err(ConfigError::new("keep_at", at, reason));
        }
        let regular = self.updates.checked_div(self.keep_every).unwrap_or(0);
        if regular.saturating_add(self.keep_at.len() as u64) > MOST_SNAPSHOTS {
            let reason = format!("that makes more than {MOST_SNAPSHOTS} snapshots");
            return Err(ConfigError::new("keep_every", self.keep_every, reason));
        }
        self.data.check().map_err(|e| e.under("data"))?;
        if self.standardise && self.data.images.is_some() {
            let reason = "images are mapped by `data.images.map`";
            return Err(ConfigError::new("standardise", true, reason));
        }
        self.training.over(self.updates).check().map_err(|e| e.under("training"))
    }

    fn seed(&mut self) -> &mut u64 {
        &mut self.seed
    }

    fn output(&self) -> &TrainingOutput {
        &self.output
    }

    fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        self.data.resolve(base)?;
        for (key, network) in [("generator", &mut self.generator), ("discriminator", &mut self.discriminator)]
        {
            if let Some(network) = network {
                network.resolve(base).map_err(|e| networks::placed(e, key))?;
            }
        }
        Ok(())
    }

    fn open(&self) -> Result<(GanTask, u64), TrainingRunError> {
        GanTask::open(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_file_and_bad_ones_are_named() {
        let read = |text: &str| toml::from_str::<GanConfig>(text).unwrap();
        let law = "[data]\nlaw = { kind = 'rings' }\n";
        let config = read(&format!(
            "keep_at = [3, 40]\nkeep_every = 10\n{law}[training.loss]\nkind = 'wgan'\nclip = 0.1"
        ));
        config.check().unwrap();
        assert_eq!(read(&toml::to_string(&config).unwrap()), config);
        let kept: Vec<u64> = (0..45).filter(|u| config.keeps(*u)).collect();
        assert_eq!(kept, [3, 10, 20, 30, 40]);
        let error = |text: &str| read(text).check().unwrap_err().to_string();
        assert!(error("").starts_with("`data.law` is missing"));
        assert!(error(&format!("updates = 0\n{law}")).starts_with("`updates` is 0"));
        assert!(error(&format!("keep_at = [5001]\n{law}")).contains("updates 1 to 5000"));
        assert!(error(&format!("keep_every = 1\n{law}")).contains("more than 1000 snapshots"));
        assert!(error(&format!("{law}[training]\nbatch = 0")).starts_with("`training.batch` is 0"));
        let loss = "[training.loss]\nkind = 'hinge'\npenalty = -1.0";
        assert!(error(&format!("{law}{loss}")).starts_with("`training.loss.penalty` is -1"));
        let images = "standardise = true\n[data.images]\npath = 'a'";
        assert!(error(images).starts_with("`standardise` is true"));
    }
}
