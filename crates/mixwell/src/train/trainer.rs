//! The trainer of a run: carries out the training calls of a schedule on a flow, with a replay buffer of past draws.
//!
//! The objective of a call (`objective/`) is what it minimises, [`Descent`] is how. All randomness
//! (minibatches, fresh latents) comes from the training stream, so training is part of the run's seed.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use super::objective::{FlowLoss, PastDraws, Sources};
use super::{
    Descent, Examples, Guard, GuardCounts, Loss, LossValue, Passes, Replay, Tempering, TrainAction,
    TrainReport, TrainingConfig, WeightedPoints,
};
use crate::flow::Flow;
use crate::net::{Gradient, Optimiser, OptimiserState, WeightsError};
use crate::proposal::Proposal;
use crate::rng::{StreamState, TRAINING_STREAM};
use crate::{Batch, ConfigError, Stream};

/// Trains one flow during one run.
#[derive(Debug)]
pub struct Trainer {
    config: TrainingConfig,
    descent: Descent,
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

/// Why a training call did not run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// The caller asked to stop; flow and trainer are in the middle of the call and must be rolled back.
    #[error("training was interrupted")]
    Interrupted,
}

/// Flow and trainer before a call, to go back to when it does not run to its end. The replay buffer is not here: a call
/// changes it at its end only.
#[derive(Debug)]
pub(crate) struct BeforeCall {
    /// What steps change; `None` for a call whose only step is its end.
    steps: Option<(Flow, Optimiser)>,
    guard: Guard,
    stream: StreamState,
    calls: usize,
    last: TrainReport,
}

