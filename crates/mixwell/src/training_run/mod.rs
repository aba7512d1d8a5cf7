//! A training run: one model (a classifier of images, an energy; others are further kinds) trained in a folder of its own,
//! with weights, curve, checkpoint, log, summary and a verdict, that can be killed at any moment and resumed with the same bits.
//!
//! What differs between kinds of training is a [`Task`]: an update, its state, what it measures, what it leaves. The run around it
//! (`session.rs`) is the same for all. A kind of training is a file of settings and a row in [`TrainConfig`].
//!
//! ```no_run
//! use mixwell::training_run::{TrainConfig, TrainingEnding, TrainingRun};
//!
//! let mut config = mixwell::config::parse::<TrainConfig>(&std::fs::read_to_string("digits.toml")?)?.settings;
//! config.resolve(".".as_ref())?;
//! match TrainingRun::new(config, "runs/digits").run()? {
//!     TrainingEnding::Finished(summary) => println!("{}", summary.words()),
//!     TrainingEnding::Interrupted => println!("to be resumed"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod classifier;
mod config;
mod energy;
mod energy_spread;
mod error;
mod gan;
mod long_chains;
mod observer;
mod ratio;
mod session;
mod summary;
mod task;
mod trained;
mod verdict;

pub use classifier::{ClassifierConfig, ImageFiles, NetworkChoice, Paths};
pub use config::{TrainConfig, TrainingOutput, is_training};
pub use energy::{
    BaseChoice, EnergyConfig, EnergyLaw, EnergyState, EnergyTask, EvaluationSettings, ImagesConfig,
    PointsConfig,
};
pub use error::TrainingRunError;
pub use gan::{GanConfig, GanRunState, GanTask};
pub use long_chains::{ChainSpace, ChainStart, LongChainsConfig, LongChainsState, LongChainsTask};
pub use observer::{TrainingEvent, TrainingObserver};
pub use ratio::{GanSource, RatioConfig, RatioRunState, RatioTask};
pub use session::{TrainingEnding, TrainingRun};
pub use summary::{CurvePanel, TrainingSummary, read_training_summary};
pub use task::{Column, Outcome, Task, Updated, WeightsOf};
pub use trained::{
    GanScores, TrainedEnergy, TrainedLaws, encoding_of_gan, generated_images, images_of_run, open_gan,
    points_of_run, read_points,
};
pub use verdict::Course;
