//! `ClassifierConfig`: a classifier as data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::network::NetworkChoice;
use super::task::Classifier;
use crate::config::resolved_path;
use crate::footprint::MOST_COUNT;
use crate::net::OptimiserConfig;
use crate::training_run::config::Settings;
use crate::training_run::{TrainingOutput, TrainingRunError};
use crate::{ConfigError, range};

/// Settings of the training of a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Seed of starting weights, order of examples and shifts.
    #[serde(default = "one")]
    pub seed: u64,
    /// The network: its description, a file with it (.toml, .json), or a name of `mixwell list networks`. A class is an output.
    pub network: NetworkChoice,
    /// A file of weights to start from, of any kind that is read; random weights if absent.
    #[serde(default)]
    pub weights: Option<String>,
    /// Passes through the images, at most.
    #[serde(default = "ten")]
    pub epochs: usize,
    /// Images a step.
    #[serde(default = "sixty_four")]
    pub batch: usize,
    /// Share of the training images that are held out to choose the best pass.
    #[serde(default = "a_tenth")]
    pub validation: f64,
    /// Stop after so many passes without a better loss on what is held out; 0 never stops early.
    #[serde(default)]
    pub patience: usize,
    /// Whether every pass has an order of its own; otherwise images are taken as they lie.
    #[serde(default = "yes")]
    pub shuffle: bool,
    /// Memory of the moving average of the weights that is looked at and kept, e.g. 0.999; 0 for the weights themselves.
    #[serde(default)]
    pub average: f64,
    /// Every training image is moved by up to so many pixels either way, anew at every step.
    #[serde(default)]
    pub shift: usize,
    /// A step is left out when the loss moved by more than this since the last good one.
    #[serde(default = "far")]
    pub jump_tolerance: f64,
    /// The images.
    pub data: ImageFiles,
    /// The optimiser. A schedule of `total = 0` steps is as long as the training.
    #[serde(default)]
    pub optimiser: OptimiserConfig,
    /// How the run is written down.
    #[serde(default)]
    pub output: TrainingOutput,
}

fn one() -> u64 {
    1
}

fn ten() -> usize {
    10
}

fn sixty_four() -> usize {
    64
}

fn a_tenth() -> f64 {
    0.1
}

fn yes() -> bool {
    true
}

fn far() -> f64 {
    1e6
}

/// One path or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Paths {
    /// One.
    One(String),
    /// Several, whose images are put one after the other.
    Several(Vec<String>),
}

impl Paths {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }

    pub(in crate::training_run) fn all_mut(&mut self) -> &mut [String] {
        match self {
            Self::One(path) => std::slice::from_mut(path),
            Self::Several(paths) => paths,
        }
    }
}

/// Where images with their classes lie. A path may begin with an environment variable, `${NAME}/train-images-idx3-ubyte.gz`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageFiles {
    /// Images to learn from: idx (as of MNIST, labels beside it), CIFAR's binary, optdigits, plain or gzip, or a folder of PNG pictures
    /// in a folder for each class. Several files are one set.
    pub train: Paths,
    /// Images that are only looked at when all is done.
    #[serde(default)]
    pub test: Option<Paths>,
    /// What black (0) and white (255) become.
    #[serde(default = "unit")]
    pub pixels: [f64; 2],
}

fn unit() -> [f64; 2] {
    [0.0, 1.0]
}

impl ClassifierConfig {
    /// The optimiser for a training of so many steps.
    pub(super) fn optimiser(&self, steps: u64) -> OptimiserConfig {
        OptimiserConfig { schedule: self.optimiser.schedule.over(steps), ..self.optimiser.clone() }
    }
}

impl Settings for ClassifierConfig {
    type Task = Classifier;

    fn check(&self) -> Result<(), ConfigError> {
        crate::config::check_seed(self.seed)?;
        range::at_least("epochs", self.epochs, 1)?;
        range::at_most("epochs", self.epochs, MOST_COUNT)?;
        range::at_least("batch", self.batch, 1)?;
        range::below_one("validation", self.validation)?;
        range::below_one("average", self.average)?;
        range::positive("jump_tolerance", self.jump_tolerance)?;
        for (key, value) in [("data.pixels[0]", self.data.pixels[0]), ("data.pixels[1]", self.data.pixels[1])]
        {
            range::finite(key, value)?;
        }
        range::above("data.pixels[1]", self.data.pixels[1], self.data.pixels[0])?;
        self.optimiser(1).check().map_err(|e| e.under("optimiser"))
    }

    fn seed(&mut self) -> &mut u64 {
        &mut self.seed
    }

    fn output(&self) -> &TrainingOutput {
        &self.output
    }

    fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        self.network.resolve(base)?;
        if let Some(weights) = &mut self.weights {
            *weights = resolved_path("weights", weights, base)?;
        }
        for path in self.data.train.all_mut() {
            *path = resolved_path("data.train", path, base)?;
        }
        for path in self.data.test.iter_mut().flat_map(Paths::all_mut) {
            *path = resolved_path("data.test", path, base)?;
        }
        Ok(())
    }

    fn open(&self) -> Result<(Classifier, u64), TrainingRunError> {
        Classifier::open(self)
    }
}
