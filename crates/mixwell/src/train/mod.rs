//! What a flow learns from, and how: objectives, replay of past draws, the trainer with its guards.
//!
//! A [`TrainAction`] says what one training call of a schedule does; [`TrainingConfig`] holds what all calls share.
//! Chains and pools are data here: no kernel is known, and every weight and particle is a constant of the loss.

mod action;
mod guard;
mod replay;
mod tempering;
mod trainer;
mod weights;

pub use action::{History, MixSchedule, Objective, TrainAction, TrainingConfig};
pub use guard::{Guard, GuardCounts};
pub use replay::Replay;
pub use tempering::Tempering;
pub use trainer::{Examples, TrainError, TrainReport, Trainer, TrainerState};