/// For training that nobody interrupts: `let Ok(report) = trainer.train(.., &uninterrupted);`.
///
/// # Errors
/// Never.
pub fn uninterrupted() -> Result<(), Infallible> {
    Ok(())
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
        Ok(Self {
            descent: Descent {
                optimiser: Optimiser::new(&config.optimiser(), flow)?,
                guard: Guard::new(config.jump_tolerance),
            },
            replay: Replay::new(config.history, config.max_examples, flow.dim()),
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
        self.descent.guard.counts
    }

    /// How the last call went.
    pub fn last_report(&self) -> TrainReport {
        self.last
    }

    /// Runs one training call. `go_on` is asked before every optimiser step; see [`uninterrupted`].
    ///
    /// # Errors
    /// Those of `go_on`; flow and trainer are then in the middle of the call.
    ///
    /// # Panics
    /// When `examples` does not have what the objective learns from: whoever plans such a call provides it.
    pub fn train<E>(
        &mut self,
        action: &TrainAction,
        flow: &mut Flow,
        examples: Examples<'_>,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<TrainReport, E> {
        let progress = self.calls as f64 / self.planned_calls.max(1) as f64;
        if action.whiten && !self.replay.is_empty() {
            let past = self.replay.positions();
            let weights = super::weights::of_draws(examples.target, past, action.tempering.beta(progress));
            flow.set_whitening_from(past, Some(&weights));
        }
        let mut report = TrainReport::default();
        if action.optimises() {
            self.calls += 1;
            if self.calls > self.config.start_after {
                report = if action.epochs > 0 {
                    let beta = action.tempering.beta(progress);
                    self.epochs(action.epochs, beta, flow, examples, go_on)?
                } else {
                    self.steps(action, progress, flow, examples, go_on)?
                };
            }
        }
        // A call whose target failed is made again, and learns from the same draws then.
        if action.forget && !examples.target.failure().is_set() {
            self.replay.clear();
        }
        if report.rounds > 0 {
            self.last = report;
        }
        Ok(self.last)
    }

    /// Passes over weighted points in place of past draws: the flow ends with the parameters of the pass that did best on those held
    /// out. The whitening is left as it is. `go_on` is asked before every optimiser step; see [`uninterrupted`].
    ///
    /// ```
    /// use mixwell::flow::{Flow, FlowConfig};
    /// use mixwell::train::{Trainer, TrainingConfig, WeightedPoints, uninterrupted};
    /// use mixwell::{Points, Stream};
    ///
    /// let mut stream = Stream::new(1, 0);
    /// let mut x = Points::zeros(500, 2);
    /// x.data_mut().chunks_mut(2).for_each(|x| {
    ///     x[0] = stream.normal();
    ///     x[1] = x[0] * x[0] + 0.3 * stream.normal();
    /// });
    /// let points = WeightedPoints::new(x, None)?;
    /// let mut flow = Flow::new(&FlowConfig::default(), 2, &mut stream)?;
    /// flow.set_whitening_from(points.x(), Some(points.weights()));
    /// let mut trainer = Trainer::new(TrainingConfig { batch: 100, ..Default::default() }, &flow, 1, 1)?;
    /// let Ok(report) = trainer.fit(&points, 5, &mut flow, &uninterrupted);
    /// assert_eq!(report.rounds, 5);
    /// # Ok::<(), mixwell::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Those of `go_on`; the flow is then in the middle of its training.
    ///
    /// # Panics
    /// When the points are of another dimension than the flow.
    pub fn fit<E>(
        &mut self,
        points: &WeightedPoints,
        epochs: usize,
        flow: &mut Flow,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<TrainReport, E> {
        // A flow without parameters is all whitening.
        if epochs > 0 && flow.n_params() > 0 {
            let TrainingConfig { validation, batch, patience, .. } = self.config;
            let examples = (points.x(), points.weights());
            if let Some(mut loss) = PastDraws::weighted(flow, examples, validation, &mut self.stream) {
                let passes = Passes { epochs, batch, patience, shuffle: true };
                self.last = self.descent.passes(flow, passes, &mut loss, &mut self.stream, go_on)?;
            }
        }
        Ok(self.last)
    }

    /// Passes over the replay buffer.
    fn epochs<E>(
        &mut self,
        epochs: usize,
        beta: f64,
        flow: &mut Flow,
        examples: Examples<'_>,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<TrainReport, E> {
        let TrainingConfig { validation, batch, patience, .. } = self.config;
        let aim = (examples.target, beta);
        match PastDraws::new(flow, &self.replay, aim, validation, &mut self.stream) {
            None => Ok(TrainReport::default()),
            Some(mut past) => {
                let passes = Passes { epochs, batch, patience, shuffle: true };
                self.descent.passes(flow, passes, &mut past, &mut self.stream, go_on)
            }
        }
    }

    /// Single optimiser steps on whatever the objective asks for.
    fn steps<E>(
        &mut self,
        action: &TrainAction,
        progress: f64,
        flow: &mut Flow,
        examples: Examples<'_>,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<TrainReport, E> {
        let sources = Sources {
            examples,
            replay: &self.replay,
            stream: &mut self.stream,
            batch: self.config.batch,
            reverse_draws: self.config.reverse_draws,
            progress,
            beta: 1.0,
            spare: None,
        };
        let all_steps = (action.steps * self.planned_calls.max(1)) as f64;
        action.objective.with(|loss| {
            let mut call = Call { loss, sources, start: progress, all_steps, tempering: action.tempering };
            self.descent.steps(flow, action.steps, &mut call, go_on)
        })
    }

    /// What `action` may change, before it is run.
    pub(crate) fn before(&self, action: &TrainAction, flow: &Flow) -> BeforeCall {
        let several = action.whiten || action.epochs > 0 || action.steps > 1;
        BeforeCall {
            steps: several.then(|| (flow.clone(), self.descent.optimiser.clone())),
            guard: self.descent.guard.clone(),
            stream: self.stream.state(),
            calls: self.calls,
            last: self.last,
        }
    }

    /// Undoes a call that was interrupted, or whose target failed.
    pub(crate) fn go_back(&mut self, before: BeforeCall, flow: &mut Flow) {
        if let Some((old_flow, optimiser)) = before.steps {
            *flow = old_flow;
            self.descent.optimiser = optimiser;
        }
        self.descent.guard = before.guard;
        self.stream = Stream::restore(before.stream);
        self.calls = before.calls;
        self.last = before.last;
    }

    /// The state for a checkpoint.
    pub fn save(&self) -> TrainerState {
        TrainerState {
            optimiser: self.descent.optimiser.save_state(),
            guard: self.descent.guard.clone(),
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
    pub fn load(&mut self, state: TrainerState) -> Result<(), WeightsError> {
        self.descent.optimiser.load_state(&state.optimiser)?;
        self.descent.guard = state.guard;
        self.replay = state.replay;
        self.stream = Stream::restore(state.stream);
        self.calls = state.calls;
        self.last = state.last;
        Ok(())
    }
}

/// An objective during a call of so many steps, in which mixing and tempering go on.
struct Call<'a> {
    loss: &'a dyn FlowLoss,
    sources: Sources<'a>,
    /// Share of the training that was done before.
    start: f64,
    /// Steps of all planned calls, if all were as long as this one.
    all_steps: f64,
    tempering: Tempering,
}

impl Loss<Flow> for Call<'_> {
    fn evaluate(&mut self, flow: &Flow, step: usize, gradient: &mut Gradient) -> LossValue {
        let now = (self.start + step as f64 / self.all_steps).min(1.0);
        self.sources.progress = now;
        self.sources.beta = self.tempering.beta(now);
        let loss = self.loss.evaluate(flow, &mut self.sources, gradient);
        // Answers of a target that has failed make no step.
        if self.sources.examples.target.failure().is_set() { f64::NAN.into() } else { loss }
    }
}
