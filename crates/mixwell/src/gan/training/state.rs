//! The state of a training: all that an update changes, as it lies in a checkpoint.

use serde::{Deserialize, Serialize};

use super::GanTraining;
use crate::Stream;
use crate::net::{Model, Values, WeightAverage, WeightsError};
use crate::rng::StreamState;
use crate::train::{BatchesState, LearnerState};

/// A [`GanTraining`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GanState {
    generator: Values,
    discriminator: Values,
    generator_learner: LearnerState,
    discriminator_learner: LearnerState,
    average: Option<WeightAverage>,
    batches: BatchesState,
    latent_stream: StreamState,
    updates: u64,
}

impl GanTraining {
    /// The whole state, for a checkpoint.
    pub fn save(&self) -> GanState {
        GanState {
            generator: Model::params(&self.generator).to_values(),
            discriminator: Model::params(&self.discriminator).to_values(),
            generator_learner: self.generator_learner.save(),
            discriminator_learner: self.discriminator_learner.save(),
            average: self.average.clone(),
            batches: self.batches.save(),
            latent_stream: self.latent_stream.state(),
            updates: self.updates,
        }
    }

    /// Goes on from a state: the same updates follow, to the last bit.
    ///
    /// # Errors
    /// When it belongs to other networks.
    pub fn load(&mut self, state: GanState) -> Result<(), WeightsError> {
        self.generator.set_params(&state.generator)?;
        self.discriminator.set_params(&state.discriminator)?;
        self.generator_learner.load(&state.generator_learner)?;
        self.discriminator_learner.load(&state.discriminator_learner)?;
        self.batches.load(&state.batches);
        self.average = state.average;
        self.latent_stream = Stream::restore(state.latent_stream);
        self.updates = state.updates;
        Ok(())
    }
}
