//! A training call: on what it learns, and how it is undone when it does not run to its end.

use super::Engine;
use crate::density::Guarded;
use crate::sampler::error::RunError;
use crate::sampler::observer::Observer;
use crate::sampler::sink::Sink;
use crate::train::{Examples, Particles, TrainAction, TrainError};

impl Engine<'_, Sink> {
    pub(super) fn train(
        &mut self,
        action: &TrainAction,
        observer: &mut dyn Observer,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(), RunError> {
        self.tell(observer, true);
        let (Some(flow), Some(trainer)) = (&mut self.flow, &mut self.trainer) else {
            unreachable!("a schedule that trains has a flow");
        };
        let before = trainer.before(action, flow);
        let counted = (self.target.densities(), self.target.gradients());
        let particles = self.pool.as_ref().map(|p| Particles {
            x: p.x(),
            log_weights: p.log_weights(),
            per_chain: p.n_particles(),
        });
        let examples = Examples::of(Guarded::new(self.target, &self.failure))
            .with_chains(self.ensemble.x())
            .with_particles(particles);
        // A call that learns from particles is short and runs to its end.
        let stops = !action.needs_pool();
        let go_on = || if stops && interrupted() { Err(TrainError::Interrupted) } else { Ok(()) };
        let trained = trainer.train(action, flow, examples, &go_on);
        let failed = self.failure.check();
        if failed.is_err() || trained.is_err() {
            trainer.go_back(before, flow);
            self.count_only(counted);
        } else {
            self.place.cursor.finish_action();
        }
        Ok(failed?)
    }
}
