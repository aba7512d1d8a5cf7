//! The one loop that runs every schedule: warm-up, frozen, production; training, progress, checkpoints, stopping.
//!
//! Between two chunks the whole state of a run is in [`Engine`], and `saving.rs` writes it down. `moves.rs` moves the chains, `training.rs`
//! trains the flow, `phases.rs` says when a phase is over. Whatever happens
//! between two checkpoints depends on that state alone, so a run that was killed goes on with the same draws.

mod moves;
mod phases;
mod saving;
mod training;

pub(super) use self::moves::{CHUNK_NUMBERS, CHUNK_STEPS};

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::config::RunConfig;
use super::consistency::Consistency;
use super::error::RunError;
use super::monitor::Monitor;
use super::observer::{Event, Observer, Phase, Progress};
use super::plan::Plan;
use super::recent::Recent;
use super::record::Recorder;
use super::schedule::Action;
use super::sink::Sink;
use super::state::{Place, RunState, Spent};
use super::totals::PhaseTotals;
use super::undo::BeforeChunk;
use crate::config::Checked;
use crate::density::{Counted, Failure, Target};
use crate::flow::Flow;
use crate::kernel::{Ensemble, ParticlePool, Tally};
use crate::train::Trainer;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All draws are made.
    Finished,
    /// It was interrupted; a checkpoint holds its state when it has a folder.
    Interrupted,
}

/// Writes a state down; given by whoever owns the run folder.
pub(super) type SaveCheckpoint<'a> = dyn FnMut(&RunState, Option<&Flow>) -> Result<(), RunError> + 'a;

/// A run between two chunks.
/// `S` is where draws go; nothing, `()`, when the state is only looked at.
pub(super) struct Engine<'a, S> {
    pub config: &'a Checked<RunConfig>,
    pub target: &'a Counted<&'a dyn Target>,
    /// The first fatal error of the target in this session.
    failure: Failure,
    pub plan: Plan,
    pub ensemble: Ensemble,
    pub flow: Option<Flow>,
    pub trainer: Option<Trainer>,
    pub recorder: Recorder,
    pub sink: S,
    pub warmup_totals: PhaseTotals,
    pub production_totals: PhaseTotals,
    /// Whether the target contradicts itself where the chains were.
    pub consistency: Consistency,
    /// Whether gradients are used, so that it can.
    looks_at_target: bool,
    place: Place,
    spent: Spent,
    pool: Option<ParticlePool>,
    step_tallies: Vec<Tally>,
    since_draw: Vec<Tally>,
    before: BeforeChunk,
    monitor: Monitor,
    recent: Recent,
    started: Instant,
    last_checkpoint: Instant,
    chunk_steps: usize,
}

/// What a run is put together from.
pub(super) struct Parts<'a, S> {
    pub config: &'a Checked<RunConfig>,
    pub target: &'a Counted<&'a dyn Target>,
    pub plan: Plan,
    pub ensemble: Ensemble,
    pub flow: Option<Flow>,
    pub trainer: Option<Trainer>,
    pub recorder: Recorder,
    pub sink: S,
    /// What was spent before the first step of this session.
    pub spent: Spent,
}

impl<'a, S> Engine<'a, S> {
    /// An engine before its first step.
    pub fn new(parts: Parts<'a, S>) -> Self {
        let Parts { config, target, plan, ensemble, flow, trainer, recorder, sink, spent } = parts;
        let n_chains = ensemble.n_chains();
        let n_leaves = plan.leaves().len();
        let n_values = recorder.n_values();
        let particles = plan.kernels.iter().map(|k| k.kernel.needs().pool).max().unwrap_or(0);
        let wants_pool = particles > 0 && (config.rao_blackwell || plan.trains_on_pool());
        let rao_blackwell_values = if config.rao_blackwell && particles > 0 { n_values } else { 0 };
        Self {
            pool: wants_pool.then(|| ParticlePool::new(n_chains, particles, ensemble.dim())),
            step_tallies: vec![Tally::default(); n_chains * n_leaves],
            since_draw: vec![Tally::default(); n_chains * n_leaves],
            before: BeforeChunk::default(),
            consistency: Consistency::default(),
            looks_at_target: plan.uses_gradient(),
            warmup_totals: PhaseTotals::new(n_chains, n_leaves, 0),
            production_totals: PhaseTotals::new(n_chains, n_leaves, rao_blackwell_values),
            monitor: Monitor::new(n_chains, n_values),
            place: Place {
                adapted: vec![0; plan.kernels.len()],
                next_check: phases::FIRST_CHECK,
                ..Place::default()
            },
            spent,
            recent: Recent::default(),
            started: Instant::now(),
            last_checkpoint: Instant::now(),
            chunk_steps: 1,
            failure: Failure::default(),
            config,
            target,
            plan,
            ensemble,
            flow,
            trainer,
            recorder,
            sink,
        }
    }

