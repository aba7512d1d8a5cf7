//! The one loop that runs every schedule: warm-up, frozen, production; training, progress, checkpoints, stopping.
//!
//! Between two chunks the whole state of a run is in this struct, and [`Engine::save`] writes it down. Whatever happens
//! between two checkpoints depends on that state alone, so a run that was killed goes on with the same draws.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::chunk::{Chunk, ChunkMove, Records};
use super::config::RunConfig;
use super::consistency::Consistency;
use super::error::RunError;
use super::monitor::Monitor;
use super::observer::{Event, Observer, Phase, Progress};
use super::plan::Plan;
use super::recent::Recent;
use super::record::Recorder;
use super::schedule::{Action, Move};
use super::sink::Sink;
use super::state::{Place, RunState, Spent};
use super::stopping::is_enough;
use super::totals::PhaseTotals;
use super::undo::BeforeChunk;
use crate::Batch;
use crate::density::{Counted, EvaluationError, Failure, Guarded, Target};
use crate::flow::Flow;
use crate::io::Phase as Group;
use crate::kernel::{Context, Ensemble, ParticlePool, Tallies, Tally, Warmup};
use crate::proposal::{Proposal, Transport};
use crate::train::{Examples, Particles, TrainAction, TrainError, Trainer};

/// Numbers (values and statistics) that one chunk may hold.
pub(super) const CHUNK_NUMBERS: usize = 1 << 19;
/// Most steps in one chunk, and how long a chunk should take: progress and interruptions wait for it.
pub(super) const CHUNK_STEPS: usize = 256;
const CHUNK_TIME: Duration = Duration::from_millis(40);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All draws are made.
    Finished,
    /// It was interrupted; a checkpoint holds its state when it has a folder.
    Interrupted,
}

/// A way to look whether the target contradicts itself.
type Look = fn(&mut Consistency, &dyn Target, Batch<'_>, (Phase, usize)) -> Result<u64, EvaluationError>;

/// Writes a state down; given by whoever owns the run folder.
pub(super) type SaveCheckpoint<'a> = dyn FnMut(&RunState, Option<&Flow>) -> Result<(), RunError> + 'a;

/// A run between two chunks.
pub(super) struct Engine<'a> {
    pub config: &'a RunConfig,
    pub target: &'a Counted<&'a dyn Target>,
    /// The first fatal error of the target in this session.
    failure: Failure,
    pub plan: Plan,
    pub ensemble: Ensemble,
    pub flow: Option<Flow>,
    pub trainer: Option<Trainer>,
    pub recorder: Recorder,
    pub sink: Sink,
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
pub(super) struct Parts<'a> {
    pub config: &'a RunConfig,
    pub target: &'a Counted<&'a dyn Target>,
    pub plan: Plan,
    pub ensemble: Ensemble,
    pub flow: Option<Flow>,
    pub trainer: Option<Trainer>,
    pub recorder: Recorder,
    pub sink: Sink,
    /// What was spent before the first step of this session.
    pub spent: Spent,
}

