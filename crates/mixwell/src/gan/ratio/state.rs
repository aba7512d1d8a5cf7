//! The state of a training: all that an update changes, as it lies in a checkpoint.

use serde::{Deserialize, Serialize};

use super::{Best, Member, RatioTraining};
use crate::Stream;
use crate::net::{Model, Values, WeightsError};
use crate::rng::StreamState;
use crate::train::{BatchesState, LearnerState};

/// A [`RatioTraining`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RatioState {
    members: Vec<(Values, LearnerState, Option<Best>)>,
    batches: BatchesState,
    latent_stream: StreamState,
    updates: u64,
}

impl RatioTraining {
    /// The whole state, for a checkpoint.
    pub fn save(&self) -> RatioState {
        let members = self.members.iter().map(|Member { network, learner, best }| {
            (Model::params(network).to_values(), learner.save(), best.clone())
        });
        RatioState {
            members: members.collect(),
            batches: self.batches.save(),
            latent_stream: self.latent_stream.state(),
            updates: self.updates,
        }
    }

    /// Goes on from a state: the same updates follow, to the last bit.
    ///
    /// # Errors
    /// When it belongs to another network.
    pub fn load(&mut self, state: RatioState) -> Result<(), WeightsError> {
        let (expected, found) = (self.members.len(), state.members.len());
        if expected != found {
            return Err(WeightsError::Shape { what: "the networks".into(), expected, found });
        }
        for (member, (weights, learner, best)) in self.members.iter_mut().zip(state.members) {
            member.network.set_params(&weights)?;
            member.learner.load(&learner)?;
            member.best = best;
        }
        self.batches.load(&state.batches);
        self.latent_stream = Stream::restore(state.latent_stream);
        self.updates = state.updates;
        Ok(())
    }
}
