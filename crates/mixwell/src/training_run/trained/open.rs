//! `TrainedEnergy`: the folder of a finished training of an energy, or its files alone.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::points::read_encoding;
use crate::Points;
use crate::config::parse;
use crate::density::Target;
use crate::ebm::{EnergyModel, LawFile, LawFileError, TrainingData};
use crate::flow::Flow;
use crate::image::Encoding;
use crate::io::{IoError, RunFolder, read_bytes, read_npy};
use crate::net::Network;
use crate::training_run::{EnergyConfig, TrainConfig, TrainingRunError, is_training};

/// Bytes of a file that is hashed or read as a whole.
const MOST_BYTES: u64 = 1 << 30;

/// What the training of an energy left.
pub struct TrainedEnergy {
    path: PathBuf,
    model: EnergyModel<Network<f32>>,
    config: Option<EnergyConfig>,
    sha256: String,
}

impl TrainedEnergy {
    /// The file of the flow that was trained beside the energy.
    pub const FLOW: &'static str = "flow.safetensors";

    /// The file of the points that persisted between updates.
    pub const BANK: &'static str = "bank.npy";

    /// Opens the folder of a finished training, a folder with a `law.json` and what it names, or a network of one output, whose law is
    /// `exp(-E)`.
    ///
    /// # Errors
    /// When there is no such thing, the training is not finished or is another kind's, or a file is damaged.
    pub fn open(path: &Path) -> Result<Self, TrainingRunError> {
        if path.is_file() {
            let model = LawFile::read_network(path)?;
            let sha256 = hash(&[path.to_path_buf()])?;
            return Ok(Self { path: path.to_path_buf(), model, config: None, sha256 });
        }
        let config = if path.join("config.toml").is_file() { finished(path)? } else { None };
        let model = LawFile::read(path)?;
        let names = [LawFile::NAME, LawFile::ENERGY, LawFile::BASE];
        let files: Vec<PathBuf> = names.iter().map(|n| path.join(n)).filter(|p| p.is_file()).collect();
        Ok(Self { path: path.to_path_buf(), model, config, sha256: hash(&files)? })
    }

    /// The law.
    pub fn model(&self) -> &EnergyModel<Network<f32>> {
        &self.model
    }

    /// The law alone.
    pub fn into_model(self) -> EnergyModel<Network<f32>> {
        self.model
    }

    /// SHA-256 of the files of the law, in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The settings of the training, where they lie beside.
    pub fn config(&self) -> Option<&EnergyConfig> {
        self.config.as_ref()
    }

    /// The data that it was trained on, where the training says which.
    ///
    /// # Errors
    /// When they cannot be read any more.
    pub fn data(&self) -> Result<Option<TrainingData>, TrainingRunError> {
        self.config.as_ref().map(|config| config.data.open().map(|data| data.points)).transpose()
    }

    /// The law that the data are drawn from, where they are.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn truth(&self) -> Result<Option<Box<dyn Target>>, TrainingRunError> {
        self.config.as_ref().map_or(Ok(None), |config| config.data.truth())
    }

    /// The points that persisted between updates when the training ended: its bank or walkers, where it had them.
    ///
    /// # Errors
    /// When their file is damaged.
    pub fn bank(&self) -> Result<Option<Points>, TrainingRunError> {
        let path = self.path.join(Self::BANK);
        if !path.is_file() {
            return Ok(None);
        }
        let refused = |reason: String| TrainingRunError::Data { path: path.clone(), reason };
        let array = read_npy(&path).map_err(|e| refused(e.to_string()))?;
        match array.shape[..] {
            [rows, dim] if rows > 0 && dim == self.model.energy().dim() => {
                Ok(Some(Points::from_vec(array.data.into_f64(), dim)))
            }
            _ => Err(refused(format!("it is {:?}, and points of the law are needed", array.shape))),
        }
    }

    /// How images became the points that it was trained on, where they were images.
    ///
    /// # Errors
    /// When its description is damaged, or of images of another size.
    pub fn encoding(&self) -> Result<Option<Encoding>, TrainingRunError> {
        let encoding = read_encoding(&self.path)?;
        match &encoding {
            Some(Encoding { shape, .. }) if shape.dim() != self.model.energy().dim() => {
                let reason = format!("its images are {shape}, but its energy is of other points");
                Err(TrainingRunError::Data { path: self.path.join(Encoding::NAME), reason })
            }
            _ => Ok(encoding),
        }
    }

    /// The flow: the one that was trained beside, or else the one that is the base, where there is one.
    ///
    /// # Errors
    /// When its file is damaged.
    pub fn flow(&self) -> Result<Option<Flow>, TrainingRunError> {
        if self.path.is_file() {
            return Ok(None);
        }
        let files = [Self::FLOW, LawFile::BASE].map(|name| self.path.join(name));
        let Some(path) = files.into_iter().find(|path| path.is_file()) else { return Ok(None) };
        let bytes = read_bytes(&path, MOST_BYTES).map_err(IoError::file("read", &path))?;
        let flow = Flow::from_safetensors(&bytes).map_err(|error| LawFileError::Base { path, error })?;
        Ok(Some(flow))
    }
}

/// The settings of the training in a folder, after comparing its files with what it left.
fn finished(path: &Path) -> Result<Option<EnergyConfig>, TrainingRunError> {
    let refused = |reason: String| TrainingRunError::Data { path: path.to_path_buf(), reason };
    let folder = RunFolder::view(path)?;
    let text = folder.read_text(&folder.config())?;
    if !is_training(&text) {
        return Err(refused("it is the folder of a run, and a training of an energy is needed".into()));
    }
    if !folder.manifest().exists() {
        let reason = format!("the training is not finished; go on with `mixwell resume {}`", path.display());
        return Err(refused(reason));
    }
    folder.verify_training()?;
    match parse::<TrainConfig>(&text).map(|file| file.settings) {
        Ok(TrainConfig::Energy(config)) => Ok(Some(config)),
        Ok(other) => {
            Err(refused(format!("it is a training of a {}, and that of an energy is needed", other.kind())))
        }
        // Settings of another version: the law can be read all the same.
        Err(_) => Ok(None),
    }
}

/// One hash over the hashes of some files.
pub(super) fn hash(files: &[PathBuf]) -> Result<String, TrainingRunError> {
    let mut all = Sha256::new();
    for path in files {
        let bytes = read_bytes(path, MOST_BYTES).map_err(IoError::file("read", path))?;
        all.update(Sha256::digest(&bytes));
    }
    Ok(all.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
