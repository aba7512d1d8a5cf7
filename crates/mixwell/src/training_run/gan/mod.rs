//! The training of a GAN: settings, networks that fit data and each other, the training as a task, and what is looked at afterwards.
//!
//! The loop itself is `gan/training/`; here it becomes a run with a folder, snapshots and a verdict.

mod config;
mod look;
mod networks;
mod snapshots;
mod task;

pub use config::GanConfig;
pub(in crate::training_run) use networks::placed;
pub use task::{GanRunState, GanTask};
