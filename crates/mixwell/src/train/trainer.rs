//! The trainer: runs the training calls of a schedule on a flow, with an optimiser, a replay buffer and guards.
//!
//! Weights, particles and past draws are constants of every loss; only the reverse KL differentiates through points.
//! A flow that learns by flow matching does so wherever others minimise the forward KL on draws or particles.
//! All randomness (minibatches, fresh latents) comes from the training stream, so training is part of the run's seed.

use serde::{Deserialize, Serialize};

use super::weights;
use super::{Guard, GuardCounts, Objective, Replay, TrainAction, TrainingConfig};
use crate::density::Target;
use crate::flow::{Flow, FlowError, Gradient, Optimiser, OptimiserConfig, OptimiserState};
use crate::proposal::Proposal;
use crate::rng::{StreamState, TRAINING_STREAM};
use crate::{Batch, BatchMut, ConfigError, Points, Stream};

/// Trains one flow during one run.
#[derive(Debug)]
pub struct Trainer {
    config: TrainingConfig,
    optimiser: Optimiser,
    guard: Guard,
    replay: Replay,
    stream: Stream,
    calls: usize,
    planned_calls: usize,
    last: TrainReport,
}

/// A [`Trainer`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainerState {
    optimiser: OptimiserState,
    guard: Guard,
    replay: Replay,
    stream: StreamState,
    calls: usize,
    last: TrainReport,
}

/// What a training call can learn from besides past draws.
#[derive(Clone, Copy)]
pub struct Examples<'a> {
    /// The target, for reverse KL and the weights of a tempered target.
    pub target: &'a dyn Target,
    /// Current positions of all chains.
    pub chains: Batch<'a>,
    /// Particles of the last i-SIR step, their unnormalised log-weights, and the number of particles per chain.
    pub pool: Option<(Batch<'a>, &'a [f64], usize)>,
}

/// How a training call went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// Mean loss over the last epoch, or the loss of the last step; NaN before the first.
    pub loss: f64,
    /// Loss on held-out examples of the weights kept, where there are any.
    pub validation_loss: Option<f64>,
    /// Epochs (or steps) done.
    pub rounds: usize,
}

/// Why a training call did not run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// The caller asked to stop; flow and trainer are in the middle of the call and must be rolled back.
    #[error("training was interrupted")]
    Interrupted,
}

