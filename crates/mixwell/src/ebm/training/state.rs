//! The state of a training: what an update changes, what is kept to go back to, and what a checkpoint holds.

use serde::{Deserialize, Serialize};

use super::{Event, Training};
use crate::density::Target;
use crate::ebm::negatives::NegativesState;
use crate::ebm::{Energy, Health, TrainingError};
use crate::flow::FlowState;
use crate::net::{Model, Values, WeightAverage};
use crate::train::{BatchesState, LearnerState};

/// All that an update changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Moment {
    pub(super) params: Values,
    pub(super) version: u64,
    pub(super) learner: LearnerState,
    pub(super) average: Option<WeightAverage>,
    pub(super) flow: Option<(FlowState, LearnerState)>,
    pub(super) offset: Option<(Values, LearnerState)>,
    pub(super) negatives: NegativesState,
    pub(super) batches: BatchesState,
    pub(super) updates: u64,
}

/// A [`Training`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainingState {
    now: Moment,
    kept: Moment,
    slowed: f64,
    returns: u32,
    events: Vec<Event>,
    health: Option<Health>,
}

impl<E: Energy> Training<E> {
    pub(super) fn moment(&self) -> Moment {
        Moment {
            params: self.model.params().to_values(),
            version: Target::version(&self.model),
            learner: self.learner.save(),
            average: self.average.clone(),
            flow: self.flow.as_ref().map(|f| (f.flow.save_state(), f.learner.save())),
            offset: self.offset.as_ref().map(|(o, l)| (o.params().to_values(), l.save())),
            negatives: self.negatives.save(),
            batches: self.batches.save(),
            updates: self.updates,
        }
    }

    pub(super) fn set(&mut self, moment: &Moment) -> Result<(), TrainingError> {
        self.model.set_params(&moment.params)?;
        self.model.set_version(moment.version);
        self.learner.load(&moment.learner)?;
        if self.average.is_some() != moment.average.is_some() {
            return Err(TrainingError::OtherState);
        }
        self.average.clone_from(&moment.average);
        match (&mut self.flow, &moment.flow) {
            (Some(part), Some((flow, learner))) => {
                part.flow.load_state(flow)?;
                part.learner.load(learner)?;
            }
            (None, None) => {}
            _ => return Err(TrainingError::OtherState),
        }
        match (&mut self.offset, &moment.offset) {
            (Some((offset, own)), Some((value, learner))) => {
                offset.set_params(value)?;
                own.load(learner)?;
            }
            (None, None) => {}
            _ => return Err(TrainingError::OtherState),
        }
        self.negatives.load(&moment.negatives)?;
        self.batches.load(&moment.batches);
        self.updates = moment.updates;
        Ok(())
    }

    /// The whole state, for a checkpoint.
    pub fn save(&self) -> TrainingState {
        TrainingState {
            now: self.moment(),
            kept: (*self.kept).clone(),
            slowed: self.slowed,
            returns: self.returns,
            events: self.events.clone(),
            health: self.health,
        }
    }

    /// Goes on from a state: the same updates follow, to the last bit.
    ///
    /// # Errors
    /// When it belongs to a training with other settings.
    pub fn load(&mut self, state: &TrainingState) -> Result<(), TrainingError> {
        self.set(&state.now)?;
        self.learner.slow_down::<TrainingError>(state.slowed, &self.model)?;
        *self.kept = state.kept.clone();
        (self.slowed, self.returns) = (state.slowed, state.returns);
        self.events.clone_from(&state.events);
        self.health = state.health;
        Ok(())
    }
}
