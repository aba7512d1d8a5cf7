//! Forward KL on past draws, `-mean log q(x)` over the replay buffer, or the flow's own loss on examples (flow matching).
//!
//! Single steps take a random batch; passes go through all, a share of them held out to choose the best pass.

use super::super::{ExampleLoss, LossValue, Replay, weights};
use super::{FlowLoss, Sources, example_loss, gather, shares};
use crate::density::Guarded;
use crate::flow::{ExampleNoise, Flow};
use crate::net::Gradient;
use crate::{Batch, Points, Stream};

/// By single steps.
pub(super) struct Forward;

impl FlowLoss for Forward {
    fn evaluate(&self, flow: &Flow, from: &mut Sources<'_>, gradient: &mut Gradient) -> LossValue {
        let past = if from.replay.is_empty() {
            from.examples.chains.expect("past draws, or chains to learn from")
        } else {
            from.replay.positions()
        };
        let n = from.batch.min(past.rows());
        let batch: Vec<usize> = (0..n).map(|_| from.stream.index(past.rows())).collect();
        let x = gather(past, &batch);
        let shares = shares(weights::of_draws(from.examples.target, x.as_batch(), from.beta));
        example_loss(flow, (x.as_batch(), &shares), from.stream, gradient)
    }

    fn has_epochs(&self) -> bool {
        true
    }
}

/// By passes through all past draws.
pub(in crate::train) struct PastDraws {
    /// Those held out come first.
    rows: Points,
    weights: Vec<f64>,
    held_out: usize,
    /// The same for every validation, so that passes can be compared.
    noise: ExampleNoise,
}

impl PastDraws {
    /// The draws of the buffer in a random order, weighed by the target at inverse temperature `beta`, a share of them
    /// held out. `None` when none are left to learn from.
    pub fn new(
        flow: &Flow,
        replay: &Replay,
        (target, beta): (Guarded<'_>, f64),
        validation: f64,
        stream: &mut Stream,
    ) -> Option<Self> {
        let rows = replay.shuffled(stream);
        let held_out = held_out(validation, rows.rows())?;
        let weights = weights::of_draws(target, rows.as_batch(), beta);
        let noise = flow.example_noise(held_out, stream);
        Some(Self { rows, weights, held_out, noise })
    }

    /// Points with weights of mean one, in a random order, a share of them held out. `None` when none are left to learn from.
    pub fn weighted(
        flow: &Flow,
        (x, weights): (Batch<'_>, &[f64]),
        validation: f64,
        stream: &mut Stream,
    ) -> Option<Self> {
        let held_out = held_out(validation, x.rows())?;
        let mut order: Vec<usize> = (0..x.rows()).collect();
        stream.shuffle(&mut order);
        let noise = flow.example_noise(held_out, stream);
        let weights = order.iter().map(|&i| weights[i]).collect();
        Some(Self { rows: gather(x, &order), weights, held_out, noise })
    }
}

/// How many of `rows` examples are held out; `None` when that is all of them.
fn held_out(validation: f64, rows: usize) -> Option<usize> {
    let held_out = (validation * rows as f64).floor() as usize;
    (held_out < rows).then_some(held_out)
}

impl ExampleLoss<Flow> for PastDraws {
    fn n_examples(&self) -> usize {
        self.rows.rows() - self.held_out
    }

    fn evaluate(
        &mut self,
        flow: &Flow,
        which: &[usize],
        stream: &mut Stream,
        gradient: &mut Gradient,
    ) -> LossValue {
        let training = self.rows.as_batch().slice(self.held_out..self.rows.rows());
        let x = gather(training, which);
        let shares = shares(which.iter().map(|&i| self.weights[self.held_out + i]));
        example_loss(flow, (x.as_batch(), &shares), stream, gradient)
    }

    fn validate(&mut self, flow: &Flow) -> Option<f64> {
        let x = self.rows.as_batch().slice(0..self.held_out);
        let weights = &self.weights[..self.held_out];
        (self.held_out > 0).then(|| flow.example_loss(x, weights, &self.noise, None) / self.held_out as f64)
    }
}
