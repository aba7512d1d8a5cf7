//! The GAN that a ratio is trained against: the folder of a training, or files of networks.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::config::resolved_path;
use crate::density::{LatentPrior, NetworkFiles};
use crate::gan::Standardisation;
use crate::net::Network;
use crate::training_run::TrainingRunError;
use crate::training_run::energy::PointsConfig;
use crate::training_run::trained::{GanFolder, network_of};

/// A GAN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GanSource {
    /// The folder of a training of `kind = "gan"`; its data are learned from unless others are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A generator in the folder's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<NetworkFiles>,
    /// Its discriminator, beside which the ratio is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<NetworkFiles>,
    /// The law of the latents of that generator.
    pub prior: LatentPrior,
}

/// A GAN that is open.
pub(super) struct OpenGan {
    pub generator: Network<f32>,
    pub discriminator: Option<Network<f32>>,
    pub prior: LatentPrior,
    pub standardisation: Option<Standardisation>,
    /// The data that it was trained on, where the folder says which.
    pub data: Option<PointsConfig>,
}

impl GanSource {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match (&self.path, &self.generator) {
            (Some(_), None) if self.discriminator.is_none() => Ok(()),
            (None, Some(generator)) => {
                generator.check().map_err(|e| e.under("generator"))?;
                self.discriminator
                    .as_ref()
                    .map_or(Ok(()), |d| d.check().map_err(|e| e.under("discriminator")))?;
                self.prior.check()
            }
            (Some(_), _) => {
                Err(ConfigError::new("path", "given beside networks", "give the folder or the networks"))
            }
            (None, None) => {
                let reason = "give the folder of a training of a GAN, or a `generator`";
                Err(ConfigError::new("path", "missing", reason))
            }
        }
    }

    pub(super) fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        if let Some(path) = &mut self.path {
            *path = resolved_path("gan.path", path, base)?;
        }
        for files in [&mut self.generator, &mut self.discriminator].into_iter().flatten() {
            files.resolve_paths(base);
        }
        Ok(())
    }

    pub(super) fn open(&self) -> Result<OpenGan, TrainingRunError> {
        let Some(path) = &self.path else {
            let open = |files: &NetworkFiles| {
                network_of(files).map_err(|error| TrainingRunError::Data {
                    path: files.weights().into(),
                    reason: error.to_string(),
                })
            };
            let generator = self.generator.as_ref().map(open).transpose()?;
            let generator =
                generator.ok_or_else(|| ConfigError::new("gan.generator", "missing", "one is needed"))?;
            let discriminator = self.discriminator.as_ref().map(open).transpose()?;
            let prior = self.prior;
            return Ok(OpenGan { generator, discriminator, prior, standardisation: None, data: None });
        };
        let GanFolder { file, generator, discriminator, data } = GanFolder::open(Path::new(path))?;
        let (prior, standardisation) = (file.prior, file.standardisation);
        Ok(OpenGan { generator, discriminator: Some(discriminator), prior, standardisation, data })
    }
}
