//! `ImageScorer`: the classifier by which images are scored, and what they are compared with.

use std::path::Path;

use mixwell::config::resolved_path;
use mixwell::image::ImageSet;
use mixwell::score::{Extractor, ImageScores, Preprocessing, ScoreError, ScoreOptions};
use mixwell::training_run::{NetworkChoice, TrainingRunError};
use serde::{Deserialize, Serialize};

/// How images are scored. Paths may begin with an environment variable, `${NAME}/..`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageScorer {
    /// The file of the classifier's weights.
    classifier: String,
    /// Its description, where the file has none: a name of `mixwell list networks`, or a file.
    #[serde(default)]
    network: Option<String>,
    /// The layers behind which features are taken; all but the last when absent.
    #[serde(default)]
    features: Option<usize>,
    /// Images that the features are compared with.
    reference: String,
    /// The first so many of them; all when zero.
    #[serde(default)]
    reference_images: usize,
    /// What black and white become before the classifier sees them.
    #[serde(default = "unit")]
    pixels: [f64; 2],
    /// Whether smaller images are framed with black.
    #[serde(default)]
    pad: bool,
    /// Taken from each channel.
    #[serde(default)]
    mean: Vec<f64>,
    /// What each channel is divided by.
    #[serde(default)]
    sd: Vec<f64>,
}

fn unit() -> [f64; 2] {
    [0.0, 1.0]
}

impl ImageScorer {
    /// Scores images, in one split.
    ///
    /// # Errors
    /// When a file cannot be used, or the images do not fit.
    pub fn score(&self, images: &ImageSet) -> Result<ImageScores, TrainingRunError> {
        let network = self.network.clone().map(|name| NetworkChoice::Named(name).spec()).transpose()?;
        let path = |key: &str, path: &str| resolved_path(key, path, Path::new(""));
        let unusable = |e: ScoreError| TrainingRunError::Data {
            path: self.classifier.clone().into(),
            reason: e.to_string(),
        };
        let classifier = path("images.classifier", &self.classifier)?;
        let extractor = Extractor::open(Path::new(&classifier), network, self.features).map_err(unusable)?;
        let mut reference = ImageSet::read(Path::new(&path("images.reference", &self.reference)?))?;
        if self.reference_images > 0 {
            reference = reference.slice(0..reference.len().min(self.reference_images))?;
        }
        let preprocessing = Preprocessing {
            pixels: self.pixels,
            pad: self.pad,
            mean: self.mean.clone(),
            sd: self.sd.clone(),
        };
        let options = ScoreOptions { splits: 1, seed: 1 };
        ImageScores::of(&extractor, &preprocessing, images, &reference, options).map_err(unusable)
    }
}
