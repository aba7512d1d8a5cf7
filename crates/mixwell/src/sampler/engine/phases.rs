//! Phases: how long they are, when production has enough, and what happens where one ends.

use super::Engine;
use crate::Batch;
use crate::density::{EvaluationError, Target};
use crate::kernel::Tally;
use crate::sampler::consistency::Consistency;
use crate::sampler::error::RunError;
use crate::sampler::observer::{Event, Observer, Phase};
use crate::sampler::recent::Recent;
use crate::sampler::sink::Sink;
use crate::sampler::stopping::is_enough;

/// Production draws at which a stopping rule is first asked.
pub(super) const FIRST_CHECK: usize = 100;

/// A way to look whether the target contradicts itself.
type Look = fn(&mut Consistency, &dyn Target, Batch<'_>, (Phase, usize)) -> Result<u64, EvaluationError>;

impl Engine<'_, Sink> {
    pub(super) fn planned_draws(&self) -> usize {
        match self.place.phase {
            Phase::Warmup => self.plan.schedule.adapting_draws() / self.config.thin,
            Phase::Frozen => self.plan.schedule.frozen,
            Phase::Production => self.config.draws,
            Phase::Finished => 0,
        }
    }

    pub(super) fn stops_early(&self) -> bool {
        self.config.stop.ess > 0.0 || self.config.stop.rhat > 0.0
    }

    pub(super) fn phase_is_over(&mut self) -> Result<bool, RunError> {
        let out_of_time = self.config.stop.seconds > 0.0 && self.seconds() >= self.config.stop.seconds;
        match self.place.phase {
            Phase::Warmup => Ok(self.place.cursor.warmup_action(&self.plan.schedule).is_none()),
            Phase::Production => {
                if self.place.draws >= self.config.draws || (out_of_time && self.place.draws > 0) {
                    return Ok(true);
                }
                if self.stops_early() && self.place.draws >= self.place.next_check {
                    let (chains, draws) = (self.ensemble.n_chains(), self.place.draws);
                    self.sink.sync()?;
                    let enough = is_enough(&self.sink.made()?, chains, draws, self.config.stop)?;
                    if !enough {
                        self.place.next_check = draws + (draws / 4).max(1);
                    }
                    return Ok(enough);
                }
                Ok(false)
            }
            _ => Ok(self.place.draws >= self.planned_draws()),
        }
    }

    /// Asks the target whether it contradicts itself; a failure of it leaves everything as it was.
    pub(super) fn look(&mut self, observer: &mut dyn Observer, how: Look) -> Result<(), RunError> {
        let place = (self.place.phase, self.place.steps);
        let known = self.consistency.found.is_some();
        self.spent.checks += how(&mut self.consistency, *self.target.inner(), self.ensemble.x(), place)?;
        if let (Some(found), false) = (&self.consistency.found, known) {
            observer.event(&Event::Warning(format!("the target contradicts itself: {found}")));
        }
        Ok(())
    }

    pub(super) fn end_phase(&mut self, observer: &mut dyn Observer) -> Result<(), RunError> {
        if self.looks_at_target {
            self.look(observer, Consistency::end_phase)?;
        }
        let ended = self.place.phase;
        let next = match self.place.phase {
            Phase::Warmup => {
                for named in &mut self.plan.kernels {
                    named.kernel.freeze();
                }
                Phase::Frozen
            }
            Phase::Frozen => Phase::Production,
            Phase::Production | Phase::Finished => Phase::Finished,
        };
        let place = &mut self.place;
        if place.phase == Phase::Production {
            place.produced = place.draws;
        }
        (place.phase, place.steps, place.draws) = (next, 0, 0);
        // Production goes on in the cycle where the frozen phase left it.
        if next == Phase::Frozen {
            place.cursor = Default::default();
        }
        self.since_draw.fill(Tally::default());
        self.monitor.clear();
        self.recent = Recent::default();
        observer.event(&Event::PhaseEnded(ended));
        Ok(())
    }
}
