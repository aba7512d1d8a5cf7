//! The state of a training: all that an update changes, as it lies in a checkpoint.

use serde::{Deserialize, Serialize};

use super::{Best, RatioTraining};
use crate::Stream;
use crate::net::{Model, Values, WeightsError};
use crate::rng::StreamState;
use crate::train::{BatchesState, LearnerState};

/// A [`RatioTraining`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RatioState {
    network: Values,
    learner: LearnerState,
    batches: BatchesState,
    latent_stream: StreamState,
    best: Option<Best>,
    updates: u64,
}

impl RatioTraining {
    /// The whole state, for a checkpoint.
    pub fn save(&self) -> RatioState {
        RatioState {
            network: Model::params(&self.network).to_values(),
            learner: self.learner.save(),
            batches: self.batches.save(),
            latent_stream: self.latent_stream.state(),
            best: self.best.clone(),
            updates: self.updates,
        }
    }

    /// Goes on from a state: the same updates follow, to the last bit.
    ///
    /// # Errors
    /// When it belongs to another network.
    pub fn load(&mut self, state: RatioState) -> Result<(), WeightsError> {
        self.network.set_params(&state.network)?;
        self.learner.load(&state.learner)?;
        self.batches.load(&state.batches);
        self.latent_stream = Stream::restore(state.latent_stream);
        self.best = state.best;
        self.updates = state.updates;
        Ok(())
    }
}
