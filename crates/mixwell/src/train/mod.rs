//! How models are trained, and what a flow learns from during a run.
//!
//! [`Descent`] is the one loop: a loss with its gradient, the guard's verdict, a clipped step of the optimiser. It works on any
//! [`Model`](crate::net::Model) with any [`Loss`] or [`ExampleLoss`]. What a run trains its flow on is data: a [`TrainAction`]
//! says what one training call does, with an [`Objective`] by name; [`TrainingConfig`] holds what all calls share; the
//! [`Trainer`] carries them out. Chains and particles are data here: nothing depends on a kernel, and a loss treats every weight and
//! particle as a constant.

mod action;
mod batches;
mod descent;
mod epochs;
mod examples;
mod guard;
mod learner;
mod loss;
mod objective;
mod replay;
mod settings;
mod tempering;
mod trainer;
mod weighted_points;
mod weights;

pub use action::TrainAction;
pub use batches::TrainingData;
pub(crate) use batches::{Batches, BatchesState};
pub use descent::{Descent, Passes, Stepped, TrainReport};
pub use epochs::{Epochs, Walked};
pub use examples::{Examples, Particles};
pub use guard::{Guard, GuardCounts};
pub(crate) use learner::{Learner, LearnerState, Taken};
pub use loss::{ExampleLoss, Loss, LossValue};
pub use objective::{MixSchedule, Objective};
pub use replay::Replay;
pub use settings::{History, TrainingConfig};
pub use tempering::Tempering;
pub use trainer::{TrainError, Trainer, TrainerState, uninterrupted};
pub use weighted_points::WeightedPoints;
