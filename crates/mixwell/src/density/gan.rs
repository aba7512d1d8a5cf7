//! A GAN as a target: `log pi(z) = log p0(z) + kappa d(G(z))`, as settings.
//!
//! What networks are, this room does not know: the files are read by the [`DataLoader`], as tables are.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{DataLoader, Target, TargetError, TrainedLaw};
use crate::{ConfigError, Stream, range};

/// A network in files: their path alone, or with what else must be said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum NetworkFiles {
    /// A file that describes itself: of `mixwell train`, of `mixwell network convert`, or ONNX.
    File(String),
    /// Arrays of any kind that is read, and a description.
    Described(DescribedFiles),
}

/// Arrays and the description of the network that they belong to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribedFiles {
    /// The file of arrays: PyTorch, NumPy, safetensors, ONNX.
    pub weights: String,
    /// A TOML or JSON file, or a name of `mixwell list networks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The arrays below this key only, e.g. `model_state_dict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Prefixes that are taken from the names, e.g. `module.`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strip: Vec<String>,
}

impl NetworkFiles {
    /// The file of arrays.
    pub fn weights(&self) -> &str {
        match self {
            Self::File(path) => path,
            Self::Described(files) => &files.weights,
        }
    }

    /// Refuses an empty path.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.weights().is_empty() {
            return Err(ConfigError::new("weights", "empty", "give the file of the network"));
        }
        Ok(())
    }

    /// Puts the paths under `base`, the folder of the config file; absolute paths stay.
    pub fn resolve_paths(&mut self, base: &Path) {
        let under = |path: &str| resolved(path, base);
        match self {
            Self::File(path) => *path = under(path),
            Self::Described(files) => {
                files.weights = under(&files.weights);
                // A name of the catalogue has no ending.
                if let Some(description) = files.description.as_mut().filter(|d| d.contains('.')) {
                    *description = under(description);
                }
            }
        }
    }
}

/// The law of the latents that a generator was trained with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LatentPrior {
    /// Independent standard normal coordinates.
    #[default]
    Normal,
    /// Independent uniform coordinates.
    Uniform {
        /// Smallest value.
        #[serde(default = "minus_one")]
        low: f64,
        /// Largest value.
        #[serde(default = "one")]
        high: f64,
        /// What becomes of the edges.
        #[serde(default)]
        edges: Edges,
    },
}

/// How the edges of a uniform law of latents are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edges {
    /// Chains move standard normal coordinates `u`, of which the generator sees `low + (high - low) Phi(u)`: there are no edges, and what
    /// is made for a normal prior (its defaults, flows) fits.
    #[default]
    Map,
    /// Chains move the latents themselves; what lies outside has density zero and is refused.
    Refuse,
}

fn minus_one() -> f64 {
    -1.0
}

fn one() -> f64 {
    1.0
}

impl LatentPrior {
    /// Fills `latents` with draws, of which a generator may be given any number.
    pub fn fill(&self, stream: &mut Stream, latents: &mut [f64]) {
        match *self {
            Self::Normal => stream.fill_normal(latents),
            Self::Uniform { low, high, .. } => {
                latents.iter_mut().for_each(|z| *z = low + (high - low) * stream.uniform());
            }
        }
    }

    /// Refuses an interval that is none.
    pub fn check(&self) -> Result<(), ConfigError> {
        match *self {
            Self::Normal => Ok(()),
            Self::Uniform { low, high, .. } => {
                crate::proposal::Uniform::new(1, low, high).map(|_| ()).map_err(|e| e.under("prior"))
            }
        }
    }
}

/// What a discriminator was trained by, which decides what its output says about a density ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscriminatorLoss {
    /// Cross-entropy of the logit: the output is `ln p_data / p_G` where training has converged.
    Js,
    /// The same, with a sigmoid at the end of the network: what comes before it is the output.
    JsSigmoid,
    /// Hinge loss: the output is no log-ratio; a temperature `kappa` is a matter of taste.
    Hinge,
    /// A Wasserstein critic: known up to a factor, which `kappa` is.
    Wgan,
}

/// What images a generator makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratedImages {
    /// Channels, height, width; that of the generator where it makes images, else square and grey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<[usize; 3]>,
    /// The number that stands for black.
    pub black: f64,
    /// The number that stands for white.
    pub white: f64,
}

impl Default for GeneratedImages {
    fn default() -> Self {
        Self { shape: None, black: -1.0, white: 1.0 }
    }
}

/// Settings of a GAN as a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GanTargetConfig {
    /// The folder that `mixwell train` made for a training of `kind = "gan"`. What is given beside it goes first. Here and in the other paths
    /// `${NAME}` is an environment variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<NetworkFiles>,
    /// The discriminator, or a ratio that `mixwell train` has trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<NetworkFiles>,
    /// What the discriminator was trained by: `js`, `js_sigmoid`, `hinge`, `wgan`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<DiscriminatorLoss>,
    /// The law of the latents; normal unless the folder says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<LatentPrior>,
    /// Factor of the discriminator's output; 0 gives the generator alone.
    pub kappa: f64,
    /// The file that `mixwell calibrate` has written: the discriminator is corrected by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<String>,
    /// What images the points are, where the networks do not say: needed to look at draws as images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<GeneratedImages>,
    /// Coordinates of a generated point up to which it is kept beside its latent, as the variable `x`.
    pub points_up_to: usize,
    /// SHA-256 of the files; others are then refused. A run writes down what it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Default for GanTargetConfig {
    fn default() -> Self {
        Self {
            path: None,
            generator: None,
            discriminator: None,
            loss: None,
            prior: None,
            kappa: 1.0,
            calibration: None,
            images: None,
            points_up_to: 16,
            sha256: None,
        }
    }
}

