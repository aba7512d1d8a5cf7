//! A training call: on what it learns, and how it is undone when it does not run to its end.

use super::Engine;
use crate::density::{Guarded, Target};
use crate::sampler::error::RunError;
use crate::sampler::observer::Observer;
use crate::sampler::plan::Plan;
use crate::sampler::sink::Sink;
use crate::symmetry::Orbit;
use crate::train::{Examples, Particles, TrainAction, TrainError};
use crate::{Batch, Points};

/// Points as a flow learns from them, each put onto one of the images that proposals are averaged over, where they are. Others must be learned.
pub(super) fn folded(plan: &Plan, target: &dyn Target, x: Batch<'_>) -> Option<Points> {
    let orbit = plan.uses_images().then(|| Orbit::of_folding(target.symmetries(), Orbit::MOST)).flatten()?;
    let mut folded = Points::from_vec(x.data().to_vec(), x.dim());
    folded.as_batch_mut().iter_mut().for_each(|row| orbit.fold(row));
    Some(folded)
}

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
        let one_image = |x| folded(&self.plan, self.target, x);
        let of_pool = self.pool.as_ref().and_then(|p| one_image(p.x()));
        let of_chains = one_image(self.ensemble.x());
        let particles = self.pool.as_ref().map(|p| Particles {
            x: of_pool.as_ref().map_or(p.x(), Points::as_batch),
            log_weights: p.log_weights(),
            per_chain: p.n_particles(),
        });
        let examples = Examples::of(Guarded::new(self.target, &self.failure))
            .with_chains(of_chains.as_ref().map_or(self.ensemble.x(), Points::as_batch))
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
