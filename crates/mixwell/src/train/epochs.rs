//! `Epochs`: a walk through examples, pass after pass, that can stop after any step and be taken up again.
//!
//! A pass takes the examples in an order that the training stream gives (or as they lie), a batch a step. After each, what is held
//! out is looked at, and the weights that did best are kept. Where an average of the weights is kept, it is the average that is
//! looked at, and that the model ends with.

use serde::{Deserialize, Serialize};

use super::{Descent, ExampleLoss, Passes, TrainReport};
use crate::Stream;
use crate::net::{Gradient, Model, Values, WeightAverage};

/// Where a walk through examples stands. It is data: written down and read again, it goes on with the same steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Epochs {
    passes: Passes,
    average: Option<WeightAverage>,
    order: Vec<usize>,
    /// Examples of this pass that were taken.
    at: usize,
    started: bool,
    finished: bool,
    /// Of this pass: sum of losses, and examples of steps that were made.
    sum: f64,
    taken: usize,
    best: Option<Best>,
    report: TrainReport,
}

/// The weights that validated best.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Best {
    loss: f64,
    epoch: usize,
    weights: Values,
}

/// What a step of the walk did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walked {
    /// The loss on the batch.
    pub loss: f64,
    /// Examples in it.
    pub taken: usize,
    /// Norm of its gradient, before clipping.
    pub gradient_norm: f64,
    /// The learning rate; `None` when the guard or the optimiser refused the step.
    pub learning_rate: Option<f64>,
    /// At the end of a pass: the loss on what is held out, NaN where nothing is.
    pub validation: Option<f64>,
}

impl Epochs {
    /// A walk from the first example on.
    pub fn new(passes: Passes, n_examples: usize, average: Option<WeightAverage>) -> Self {
        Self {
            passes,
            average,
            order: (0..n_examples).collect(),
            at: 0,
            started: false,
            finished: passes.epochs == 0 || n_examples == 0,
            sum: 0.0,
            taken: 0,
            best: None,
            report: TrainReport { loss: f64::NAN, ..TrainReport::default() },
        }
    }

    /// Whether the last pass is over.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Passes that are over, with the loss of the last.
    pub fn report(&self) -> TrainReport {
        self.report
    }

    /// The pass of the best validation so far, from 0 (before the first), and its loss.
    pub fn best(&self) -> Option<(usize, f64)> {
        self.best.as_ref().map(|b| (b.epoch, b.loss))
    }

    /// The average of the weights, where one is kept.
    pub fn average(&self) -> Option<&WeightAverage> {
        self.average.as_ref()
    }

    /// Makes one step; nothing when the walk is over.
    pub fn step<M: Model>(
        &mut self,
        descent: &mut Descent,
        model: &mut M,
        loss: &mut dyn ExampleLoss<M>,
        stream: &mut Stream,
        gradient: &mut Gradient,
    ) -> Option<Walked> {
        if !self.started {
            self.started = true;
            descent.guard.restart();
            self.best =
                loss.validate(model).map(|loss| Best { loss, epoch: 0, weights: model.params().to_values() });
        }
        if self.finished {
            return None;
        }
        if self.at == 0 && self.passes.shuffle {
            stream.shuffle(&mut self.order);
        }
        let batch = &self.order[self.at..self.order.len().min(self.at + self.passes.batch)];
        let step = descent.update(model, gradient, |m, g| loss.evaluate(m, batch, stream, g));
        let learning_rate = step.report.filter(|r| r.applied).map(|r| r.learning_rate);
        if step.report.is_some() {
            self.sum += step.loss * batch.len() as f64;
            self.taken += batch.len();
        }
        if let (Some(average), Some(_)) = (&mut self.average, learning_rate) {
            average.update(model);
        }
        let taken = batch.len();
        self.at += taken;
        let validation = (self.at == self.order.len()).then(|| self.end_pass(model, loss));
        Some(Walked { taken, loss: step.loss, gradient_norm: step.gradient_norm, learning_rate, validation })
    }

    /// Looks at what is held out; the loss on it.
    fn end_pass<M: Model>(&mut self, model: &mut M, loss: &mut dyn ExampleLoss<M>) -> f64 {
        let epoch = self.report.rounds + 1;
        self.report.rounds = epoch;
        self.report.loss = self.sum / self.taken as f64;
        (self.at, self.sum, self.taken) = (0, 0.0, 0);
        self.finished = epoch >= self.passes.epochs;
        let Some(best) = &mut self.best else { return f64::NAN };
        let present = self.average.is_some().then(|| model.params().to_values());
        put_average(self.average.as_ref(), model);
        let value = loss.validate(model);
        if let Some(value) = value {
            if value < best.loss || !best.loss.is_finite() {
                *best = Best { loss: value, epoch, weights: model.params().to_values() };
            } else if self.passes.patience > 0 && epoch - best.epoch >= self.passes.patience {
                self.finished = true;
            }
        }
        if let Some(present) = present {
            model.change_params(&mut |params| params.copy_from(&present));
        }
        value.unwrap_or(f64::NAN)
    }

    /// Gives the model the weights that validated best, or, where nothing is held out, the average. Says whether an earlier pass was
    /// better than the last.
    pub fn finish<M: Model>(&mut self, model: &mut M) -> bool {
        let Some(best) = &self.best else {
            put_average(self.average.as_ref(), model);
            return false;
        };
        self.report.validation_loss = Some(best.loss);
        let earlier = best.epoch < self.report.rounds;
        if earlier || self.average.is_some() {
            model.change_params(&mut |params| params.copy_from(&best.weights));
        }
        earlier
    }
}

fn put_average<M: Model>(average: Option<&WeightAverage>, model: &mut M) {
    if let Some(average) = average {
        average.write_to(model).expect("an average of this model");
    }
}