/// The path from anywhere; one with an environment variable that is not set stays as it is, and is told of when it is read.
fn resolved(path: &str, base: &Path) -> String {
    crate::config::resolved_path("path", path, base).unwrap_or_else(|_| path.into())
}

impl GanTargetConfig {
    /// Refuses settings that cannot be used, whatever the files.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (key, files) in [("generator", &self.generator), ("discriminator", &self.discriminator)] {
            files.as_ref().map_or(Ok(()), |files| files.check().map_err(|e| e.under(key)))?;
        }
        self.prior.map_or(Ok(()), |prior| prior.check())?;
        range::not_negative("kappa", self.kappa)
    }

    /// Refuses settings that name no networks, or do not say what the discriminator was trained by.
    pub fn check_that_all_is_said(&self) -> Result<(), ConfigError> {
        if self.path.is_some() {
            return Ok(());
        }
        for (key, files) in [("generator", &self.generator), ("discriminator", &self.discriminator)] {
            if files.is_none() {
                let reason = "give its file, or `path`, the folder of a training of `kind = \"gan\"`";
                return Err(ConfigError::new(key, "missing", reason));
            }
        }
        if self.loss.is_none() {
            let reason = "say what the discriminator was trained by: `js`, `js_sigmoid`, `hinge` or `wgan`";
            return Err(ConfigError::new("loss", "missing", reason));
        }
        Ok(())
    }

    /// Reads the target.
    ///
    /// # Errors
    /// When the loader cannot, or the files are not those of [`GanTargetConfig::sha256`].
    pub fn build(&self, data: &dyn DataLoader) -> Result<Box<dyn Target>, TargetError> {
        self.check()?;
        self.refuse_open_variables()?;
        data.gan(self)?.expect(self.name(), self.sha256.as_deref())
    }

    fn refuse_open_variables(&self) -> Result<(), ConfigError> {
        let networks =
            [&self.generator, &self.discriminator].into_iter().flatten().map(NetworkFiles::weights);
        let mut paths = networks.chain(self.path.as_deref()).chain(self.calibration.as_deref());
        paths.try_for_each(|path| crate::config::resolved_path("path", path, Path::new("")).map(|_| ()))
    }

    /// Writes down what the files are now, if nothing is written down yet.
    pub(super) fn pin(&mut self, data: &dyn DataLoader) -> Result<(), TargetError> {
        if self.sha256.is_none() {
            self.refuse_open_variables()?;
            self.sha256 = Some(data.gan(self)?.sha256);
        }
        Ok(())
    }

    /// What an error calls it: its folder, or the file of its generator.
    pub fn name(&self) -> &str {
        let generator = self.generator.as_ref().map(NetworkFiles::weights);
        generator.or(self.path.as_deref()).unwrap_or_default()
    }

    pub(super) fn resolve_paths(&mut self, base: &Path) {
        for path in [&mut self.path, &mut self.calibration].into_iter().flatten() {
            *path = resolved(path, base);
        }
        for files in [&mut self.generator, &mut self.discriminator].into_iter().flatten() {
            files.resolve_paths(base);
        }
    }
}

impl TrainedLaw {
    /// The law, if its files are the expected ones, where some are.
    pub(super) fn expect(self, path: &str, sha256: Option<&str>) -> Result<Box<dyn Target>, TargetError> {
        match sha256 {
            Some(expected) if !expected.eq_ignore_ascii_case(&self.sha256) => Err(TargetError::Changed {
                path: path.to_string(),
                expected: crate::error::excerpt(expected),
                found: self.sha256,
            }),
            _ => Ok(self.target),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_a_path_or_a_table() {
        let text = "loss = 'js'\ngenerator = 'g.safetensors'\nprior = { kind = 'uniform' }\n\
                    discriminator = { weights = 'd.pth', description = 'dcgan_28_critic', strip = ['module.'] }";
        let mut config: GanTargetConfig = toml::from_str(text).unwrap();
        config.check().unwrap();
        config.resolve_paths(Path::new("/base"));
        let written = toml::to_string(&config).unwrap();
        assert!(written.contains("generator = \"/base/g.safetensors\""), "{written}");
        assert!(written.contains("\"/base/d.pth\"") && written.contains("\"dcgan_28_critic\""), "{written}");
        assert_eq!(toml::from_str::<GanTargetConfig>(&written).unwrap(), config);
        let key = |config: GanTargetConfig| {
            config.check().and_then(|()| config.check_that_all_is_said()).unwrap_err().key
        };
        assert_eq!(key(GanTargetConfig::default()), "generator");
        assert_eq!(key(GanTargetConfig { loss: None, ..config.clone() }), "loss");
        assert_eq!(key(GanTargetConfig { kappa: -1.0, ..config.clone() }), "kappa");
        let prior = Some(LatentPrior::Uniform { low: 1.0, high: 0.0, edges: Edges::Map });
        assert_eq!(key(GanTargetConfig { prior, ..config }), "prior.high");
    }
}
