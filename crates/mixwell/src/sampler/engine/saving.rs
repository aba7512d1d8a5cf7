//! The whole state of a run, to be written down and taken up again.

use std::time::Instant;

use super::{Engine, SaveCheckpoint};
use crate::flow::Flow;
use crate::sampler::error::RunError;
use crate::sampler::observer::{Event, Observer, Phase};
use crate::sampler::sink::Sink;
use crate::sampler::state::RunState;
use crate::train::Trainer;

impl Engine<'_, Sink> {
    pub(super) fn checkpoint_is_due(&self) -> bool {
        self.last_checkpoint.elapsed().as_secs_f64() >= self.config.output.checkpoint_seconds
    }

    pub(super) fn checkpoint(
        &mut self,
        observer: &mut dyn Observer,
        write: &mut SaveCheckpoint<'_>,
    ) -> Result<(), RunError> {
        let state = self.save()?;
        write(&state, self.flow.as_ref())?;
        self.last_checkpoint = Instant::now();
        observer.event(&Event::Checkpoint);
        Ok(())
    }

    pub(super) fn save(&mut self) -> Result<RunState, RunError> {
        Ok(RunState {
            progress: self.place.clone(),
            ensemble: self.ensemble.save(),
            kernels: self.plan.kernels.iter().map(|k| k.kernel.save()).collect(),
            flow: self.flow.as_ref().map(Flow::save_state),
            trainer: self.trainer.as_ref().map(Trainer::save),
            pool: self
                .pool
                .clone()
                .filter(|_| self.place.phase == Phase::Warmup && self.plan.trains_on_pool()),
            since_draw: self.since_draw.clone(),
            warmup_totals: self.warmup_totals.clone(),
            production_totals: self.production_totals.clone(),
            store: self.sink.save()?,
            consistency: self.consistency.clone(),
            spent: self.spent(),
        })
    }
}

impl<S> Engine<'_, S> {
    /// Goes on from a saved state; the chains and what they cost are there already, the store is resumed with the sink.
    pub fn restore(&mut self, state: RunState) -> Result<(), RunError> {
        for (named, saved) in self.plan.kernels.iter_mut().zip(&state.kernels) {
            named.kernel.load(saved)?;
            if state.progress.phase > Phase::Warmup {
                named.kernel.freeze();
            }
        }
        if let (Some(flow), Some(saved)) = (&mut self.flow, &state.flow) {
            flow.load_state(saved)?;
        }
        if let (Some(trainer), Some(saved)) = (&mut self.trainer, state.trainer) {
            trainer.load(saved)?;
        }
        self.warmup_totals = state.warmup_totals;
        self.production_totals = state.production_totals;
        self.place = state.progress;
        self.since_draw = state.since_draw;
        self.consistency = state.consistency;
        if state.pool.is_some() {
            self.pool = state.pool;
        }
        Ok(())
    }
}
