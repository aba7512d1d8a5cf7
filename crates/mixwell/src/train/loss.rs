//! Losses: a number that falls as a model gets better, with its gradient in the parameters.
//!
//! A [`Loss`] is evaluated once per step, on data of its own choice (fresh latents, negatives from a bank of chains ..); an
//! [`ExampleLoss`] on a minibatch of a fixed set of examples, which is gone through in epochs.

use crate::Stream;
use crate::net::Gradient;

/// The value of a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossValue {
    /// The loss.
    pub value: f64,
    /// Rows left out because something was not finite there.
    pub non_finite_rows: usize,
}

impl From<f64> for LossValue {
    fn from(value: f64) -> Self {
        Self { value, non_finite_rows: 0 }
    }
}

/// What is minimised over a model `M` by single steps.
pub trait Loss<M> {
    /// Its value at step `step`, counted from 0; adds its gradient to `gradient`, which is zero before.
    fn evaluate(&mut self, model: &M, step: usize, gradient: &mut Gradient) -> LossValue;
}

/// What is minimised over a model `M` by passes through a fixed set of examples.
pub trait ExampleLoss<M> {
    /// Examples to go through in a pass.
    fn n_examples(&self) -> usize;

    /// The mean over these examples; adds its gradient to `gradient`, which is zero before.
    fn evaluate(
        &mut self,
        model: &M,
        which: &[usize],
        stream: &mut Stream,
        gradient: &mut Gradient,
    ) -> LossValue;

    /// The loss on examples held out, where there are any.
    fn validate(&mut self, model: &M) -> Option<f64>;
}
