//! A trained GAN as files of a folder: `gan.json` says what the networks are, `generator.safetensors` and `discriminator.safetensors`
//! are the networks with their descriptions. How images became points lies beside, in a file of its own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{GanLoss, GanSettings};
use crate::density::{DiscriminatorLoss, LatentPrior};
use crate::io::{IoError, read_text};
use crate::net::Network;
use crate::net::import::ImportError;
use crate::train::TrainingData;
use crate::{Batch, ConfigError, Points};

/// Version of the format.
const FORMAT: u32 = 1;
/// Bytes of the file that are read.
const MOST_BYTES: u64 = 16 << 20;

/// What is said of a GAN beside its networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanFile {
    format: u32,
    /// The law of the latents.
    pub prior: LatentPrior,
    /// Number of latents.
    pub latent: usize,
    /// What the discriminator was trained by, which fixes what its score is.
    pub loss: DiscriminatorLoss,
    /// What was done to the data before; the generator makes points after it.
    pub standardisation: Option<Standardisation>,
}

/// Every coordinate less its mean, over its standard deviation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardisation {
    /// Mean of every coordinate.
    pub mean: Vec<f64>,
    /// Standard deviation of every coordinate.
    pub sd: Vec<f64>,
}

/// Why the files of a GAN cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GanFileError {
    /// A file cannot be read.
    #[error(transparent)]
    Io(#[from] IoError),
    /// `gan.json` is not what it should be.
    #[error("`{path}` does not describe a GAN: {reason}")]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A network.
    #[error(transparent)]
    Network(#[from] ImportError),
}

impl Standardisation {
    /// By the moments of these data.
    ///
    /// # Errors
    /// When a coordinate does not vary.
    pub fn of(data: &TrainingData) -> Result<Self, ConfigError> {
        let (mean, sd) = data.moments();
        if let Some(k) = sd.iter().position(|sd| sd.is_nan() || *sd <= 0.0) {
            let reason = format!("column {k} of the data does not vary; leave it out");
            return Err(ConfigError::new("standardise", true, reason));
        }
        Ok(Self { mean, sd })
    }

    /// Standardised points, `rows x dim`.
    pub fn apply(&self, x: Batch<'_>) -> Points {
        self.each(x, |x, mean, sd| (x - mean) / sd)
    }

    /// Points as the data were, `rows x dim`.
    pub fn undo(&self, x: Batch<'_>) -> Points {
        self.each(x, |x, mean, sd| mean + sd * x)
    }

    fn each(&self, x: Batch<'_>, change: impl Fn(f64, f64, f64) -> f64) -> Points {
        let moments = || self.mean.iter().zip(&self.sd);
        let changed =
            x.iter().flat_map(|row| row.iter().zip(moments()).map(|(x, (m, s))| change(*x, *m, *s)));
        Points::from_vec(changed.collect(), x.dim())
    }
}

impl GanFile {
    /// The name of this file.
    pub const NAME: &'static str = "gan.json";
    /// The name of the file of the generator.
    pub const GENERATOR: &'static str = "generator.safetensors";
    /// The name of the file of the discriminator.
    pub const DISCRIMINATOR: &'static str = "discriminator.safetensors";

    /// What a training with these settings leaves.
    pub fn new(settings: &GanSettings, latent: usize, standardisation: Option<Standardisation>) -> Self {
        let loss = match settings.loss {
            GanLoss::Js(_) => DiscriminatorLoss::Js,
            GanLoss::Hinge(_) => DiscriminatorLoss::Hinge,
            GanLoss::Wgan(_) => DiscriminatorLoss::Wgan,
        };
        Self { format: FORMAT, prior: settings.prior, latent, loss, standardisation }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a description is plain data")
    }

    /// The description in a folder, with generator and discriminator, which were found to fit.
    ///
    /// # Errors
    /// Names the file that is missing, damaged, or does not fit.
    pub fn read(folder: &Path) -> Result<(Self, Network<f32>, Network<f32>), GanFileError> {
        let path = folder.join(Self::NAME);
        let refused = |reason: String| GanFileError::Description { path: path.clone(), reason };
        let text = read_text(&path, MOST_BYTES).map_err(IoError::file("read", &path))?;
        let file: Self =
            serde_json::from_str(&text).map_err(|e| refused(crate::io::excerpt(&e.to_string())))?;
        if file.format != FORMAT {
            return Err(refused(format!("it has format {}, and this version reads {FORMAT}", file.format)));
        }
        let generator = Network::<f32>::read(&folder.join(Self::GENERATOR))?;
        let discriminator = Network::<f32>::read(&folder.join(Self::DISCRIMINATOR))?;
        let (made, dim) = (generator.n_out(), discriminator.dim());
        if generator.dim() != file.latent {
            return Err(refused(format!(
                "it says {} latents, but the generator takes {}",
                file.latent,
                generator.dim()
            )));
        }
        if made != dim || discriminator.n_out() != 1 {
            return Err(refused(format!(
                "its generator makes {made} numbers, but its discriminator takes {dim} and has {} outputs",
                discriminator.n_out()
            )));
        }
        if let Some(Standardisation { mean, sd }) = &file.standardisation {
            let fine = mean.iter().all(|m| m.is_finite()) && sd.iter().all(|s| s.is_finite() && *s > 0.0);
            if mean.len() != made || sd.len() != made || !fine {
                return Err(refused(format!("its standardisation is none of {made} coordinates")));
            }
        }
        Ok((file, generator, discriminator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::net::{Activation, Init, NetworkSpec};

    #[test]
    fn a_gan_comes_back_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        let network = |n_in, n_out| -> Network<f32> {
            let spec = NetworkSpec::dense(n_in, &[4], n_out, Activation::Relu);
            Network::new(&spec, Init::Uniform, &mut Stream::new(1, 0)).unwrap()
        };
        let data = TrainingData::new(Points::from_rows(&[[1.0, 2.0], [3.0, 8.0]])).unwrap();
        let standard = Standardisation::of(&data).unwrap();
        let points = standard.apply(data.points());
        assert_eq!(points.data(), [-1.0, -1.0, 1.0, 1.0]);
        assert_eq!(standard.undo(points.as_batch()).data(), data.points().data());
        let file = GanFile::new(&GanSettings::default(), 3, Some(standard));
        write(GanFile::NAME, file.to_json().as_bytes());
        write(GanFile::GENERATOR, &network(3, 2).to_safetensors());
        write(GanFile::DISCRIMINATOR, &network(2, 1).to_safetensors());
        let (read, generator, _) = GanFile::read(folder.path()).unwrap();
        assert_eq!((read, generator.params()), (file.clone(), network(3, 2).params()));
        let error = || GanFile::read(folder.path()).err().unwrap().to_string();
        write(GanFile::GENERATOR, &network(4, 2).to_safetensors());
        assert!(error().contains("it says 3 latents, but the generator takes 4"), "{}", error());
        write(GanFile::GENERATOR, &network(3, 5).to_safetensors());
        assert!(error().contains("makes 5 numbers, but its discriminator takes 2"), "{}", error());
        write(GanFile::GENERATOR, &network(3, 2).to_safetensors());
        let short = Standardisation { mean: vec![0.0], sd: vec![1.0] };
        write(GanFile::NAME, GanFile { standardisation: Some(short), ..file }.to_json().as_bytes());
        assert!(error().contains("none of 2 coordinates"), "{}", error());
        write(GanFile::NAME, b"{}");
        assert!(error().contains("gan.json"), "{}", error());
    }
}
