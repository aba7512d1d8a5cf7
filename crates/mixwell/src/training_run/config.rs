//! `TrainConfig`: any training as data; the registry of kinds, a file and a row each.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::classifier::ClassifierConfig;
use super::energy::EnergyConfig;
use super::gan::GanConfig;
use super::long_chains::LongChainsConfig;
use super::ratio::RatioConfig;
use super::session::Session;
use super::{Task, TrainingEnding, TrainingRunError};
use crate::{ConfigError, range};

/// What the settings of every kind of training can do.
pub(super) trait Settings {
    /// The training that they describe.
    type Task: Task;

    /// Every range check.
    fn check(&self) -> Result<(), ConfigError>;

    /// The seed.
    fn seed(&mut self) -> &mut u64;

    /// How the run is written down.
    fn output(&self) -> &TrainingOutput;

    /// Makes everything that stands elsewhere (paths, networks by name) hold from anywhere.
    fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError>;

    /// The training, with its data read; says how many bytes it will hold at most.
    fn open(&self) -> Result<(Self::Task, u64), TrainingRunError>;
}

/// Writes the enum, and every `match` over it, from one list of kinds: variant, settings, `kind` in config files, and a line.
macro_rules! kinds {
    ($($variant:ident($settings:ty) = $kind:literal, $summary:literal;)*) => {
        /// Any training, as settings.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        // There is one of it in a process.
        #[allow(clippy::large_enum_variant)]
        pub enum TrainConfig {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($settings),)*
        }

        impl TrainConfig {
            /// Its name in a config file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            /// Refuses settings that cannot be used.
            ///
            /// # Errors
            /// Names the first of them.
            pub fn check(&self) -> Result<(), ConfigError> {
                match self {
                    $(Self::$variant(settings) => {
                        settings.output().check()?;
                        settings.check()
                    })*
                }
            }

            /// The seed, to be read or changed.
            pub fn seed(&mut self) -> &mut u64 {
                match self {
                    $(Self::$variant(settings) => settings.seed(),)*
                }
            }

            /// How the run is written down.
            pub fn output(&self) -> &TrainingOutput {
                match self {
                    $(Self::$variant(settings) => settings.output(),)*
                }
            }

            /// Makes everything that stands elsewhere hold from anywhere: paths relative to `base` (the folder of the config file)
            /// become absolute, `${NAME}` in them the environment variable; a network by its name or file becomes its
            /// description. A folder of a run keeps settings like this.
            ///
            /// # Errors
            /// When a variable is not set, or there is no such network.
            pub fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
                // There is no absolute path of an empty one, which is the current folder.
                let base = std::path::absolute(base).or_else(|_| std::env::current_dir());
                let base = base.unwrap_or_default();
                match self {
                    $(Self::$variant(settings) => settings.resolve(&base),)*
                }
            }

            /// Carries out a session of the training that these settings describe.
            pub(super) fn carry_out(&self, session: Session) -> Result<TrainingEnding, TrainingRunError> {
                match self {
                    $(Self::$variant(settings) => {
                        let (task, bytes) = settings.open()?;
                        session.carry_out(task, bytes)
                    })*
                }
            }
        }
    };
}

kinds! {
    Classifier(ClassifierConfig) = "classifier", "A classifier of images.";
    Energy(EnergyConfig) = "energy", "An energy-based model.";
    Gan(GanConfig) = "gan", "A generator of points or images, against a discriminator.";
    Ratio(RatioConfig) = "ratio", "A density ratio of data and what a generator makes.";
    LongChains(LongChainsConfig) = "long_chains", "Long chains under an energy that has been trained.";
}

/// How a training is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingOutput {
    /// Updates between rows of the curve.
    pub curve_every: u64,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: f64,
}

impl Default for TrainingOutput {
    fn default() -> Self {
        Self { curve_every: 20, checkpoint_seconds: 30.0 }
    }
}

impl TrainingOutput {
    fn check(&self) -> Result<(), ConfigError> {
        range::at_least("output.curve_every", self.curve_every, 1)?;
        range::not_negative("output.checkpoint_seconds", self.checkpoint_seconds)
    }
}

/// Whether a config is that of a training: it says its `kind`, which that of a run does not.
pub fn is_training(text: &str) -> bool {
    text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("kind"))
}