impl Trainer {
    /// A trainer for `flow`; `planned_calls`, the number of calls that will optimise, sets the pace of mixing schedules.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(
        config: TrainingConfig,
        flow: &Flow,
        planned_calls: usize,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let optimiser = OptimiserConfig {
            learning_rate: config.learning_rate,
            weight_decay: config.weight_decay,
            clip_norm: config.clip_norm,
            schedule: config.schedule,
            ..OptimiserConfig::default()
        };
        Ok(Self {
            optimiser: Optimiser::new(&optimiser, flow)?,
            guard: Guard::new(config.jump_tolerance),
            replay: Replay::new(config.history, config.max_examples, Proposal::dim(flow)),
            stream: Stream::new(seed, TRAINING_STREAM),
            calls: 0,
            planned_calls,
            last: TrainReport { loss: f64::NAN, ..TrainReport::default() },
            config,
        })
    }

    /// Adds the chains' positions after a step to the replay buffer.
    pub fn observe(&mut self, x: Batch<'_>) {
        self.replay.push(x, &mut self.stream);
    }

    /// What the guards counted so far.
    pub fn counts(&self) -> GuardCounts {
        self.guard.counts
    }

    /// How the last call went.
    pub fn last_report(&self) -> TrainReport {
        self.last
    }

    /// Runs one training call. `interrupted` is asked between optimiser steps.
    ///
    /// # Errors
    /// [`TrainError::Interrupted`] when `interrupted` said so.
    ///
    /// # Panics
    /// When the objective needs a pool and `examples` has none: the method that plans such a call provides the pool.
    pub fn train(
        &mut self,
        action: &TrainAction,
        flow: &mut Flow,
        examples: Examples<'_>,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<TrainReport, TrainError> {
        let progress = self.calls as f64 / self.planned_calls.max(1) as f64;
        if action.whiten && !self.replay.is_empty() {
            let past = self.replay.positions();
            let weights = weights::of_draws(examples.target, past, action.tempering.beta(progress));
            flow.set_whitening_from(past, Some(&weights));
        }
        let mut report = TrainReport::default();
        if action.optimises() {
            self.calls += 1;
            if self.calls > self.config.start_after {
                report = if action.epochs > 0 {
                    let beta = action.tempering.beta(progress);
                    self.epochs(action.epochs, beta, flow, examples.target, interrupted)?
                } else {
                    self.steps(action, progress, flow, examples, interrupted)?
                };
            }
        }
        if action.forget {
            self.replay.clear();
        }
        if report.rounds > 0 {
            self.last = report;
        }
        Ok(self.last)
    }

    /// Passes over the replay buffer; keeps the weights of the epoch that validated best.
    fn epochs(
        &mut self,
        epochs: usize,
        beta: f64,
        flow: &mut Flow,
        target: &dyn Target,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<TrainReport, TrainError> {
        let rows = self.replay.shuffled(&mut self.stream);
        let held_out = (self.config.validation * rows.rows() as f64).floor() as usize;
        let (validation, training) =
            (rows.as_batch().slice(0..held_out), rows.as_batch().slice(held_out..rows.rows()));
        if training.rows() == 0 {
            return Ok(TrainReport::default());
        }
        let weights = weights::of_draws(target, rows.as_batch(), beta);
        let (held_out_weights, weights) = weights.split_at(held_out);
        let paths = Paths::draw(flow, validation.rows(), &mut self.stream);
        let validate = |flow: &Flow| validation_loss(flow, validation, held_out_weights, paths.as_ref());
        self.guard.restart();
        let mut gradient = flow.zero_gradient();
        let mut best = (held_out > 0).then(|| (validate(flow), 0, flow.snapshot()));
        let mut report = TrainReport::default();
        let mut order: Vec<usize> = (0..training.rows()).collect();
        for epoch in 1..=epochs {
            self.stream.shuffle(&mut order);
            let (mut sum, mut taken) = (0.0, 0usize);
            for batch in order.chunks(self.config.batch) {
                if interrupted() {
                    return Err(TrainError::Interrupted);
                }
                let x = gather(training, batch);
                let shares = shares(batch.iter().map(|&i| weights[i]));
                gradient.clear();
                let loss = example_loss(flow, x.as_batch(), &shares, &mut self.stream, &mut gradient);
                if self.update(flow, loss, &gradient) {
                    sum += loss * batch.len() as f64;
                    taken += batch.len();
                }
            }
            report.rounds = epoch;
            report.loss = sum / taken as f64;
            if let Some((best_loss, best_epoch, weights)) = &mut best {
                let loss = validate(flow);
                if loss < *best_loss || !best_loss.is_finite() {
                    (*best_loss, *best_epoch, *weights) = (loss, epoch, flow.snapshot());
                } else if self.config.patience > 0 && epoch - *best_epoch >= self.config.patience {
                    break;
                }
            }
        }
        if let Some((loss, epoch, weights)) = best {
            if epoch < report.rounds {
                flow.restore(&weights);
                self.guard.counts.restored_best += 1;
            }
            report.validation_loss = Some(loss);
        }
        Ok(report)
    }

    /// Single optimiser steps on whatever the objective asks for.
    fn steps(
        &mut self,
        action: &TrainAction,
        progress: f64,
        flow: &mut Flow,
        examples: Examples<'_>,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<TrainReport, TrainError> {
        let mut report = TrainReport::default();
        let mut gradient = flow.zero_gradient();
        let mut reverse = flow.zero_gradient();
        for step in 0..action.steps {
            if interrupted() {
                return Err(TrainError::Interrupted);
            }
            let within = step as f64 / (action.steps * self.planned_calls.max(1)) as f64;
            let now = (progress + within).min(1.0);
            let (forward, beta) = (action.objective.forward_weight(now), action.tempering.beta(now));
            gradient.clear();
            let mut loss = 0.0;
            if forward > 0.0 {
                loss += forward * self.forward_part(&action.objective, beta, flow, examples, &mut gradient);
                gradient.scale(forward);
            }
            if forward < 1.0 {
                reverse.clear();
                loss += (1.0 - forward) * self.reverse_part(beta, flow, examples.target, &mut reverse);
                reverse.scale(1.0 - forward);
                gradient.add(&reverse);
            }
            self.update(flow, loss, &gradient);
            report = TrainReport { loss, validation_loss: None, rounds: step + 1 };
        }
        Ok(report)
    }

    fn forward_part(
        &mut self,
        objective: &Objective,
        beta: f64,
        flow: &Flow,
        examples: Examples<'_>,
        gradient: &mut Gradient,
    ) -> f64 {
        match objective {
            Objective::Pool { .. } => {
                let (x, log_weights, n_particles) = examples.pool.expect("a pool objective has a pool");
                let weights = weights::of_pool(examples.target, x, log_weights, n_particles, beta);
                example_loss(flow, x, &weights, &mut self.stream, gradient)
            }
            Objective::ScoreClimbing => {
                let weights = weights::of_draws(examples.target, examples.chains, beta);
                example_loss(flow, examples.chains, &shares(weights), &mut self.stream, gradient)
            }
            _ => {
                let past = if self.replay.is_empty() { examples.chains } else { self.replay.positions() };
                let batch: Vec<usize> =
                    (0..self.config.batch.min(past.rows())).map(|_| self.stream.index(past.rows())).collect();
                let x = gather(past, &batch);
                let shares = shares(weights::of_draws(examples.target, x.as_batch(), beta));
                example_loss(flow, x.as_batch(), &shares, &mut self.stream, gradient)
            }
        }
    }

    fn reverse_part(&mut self, beta: f64, flow: &Flow, target: &dyn Target, gradient: &mut Gradient) -> f64 {
        let mut z = Points::zeros(self.config.reverse_draws, Proposal::dim(flow));
        self.stream.fill_normal(z.data_mut());
        let evaluate = |x: Batch<'_>, log_prob: &mut [f64], grad: BatchMut<'_>| {
            target.log_prob_and_grad(x, log_prob, grad);
        };
        let result = flow.reverse_kl(z.as_batch(), &evaluate, beta, gradient);
        self.guard.counts.non_finite_rows += result.non_finite as u64;
        result.loss
    }

    fn update(&mut self, flow: &mut Flow, loss: f64, gradient: &Gradient) -> bool {
        let admitted = self.guard.admits(loss, gradient.norm());
        if admitted {
            self.optimiser.step(flow, gradient);
        }
        admitted
    }

    /// The state for a checkpoint.
    pub fn save(&self) -> TrainerState {
        TrainerState {
            optimiser: self.optimiser.save_state(),
            guard: self.guard.clone(),
            replay: self.replay.clone(),
            stream: self.stream.state(),
            calls: self.calls,
            last: self.last,
        }
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// When the optimiser's state belongs to another flow.
    pub fn load(&mut self, state: TrainerState) -> Result<(), FlowError> {
        self.optimiser.load_state(&state.optimiser)?;
        self.guard = state.guard;
        self.replay = state.replay;
        self.stream = Stream::restore(state.stream);
        self.calls = state.calls;
        self.last = state.last;
        Ok(())
    }
}

fn gather(rows: Batch<'_>, which: &[usize]) -> Points {
    let mut points = Points::zeros(which.len(), rows.dim());
    for (to, &from) in which.iter().enumerate() {
        points.row_mut(to).copy_from_slice(rows.row(from));
    }
    points
}

/// Weights whose mean is one, divided by their number.
fn shares(weights: impl IntoIterator<Item = f64, IntoIter: ExactSizeIterator>) -> Vec<f64> {
    let weights = weights.into_iter();
    let n = weights.len() as f64;
    weights.map(|w| w / n).collect()
}

/// Latents and times from which flow matching draws its lines to the examples.
struct Paths {
    latents: Points,
    times: Vec<f64>,
}

impl Paths {
    /// One line per example, or none when the flow learns otherwise; then nothing is drawn.
    fn draw(flow: &Flow, rows: usize, stream: &mut Stream) -> Option<Self> {
        flow.config().learns_by_matching().then(|| {
            let mut latents = Points::zeros(rows, Proposal::dim(flow));
            stream.fill_normal(latents.data_mut());
            Self { latents, times: (0..rows).map(|_| stream.uniform()).collect() }
        })
    }
}

/// The loss on weighted examples, forward KL or flow matching; adds its gradient.
fn example_loss(
    flow: &Flow,
    x: Batch<'_>,
    weights: &[f64],
    stream: &mut Stream,
    gradient: &mut Gradient,
) -> f64 {
    match Paths::draw(flow, x.rows(), stream) {
        Some(p) => flow.matching_loss(x, weights, (p.latents.as_batch(), &p.times), gradient),
        None => flow.forward_kl(x, weights, gradient),
    }
}

/// The loss on held-out examples; with the same lines every time where there are lines.
fn validation_loss(flow: &Flow, x: Batch<'_>, weights: &[f64], paths: Option<&Paths>) -> f64 {
    if let Some(p) = paths {
        let lines = (p.latents.as_batch(), p.times.as_slice());
        return flow.matching_loss(x, &shares(weights.iter().copied()), lines, &mut flow.zero_gradient());
    }
    let mut log_q = vec![0.0; x.rows()];
    Proposal::log_prob(flow, x, &mut log_q);
    let used = log_q.iter().zip(weights).filter(|(_, w)| **w > 0.0);
    -used.map(|(q, w)| w * q).sum::<f64>() / x.rows() as f64
}
