//! The GAN that a ratio is trained against: the folder of a training, or files of networks.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::config::parse;
use crate::gan::{GanFile, GanPrior, Standardisation};
use crate::io::RunFolder;
use crate::net::Network;
use crate::net::import::NamedArrays;
use crate::training_run::classifier::NetworkChoice;
use crate::training_run::energy::PointsConfig;
use crate::training_run::gan::placed;
use crate::training_run::paths::resolved;
use crate::training_run::{TrainConfig, TrainingRunError, is_training};

/// A GAN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GanSource {
    /// The folder of a training of `kind = "gan"`; its data are learned from unless others are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A generator in the folder's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<NetworkWeights>,
    /// Its discriminator, beside which the ratio is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<NetworkWeights>,
    /// The law of the latents of that generator: `{ kind = "normal" }`, or `uniform` from -1 to 1.
    pub prior: GanPrior,
}

/// A network in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkWeights {
    /// Its weights, in a file of any kind that is read.
    pub weights: String,
    /// Its description, a file with it (.toml, .json), or a name of `mixwell list networks`; not needed where the weights describe themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkChoice>,
}

/// A GAN that is open.
pub(super) struct OpenGan {
    pub generator: Network<f32>,
    pub discriminator: Option<Network<f32>>,
    pub prior: GanPrior,
    pub standardisation: Option<Standardisation>,
    /// The data that it was trained on, where the folder says which.
    pub data: Option<PointsConfig>,
}

impl GanSource {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match (&self.path, &self.generator) {
            (Some(_), None) if self.discriminator.is_none() => Ok(()),
            (None, Some(_)) => Ok(()),
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
            *path = resolved("gan.path", path, base)?;
        }
        for (key, network) in
            [("gan.generator", &mut self.generator), ("gan.discriminator", &mut self.discriminator)]
        {
            let Some(NetworkWeights { weights, network }) = network else { continue };
            *weights = resolved(&format!("{key}.weights"), weights, base)?;
            if let Some(network) = network {
                network.resolve(base).map_err(|e| placed(e, &format!("{key}.network")))?;
            }
        }
        Ok(())
    }

    pub(super) fn open(&self) -> Result<OpenGan, TrainingRunError> {
        let Some(path) = &self.path else {
            let generator = self.generator.as_ref().map(|g| g.open("gan.generator.network")).transpose()?;
            let generator =
                generator.ok_or_else(|| ConfigError::new("gan.generator", "missing", "one is needed"))?;
            let discriminator = self.discriminator.as_ref().map(|d| d.open("gan.discriminator.network"));
            let discriminator = discriminator.transpose()?;
            let prior = self.prior;
            return Ok(OpenGan { generator, discriminator, prior, standardisation: None, data: None });
        };
        let path = Path::new(path);
        let data = data_of(path)?;
        let (file, generator, discriminator) = GanFile::read(path)?;
        let (prior, standardisation) = (file.prior, file.standardisation);
        Ok(OpenGan { generator, discriminator: Some(discriminator), prior, standardisation, data })
    }
}

impl NetworkWeights {
    fn open(&self, key: &str) -> Result<Network<f32>, TrainingRunError> {
        let path = Path::new(&self.weights);
        let Some(choice) = &self.network else { return Ok(Network::read(path)?) };
        let spec = choice.spec().map_err(|e| placed(e, key))?;
        Ok(Network::with_arrays(&spec, &NamedArrays::read(path)?)?.0)
    }
}

/// The data of the training in a folder, where it is one, after comparing its files with what it left.
fn data_of(path: &Path) -> Result<Option<PointsConfig>, TrainingRunError> {
    if !path.join("config.toml").is_file() {
        return Ok(None);
    }
    let refused = |reason: String| TrainingRunError::Data { path: path.to_path_buf(), reason };
    let folder = RunFolder::view(path)?;
    let text = folder.read_text(&folder.config())?;
    if !is_training(&text) {
        return Err(refused("it is the folder of a run, and a training of a GAN is needed".into()));
    }
    if !folder.manifest().exists() {
        let reason = format!("the training is not finished; go on with `mixwell resume {}`", path.display());
        return Err(refused(reason));
    }
    folder.verify_training()?;
    match parse::<TrainConfig>(&text).map(|file| file.settings) {
        Ok(TrainConfig::Gan(config)) => Ok(Some(config.data)),
        Ok(other) => {
            Err(refused(format!("it is a training of kind {}, and that of a GAN is needed", other.kind())))
        }
        // Settings of another version: the networks can be read all the same.
        Err(_) => Ok(None),
    }
}
