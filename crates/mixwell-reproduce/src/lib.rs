//! Published experiments, run by Mixwell and set beside the published numbers.
//!
//! An experiment is data: a TOML file with the target, the methods to compare, a sweep (e.g. over dimensions), what is
//! measured, what was published, and the rules that decide whether the numbers agree. One [`Runner`] runs them all
//! through [`mixwell::sampler::Sampler`] or, where a method is a training, [`mixwell::training_run::TrainingRun`]; no experiment has
//! code of its own.
//!
//! - [`Experiment`] - the file, with a preset laid over it; [`catalogue`] - the experiments that come with this crate.
//! - A *cell* is one method at one point of the sweep in one repetition. Each finished cell is a file in the output folder, so
//!   an interrupted run goes on where it was, and more repetitions reuse the ones that are there.
//! - [`Metric`] - what is computed from the draws of a cell ([`Sample`]) or from what a training has left ([`Trained`]); [`Rule`] - what must hold of the means over all cells.
//! - [`Report`] - published beside measured, as `results.json` and `README.md`; [`Figure`] - what is drawn beside it;
//!   [`index`] - one page over several of them.

#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod catalogue;
mod cell;
mod error;
mod experiment;
mod figure;
mod fill;
mod folder;
mod merge;
mod metric;
mod observer;
mod quadrature;
mod report;
mod rule;
mod runner;
mod sample;
mod scorer;
mod seed_mean;
mod sketch;
mod sweep;
mod trained;
mod work;

pub use cell::{CellCost, CellResult};
pub use error::ReproduceError;
pub use experiment::{Experiment, MethodEntry, Published};
pub use figure::{Figure, Show};
pub use metric::{AmongModes, KnownLaw, Metric, MetricEntry, Quantile, Statistic};
pub use observer::{Event, Observer};
pub use quadrature::Quadrature;
pub use report::{CostRow, Judged, Report, ResultRow, index, number};
pub use rule::{Rule, Test};
pub use runner::{Outcome, Runner};
pub use sample::Sample;
pub use scorer::ImageScorer;
pub use seed_mean::{Measured, SeedMean};
pub use sweep::Point;
pub use trained::Trained;