impl<'a> Engine<'a> {
    /// An engine before its first step.
    pub fn new(parts: Parts<'a>) -> Self {
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
                next_check: FIRST_CHECK,
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

    /// While adapting, one step of `m`; later as many steps of the production cycle as make a chunk.
    fn move_chains(&mut self, m: &Move, adapting: bool, observer: &mut dyn Observer) -> Result<(), RunError> {
        let n_leaves = self.plan.leaves().len();
        let steps = if adapting { 1 } else { self.steps_of_chunk() };
        self.recorder.refresh(self.plan.leaves(), self.flow.as_ref().map(Proposal::version));
        let begun = Instant::now();
        let production = self.place.phase == Phase::Production;
        let cycle = if adapting { std::slice::from_ref(m) } else { &self.plan.schedule.production };
        let moves: Vec<ChunkMove<'_>> = cycle
            .iter()
            .map(|m| {
                let index = self.plan.kernel_index(&m.kernel);
                ChunkMove {
                    kernel: self.plan.kernels[index].kernel.as_ref(),
                    leaf: self.plan.first_leaf(index),
                    times: m.times,
                }
            })
            .collect();
        let needs_pool = moves.iter().any(|m| m.kernel.needs().pool > 0);
        let start = if adapting { (0, 0) } else { (self.place.cursor.action, self.place.cursor.step) };
        let chunk = Chunk {
            context: Context {
                target: Guarded::new(self.target, &self.failure),
                flow: self.flow.as_ref().map(|f| f as &dyn Transport),
                max_rows: self.config.max_batch_rows,
            },
            moves,
            start,
            n_leaves,
            recorder: &self.recorder,
            thin: self.config.thin,
            steps_before: self.place.steps,
            steps,
            rao_blackwell: production && self.config.rao_blackwell,
        };
        let totals = if production { &mut self.production_totals } else { &mut self.warmup_totals };
        let mut records = Records { step: &mut self.step_tallies, since_draw: &mut self.since_draw, totals };
        let mut pool = self.pool.as_mut().filter(|_| needs_pool);
        let counted = (self.target.densities(), self.target.gradients());
        // Only a checkpoint can hold what was there before.
        if let Sink::Store(_) = self.sink {
            self.before.keep(&self.ensemble, pool.as_deref(), &records);
        }
        let drawn = chunk.run(&mut self.ensemble, pool.as_deref_mut(), records.reborrow());
        if let Err(error) = self.failure.check() {
            // What was made with a failed target is thrown away.
            self.before.bring_back(&mut self.ensemble, pool, records);
            self.count_only(counted);
            return Err(error.into());
        }
        self.chunk_steps = next_chunk(steps, begun.elapsed());
        if adapting {
            let index = self.plan.kernel_index(&m.kernel);
            let leaf = self.plan.first_leaf(index);
            let named = &mut self.plan.kernels[index];
            let warmup = Warmup {
                step: self.place.adapted[index],
                total: self.plan.schedule.adapting_steps(&m.kernel),
            };
            let tallies = Tallies::new(&self.step_tallies, n_leaves).part(leaf);
            named.kernel.adapt(warmup, &self.ensemble, tallies);
            self.place.adapted[index] += 1;
            if let Some(trainer) = &mut self.trainer {
                trainer.observe(self.ensemble.x());
            }
        }
        self.recent.add(&self.step_tallies, &self.plan.leaves());
        if adapting {
            self.place.cursor.step += 1;
        } else {
            self.place.cursor.advance_production(&self.plan.schedule, steps);
        }
        self.place.steps += steps;
        self.place.draws += drawn.draws;
        self.place.all_draws += drawn.draws;
        if drawn.draws > 0 {
            let group = if production { Group::Production } else { Group::Warmup };
            if production || self.config.output.warmup {
                self.sink.append(group, drawn.draws, &drawn.values, &drawn.stats)?;
            }
            self.monitor.observe(&drawn.values);
        }
        self.tell(observer, false);
        Ok(())
    }

    /// Steps of the next chunk while nothing adapts: short enough for progress, no further than the phase, a stopping
    /// check, or the memory bound.
    fn steps_of_chunk(&self) -> usize {
        let row = self.recorder.n_values() + self.recorder.stats().len();
        let memory = (CHUNK_NUMBERS / (row * self.ensemble.n_chains())).max(1) * self.config.thin;
        let mut draws_left = self.planned_draws() - self.place.draws;
        if self.place.phase == Phase::Production && self.stops_early() {
            draws_left = draws_left.min(self.place.next_check.saturating_sub(self.place.draws).max(1));
        }
        let thin = self.config.thin;
        let mut steps_left = draws_left.saturating_mul(thin) - self.place.steps % thin;
        if self.looks_at_target {
            steps_left = steps_left.min(self.consistency.due_at(self.ensemble.n_chains()) - self.place.steps);
        }
        self.chunk_steps.min(memory).min(steps_left).max(1)
    }

    fn train(
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

    fn planned_draws(&self) -> usize {
        match self.place.phase {
            Phase::Warmup => self.plan.schedule.adapting_draws() / self.config.thin,
            Phase::Frozen => self.plan.schedule.frozen,
            Phase::Production => self.config.draws,
            Phase::Finished => 0,
        }
    }

    fn stops_early(&self) -> bool {
        self.config.stop.ess > 0.0 || self.config.stop.rhat > 0.0
    }

    fn phase_is_over(&mut self) -> Result<bool, RunError> {
        let out_of_time = self.config.stop.seconds > 0.0 && self.seconds() >= self.config.stop.seconds;
        match self.place.phase {
            Phase::Warmup => Ok(self.place.cursor.warmup_action(&self.plan.schedule).is_none()),
            Phase::Production => {
                if self.place.draws >= self.config.draws || (out_of_time && self.place.draws > 0) {
                    return Ok(true);
                }
                if self.stops_early() && self.place.draws >= self.place.next_check {
                    let (chains, draws) = (self.ensemble.n_chains(), self.place.draws);
                    let enough = is_enough(&mut self.sink, chains, draws, self.config.stop)?;
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
    fn look(&mut self, observer: &mut dyn Observer, how: Look) -> Result<(), RunError> {
        let place = (self.place.phase, self.place.steps);
        let known = self.consistency.found.is_some();
        self.spent.checks += how(&mut self.consistency, *self.target.inner(), self.ensemble.x(), place)?;
        if let (Some(found), false) = (&self.consistency.found, known) {
            observer.event(&Event::Warning(format!("the target contradicts itself: {found}")));
        }
        Ok(())
    }

    fn end_phase(&mut self, observer: &mut dyn Observer) -> Result<(), RunError> {
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

    fn checkpoint_is_due(&self) -> bool {
        self.last_checkpoint.elapsed().as_secs_f64() >= self.config.output.checkpoint_seconds
    }

    fn checkpoint(
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

    fn save(&mut self) -> Result<RunState, RunError> {
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

/// Production draws at which a stopping rule is first asked.
const FIRST_CHECK: usize = 100;

fn next_chunk(steps: usize, took: Duration) -> usize {
    let grown = if took * 2 < CHUNK_TIME {
        steps * 2
    } else if took > CHUNK_TIME * 2 {
        steps / 2
    } else {
        steps
    };
    grown.clamp(1, CHUNK_STEPS)
}
