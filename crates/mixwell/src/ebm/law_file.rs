//! A trained law as files of a folder: `law.json` says temperature and base, `energy.safetensors` is the network with its
//! description, `base.safetensors` the flow where that is the base.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::EnergyModel;
use crate::ConfigError;
use crate::flow::Flow;
use crate::io::{IoError, read_bytes, read_text};
use crate::net::import::ImportError;
use crate::net::{Network, WeightsError};
use crate::proposal::{Gaussian, Scale};

/// Version of the format.
const FORMAT: u32 = 1;
/// Bytes of `law.json` that are read, and of the file of a flow.
const LAW_BYTES: u64 = 64 << 20;
const FLOW_BYTES: u64 = 1 << 30;

/// What is said of a law beside its networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawFile {
    format: u32,
    temperature: f64,
    base: BaseFile,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum BaseFile {
    None,
    Gaussian { mean: Vec<f64>, sd: Vec<f64> },
    Flow,
}

/// Why the files of a law cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LawFileError {
    /// A file cannot be read.
    #[error(transparent)]
    Io(#[from] IoError),
    /// `law.json` is not what it should be.
    #[error("`{path}` is not the description of a law: {reason}")]
    Law {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The network of the energy.
    #[error(transparent)]
    Energy(#[from] ImportError),
    /// The network is no energy.
    #[error("`{path}` is no energy: {reason}")]
    Outputs {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: String,
    },
    /// The flow of the base.
    #[error("`{path}`: {error}")]
    Base {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: WeightsError,
    },
    /// The parts do not fit together.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl LawFile {
    /// The name of this file.
    pub const NAME: &'static str = "law.json";
    /// The name of the file of the network.
    pub const ENERGY: &'static str = "energy.safetensors";
    /// The name of the file of the flow that is the base.
    pub const BASE: &'static str = "base.safetensors";

    /// `exp(-E / T)`.
    pub fn without_base(temperature: f64) -> Self {
        Self { format: FORMAT, temperature, base: BaseFile::None }
    }

    /// On independent normal coordinates.
    pub fn on_gaussian(temperature: f64, mean: Vec<f64>, sd: Vec<f64>) -> Self {
        Self { format: FORMAT, temperature, base: BaseFile::Gaussian { mean, sd } }
    }

    /// On the flow in the file beside.
    pub fn on_flow(temperature: f64) -> Self {
        Self { format: FORMAT, temperature, base: BaseFile::Flow }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a law is plain data")
    }

    /// The law `exp(-E)` of a network in a file.
    ///
    /// # Errors
    /// When it cannot be read, or has not one output.
    pub fn read_network(path: &Path) -> Result<EnergyModel<Network<f32>>, LawFileError> {
        let network = Network::<f32>::read(path)?;
        if network.n_out() != 1 {
            let reason = format!("it has {} outputs, and an energy has one", network.n_out());
            return Err(LawFileError::Outputs { path: path.to_path_buf(), reason });
        }
        Ok(EnergyModel::new(network))
    }

    /// The law in the files of a folder.
    ///
    /// # Errors
    /// Names the file that is missing, damaged, or does not fit.
    pub fn read(folder: &Path) -> Result<EnergyModel<Network<f32>>, LawFileError> {
        let path = folder.join(Self::NAME);
        let refused = |reason: String| LawFileError::Law { path: path.clone(), reason };
        let text = read_text(&path, LAW_BYTES).map_err(IoError::file("read", &path))?;
        let law: Self =
            serde_json::from_str(&text).map_err(|e| refused(crate::io::excerpt(&e.to_string())))?;
        if law.format != FORMAT {
            return Err(refused(format!("it has format {}, and this version reads {FORMAT}", law.format)));
        }
        let model = Self::read_network(&folder.join(Self::ENERGY))?.at_temperature(law.temperature)?;
        let dim = model.energy().dim();
        Ok(match law.base {
            BaseFile::None => model,
            BaseFile::Gaussian { mean, sd } => {
                let fine = mean.iter().all(|m| m.is_finite()) && sd.iter().all(|s| s.is_finite() && *s > 0.0);
                if mean.len() != dim || sd.len() != dim || !fine {
                    return Err(refused(format!("its base is no Gaussian of {dim} coordinates")));
                }
                model.with_base(Arc::new(Gaussian::new(mean, Scale::Diagonal(sd))))?
            }
            BaseFile::Flow => {
                let path = folder.join(Self::BASE);
                let bytes = read_bytes(&path, FLOW_BYTES).map_err(IoError::file("read", &path))?;
                let flow =
                    Flow::from_safetensors(&bytes).map_err(|error| LawFileError::Base { path, error })?;
                model.with_base(Arc::new(flow))?
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::density::Target;
    use crate::net::Init;

    #[test]
    fn a_law_comes_back_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        let network = Network::<f32>::toy(2, Init::Uniform, &mut Stream::new(1, 0));
        write(LawFile::ENERGY, &network.to_safetensors());
        let base = Gaussian::new(vec![1.0, 2.0], Scale::Diagonal(vec![3.0, 3.0]));
        let model = EnergyModel::new(network).at_temperature(0.5).unwrap();
        let model = model.with_base(Arc::new(base)).unwrap();
        let law = LawFile::on_gaussian(0.5, vec![1.0, 2.0], vec![3.0, 3.0]);
        write(LawFile::NAME, law.to_json().as_bytes());
        let read = LawFile::read(folder.path()).unwrap();
        for x in [[0.0, 0.0], [1.5, -2.0]] {
            assert_eq!(read.log_prob_at(&x).unwrap(), model.log_prob_at(&x).unwrap());
        }
        let error = || LawFile::read(folder.path()).err().unwrap().to_string();
        write(LawFile::NAME, LawFile::on_gaussian(0.5, vec![1.0], vec![3.0]).to_json().as_bytes());
        assert!(error().contains("its base is no Gaussian of 2 coordinates"), "{}", error());
        write(LawFile::NAME, LawFile::on_flow(1.0).to_json().as_bytes());
        assert!(error().contains("base.safetensors"), "{}", error());
        write(LawFile::NAME, b"{}");
        assert!(error().contains("law.json"), "{}", error());
        write(LawFile::NAME, law.to_json().as_bytes());
        write(LawFile::ENERGY, b"nothing");
        assert!(error().contains("energy.safetensors"), "{}", error());
    }
}
