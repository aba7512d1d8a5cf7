//! The folder that the training of a GAN left.

use std::path::Path;

use crate::config::parse;
use crate::gan::GanFile;
use crate::io::RunFolder;
use crate::net::Network;
use crate::training_run::energy::PointsConfig;
use crate::training_run::{TrainConfig, TrainingRunError, is_training};

/// A GAN in a folder.
pub struct GanFolder {
    /// What is said of it.
    pub file: GanFile,
    pub generator: Network<f32>,
    pub discriminator: Network<f32>,
    /// The data that it was trained on, where the folder says which.
    pub data: Option<PointsConfig>,
}

impl GanFolder {
    /// Opens the folder.
    ///
    /// # Errors
    /// When it is the folder of something else, the training is not finished, or a file is damaged.
    pub fn open(path: &Path) -> Result<Self, TrainingRunError> {
        let data = data_of(path)?;
        let (file, generator, discriminator) = GanFile::read(path)?;
        Ok(Self { file, generator, discriminator, data })
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