    fn seconds(&self) -> f64 {
        self.spent.seconds + self.started.elapsed().as_secs_f64()
    }

    /// Production draws per chain made so far.
    pub fn production_draws(&self) -> usize {
        match self.place.phase {
            Phase::Production => self.place.draws,
            Phase::Finished => self.place.produced,
            _ => 0,
        }
    }

    /// True when all draws are made.
    pub fn is_finished(&self) -> bool {
        self.place.phase == Phase::Finished
    }

    /// What the run has cost so far, this session included.
    pub fn spent(&self) -> Spent {
        Spent {
            seconds: self.seconds(),
            densities: self.spent.densities + self.target.densities(),
            gradients: self.spent.gradients + self.target.gradients(),
            checks: self.spent.checks,
        }
    }
}

impl Engine<'_, Sink> {
    /// Runs until all draws are made or `interrupt` is set.
    pub fn run(
        &mut self,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
        checkpoint: &mut SaveCheckpoint<'_>,
    ) -> Result<Outcome, RunError> {
        let interrupted = || interrupt.load(Ordering::Relaxed);
        self.started = Instant::now();
        self.checkpoint(observer, checkpoint)?;
        while self.place.phase != Phase::Finished {
            let phase = self.place.phase;
            let advanced = self.advance(observer, &interrupted);
            if let Err(error @ RunError::Evaluation(_)) = advanced {
                // The target's words are what matters, even if this cannot be written.
                if let Err(unwritten) = self.checkpoint(observer, checkpoint) {
                    observer.event(&Event::Warning(unwritten.to_string()));
                }
                return Err(error);
            }
            advanced?;
            let ended = self.place.phase != phase;
            if ended || interrupted() || self.checkpoint_is_due() {
                self.checkpoint(observer, checkpoint)?;
            }
            if interrupted() && self.place.phase != Phase::Finished {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    /// Does the next thing. When the target fails in the middle of it, the run stands where it stood before.
    fn advance(
        &mut self,
        observer: &mut dyn Observer,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(), RunError> {
        if self.phase_is_over()? {
            return self.end_phase(observer);
        }
        if self.looks_at_target && self.place.steps >= self.consistency.due_at(self.ensemble.n_chains()) {
            return self.look(observer, Consistency::look);
        }
        let adapting = self.place.phase == Phase::Warmup;
        let schedule = &self.plan.schedule;
        let action = if adapting {
            self.place.cursor.warmup_action(schedule).expect("the warm-up is not over").clone()
        } else {
            Action::Move(self.place.cursor.production_move(schedule).clone())
        };
        match action {
            Action::Move(m) => self.move_chains(&m, adapting, observer),
            Action::Train(action) => self.train(&action, observer, interrupted),
        }
    }

    /// Forgets the evaluations since there were so many (densities, gradients): what they were for is done again, and counted then.
    fn count_only(&mut self, (densities, gradients): (u64, u64)) {
        self.target.reset();
        self.spent.densities += densities;
        self.spent.gradients += gradients;
    }

    fn tell(&mut self, observer: &mut dyn Observer, training: bool) {
        self.recent.watch(&self.monitor);
        let schedule = &self.plan.schedule;
        let all = schedule.adapting_draws() / self.config.thin + schedule.frozen + self.config.draws;
        let progress = Progress {
            phase: self.place.phase,
            draws: (self.place.draws, self.planned_draws()),
            total: (self.place.all_draws, all),
            training,
            local_acceptance: self.recent.local_acceptance(),
            global_acceptance: self.recent.global_acceptance(),
            flow_loss: self.trainer.as_ref().map(|t| t.last_report().loss).filter(|l| l.is_finite()),
            max_rhat: self.recent.max_rhat(),
            elapsed: Duration::from_secs_f64(self.seconds()),
        };
        observer.event(&Event::Progress(progress));
    }
}
