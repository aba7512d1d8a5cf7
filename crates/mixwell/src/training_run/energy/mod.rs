//! An energy-based model, trained as a run: data, base, flow, trainer as settings; what came out as a law that can be sampled.

mod config;
mod data;
mod evaluate;
mod expected;
mod images;
mod modes;
mod stage;
mod task;

pub use config::{BaseChoice, EnergyConfig, EnergyLaw, EvaluationSettings};
pub(in crate::training_run) use data::OpenData;
pub use data::PointsConfig;
pub use images::ImagesConfig;
pub(in crate::training_run) use images::OpenImages;
pub use task::{EnergyState, EnergyTask};
