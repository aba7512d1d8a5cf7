//! `Descent`: the one loop of all training. A step is a loss with its gradient, the guard's verdict on both, and the
//! optimiser's step with the gradient clipped. It runs a number of such steps, or passes through examples after which the
//! weights of the best validation are kept.
//!
//! It works on any [`Model`]; the loss decides what is learned, and from what data.

use serde::{Deserialize, Serialize};

use super::{Epochs, ExampleLoss, Guard, Loss, LossValue};
use crate::Stream;
use crate::net::{Gradient, Model, Optimiser, StepReport};

/// An optimiser with its guard.
#[derive(Clone, Debug)]
pub struct Descent {
    /// Makes the steps.
    pub optimiser: Optimiser,
    /// Says which may be made, and counts.
    pub guard: Guard,
}

/// How often examples are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passes {
    /// Passes at most.
    pub epochs: usize,
    /// Examples a step.
    pub batch: usize,
    /// Stop after this many passes without a better validation loss; 0 never stops early.
    pub patience: usize,
    /// Whether every pass has an order of its own; otherwise examples are taken as they lie.
    pub shuffle: bool,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stepped {
    /// The value of the loss.
    pub loss: f64,
    /// Norm of its gradient, before clipping.
    pub gradient_norm: f64,
    /// What the optimiser did; `None` when the guard refused the step.
    pub report: Option<StepReport>,
}

/// How training went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// Mean loss over the last epoch, or the loss of the last step; NaN before the first.
    pub loss: f64,
    /// Loss on held-out examples of the weights kept, where there are any.
    pub validation_loss: Option<f64>,
    /// Epochs (or steps) done.
    pub rounds: usize,
}

impl Descent {
    /// One step: `loss` gives its value and adds its gradient to `gradient`, which is cleared before. Returns the value, and
    /// whether the step was made.
    pub fn step<M: Model>(
        &mut self,
        model: &mut M,
        gradient: &mut Gradient,
        loss: impl FnOnce(&M, &mut Gradient) -> LossValue,
    ) -> (f64, bool) {
        let step = self.update(model, gradient, loss);
        (step.loss, step.report.is_some())
    }

    /// The same, with what there is to say of the step.
    pub fn update<M: Model>(
        &mut self,
        model: &mut M,
        gradient: &mut Gradient,
        loss: impl FnOnce(&M, &mut Gradient) -> LossValue,
    ) -> Stepped {
        gradient.clear();
        let LossValue { value, non_finite_rows } = loss(model, gradient);
        self.guard.counts.non_finite_rows += non_finite_rows as u64;
        let gradient_norm = self.optimiser.gradient_norm(gradient);
        let admitted = self.guard.admits(value, gradient_norm);
        let report = admitted.then(|| self.optimiser.step(model, gradient));
        Stepped { loss: value, gradient_norm, report }
    }

    /// So many steps. `go_on` is asked before each.
    ///
    /// # Errors
    /// Those of `go_on`; the model is then in the middle of its training.
    pub fn steps<M: Model, E>(
        &mut self,
        model: &mut M,
        steps: usize,
        loss: &mut dyn Loss<M>,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<TrainReport, E> {
        let mut report = TrainReport::default();
        let mut gradient = model.zero_gradient();
        for step in 0..steps {
            go_on()?;
            let (value, _) = self.step(model, &mut gradient, |m, g| loss.evaluate(m, step, g));
            report = TrainReport { loss: value, validation_loss: None, rounds: step + 1 };
        }
        Ok(report)
    }

    /// Passes through the examples of a loss, in an order that `stream` gives; the model ends with the weights of the pass
    /// that validated best. `go_on` is asked before each step.
    ///
    /// # Errors
    /// Those of `go_on`; the model is then in the middle of its training.
    pub fn passes<M: Model, E>(
        &mut self,
        model: &mut M,
        passes: Passes,
        loss: &mut dyn ExampleLoss<M>,
        stream: &mut Stream,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<TrainReport, E> {
        let mut gradient = model.zero_gradient();
        let mut epochs = Epochs::new(passes, loss.n_examples(), None);
        while !epochs.is_finished() {
            go_on()?;
            epochs.step(self, model, loss, stream, &mut gradient);
        }
        if epochs.finish(model) {
            self.guard.counts.restored_best += 1;
        }
        Ok(epochs.report())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::net::{Activation, Init, Network, NetworkSpec, OptimiserConfig};
    use crate::train::uninterrupted;
    use crate::{Batch, Points};

    fn descent(model: &dyn Model) -> Descent {
        let config = OptimiserConfig { learning_rate: 1e-2, ..OptimiserConfig::default() };
        Descent { optimiser: Optimiser::new(&config, model).unwrap(), guard: Guard::new(1e6) }
    }

    fn energy() -> Network<f64> {
        let spec = NetworkSpec::dense(1, &[16], 1, Activation::Tanh);
        Network::new(&spec, Init::ZeroLast, &mut Stream::new(1, 0)).unwrap()
    }

    /// Logistic regression of examples from `N(1, 1/4)` against the uniform law on `[-4, 4]` (noise-contrastive estimation):
    /// `mean softplus(E(example)) + mean softplus(-E(noise))`, least at `E = ln(noise density / density)`.
    struct Contrast {
        stream: Stream,
    }

    impl Loss<Network<f64>> for Contrast {
        fn evaluate(&mut self, net: &Network<f64>, _: usize, gradient: &mut Gradient) -> LossValue {
            let stream = &mut self.stream;
            let mut draw =
                |i| if i < 50 { 1.0 + 0.5 * stream.normal() } else { 8.0 * stream.uniform() - 4.0 };
            let x: Vec<f64> = (0..100).map(&mut draw).collect();
            let x = Batch::new(&x, 1);
            let mut energy = [0.0; 100];
            net.energy(x, &mut energy);
            let (mut loss, mut weights) = (0.0, [0.0; 100]);
            for (i, (e, w)) in energy.iter().zip(&mut weights).enumerate() {
                let sign = if i < 50 { 1.0 } else { -1.0 };
                loss += (sign * e).exp().ln_1p() / 50.0;
                *w = sign / (1.0 + (-sign * e).exp()) / 50.0;
            }
            net.weighted_energy(x, &weights, gradient.slice_mut().expect("double precision"));
            loss.into()
        }
    }

    #[test]
    fn an_energy_learns_by_the_same_loop_as_a_flow() {
        let mut net = energy();
        let mut descent = descent(&net);
        let mut loss = Contrast { stream: Stream::new(2, 0) };
        let Ok(report) = descent.steps(&mut net, 600, &mut loss, &uninterrupted);
        assert_eq!((report.rounds, descent.guard.counts.updates), (600, 600));
        let mut e = [0.0; 3];
        net.energy(Points::from_rows(&[[-1.0], [1.0], [3.0]]).as_batch(), &mut e);
        // At the mean ln(0.125 / 0.798) = -1.85, at four standard deviations 6.1.
        assert!(e[1] < -0.8 && e[0] > 1.0 && e[2] > 1.0, "{e:?}");
    }

    /// Least squares on examples, some of them held out: a regression with labels `sin 2x`, turned upside down where told.
    struct Regression {
        x: Points,
        n_training: usize,
        held_out_sign: f64,
    }

    impl Regression {
        fn residuals(&self, net: &Network<f64>, which: &[usize], sign: f64) -> (Points, Vec<f64>) {
            let mut x = Points::zeros(which.len(), 1);
            which.iter().enumerate().for_each(|(to, &i)| x.row_mut(to).copy_from_slice(self.x.row(i)));
            let mut e = vec![0.0; which.len()];
            net.energy(x.as_batch(), &mut e);
            e.iter_mut().zip(x.data()).for_each(|(e, x)| *e -= sign * (2.0 * x).sin());
            (x, e)
        }
    }

    impl ExampleLoss<Network<f64>> for Regression {
        fn n_examples(&self) -> usize {
            self.n_training
        }

        fn evaluate(
            &mut self,
            net: &Network<f64>,
            which: &[usize],
            _: &mut Stream,
            gradient: &mut Gradient,
        ) -> LossValue {
            let (x, residuals) = self.residuals(net, which, 1.0);
            let n = which.len() as f64;
            let weights: Vec<f64> = residuals.iter().map(|r| 2.0 * r / n).collect();
            net.weighted_energy(x.as_batch(), &weights, gradient.slice_mut().expect("double precision"));
            (residuals.iter().map(|r| r * r).sum::<f64>() / n).into()
        }

        fn validate(&mut self, net: &Network<f64>) -> Option<f64> {
            let which: Vec<usize> = (self.n_training..self.x.rows()).collect();
            let (_, residuals) = self.residuals(net, &which, self.held_out_sign);
            Some(residuals.iter().map(|r| r * r).sum::<f64>() / which.len() as f64)
        }
    }

    #[test]
    fn passes_keep_the_weights_that_validated_best() {
        let x = Points::from_vec((0..250).map(|i| f64::from(i * 7 % 250) / 125.0 - 1.0).collect(), 1);
        for (held_out_sign, learns) in [(1.0, true), (-1.0, false)] {
            let mut net = energy();
            let start = net.params().to_vec();
            let mut descent = descent(&net);
            let mut loss = Regression { x: x.clone(), n_training: 200, held_out_sign };
            let passes = Passes { epochs: 60, batch: 20, patience: 5, shuffle: true };
            let Ok::<_, Infallible>(report) =
                descent.passes(&mut net, passes, &mut loss, &mut Stream::new(3, 0), &uninterrupted);
            let validation = report.validation_loss.unwrap();
            assert_eq!(Some(validation), loss.validate(&net));
            if learns {
                assert!(validation < 0.02 && report.loss < 0.02, "{report:?}");
            } else {
                // What is held out says the opposite: every pass makes it worse, and the start is kept.
                assert_eq!((report.rounds, descent.guard.counts.restored_best), (5, 1));
                assert_eq!(net.params(), start);
            }
        }
    }

    #[test]
    fn a_loop_that_is_stopped_says_so() {
        let mut net = energy();
        let mut descent = descent(&net);
        let left = std::cell::Cell::new(3);
        let go_on = || {
            left.set(left.get() - 1);
            if left.get() < 0 { Err("enough") } else { Ok(()) }
        };
        let mut loss = Contrast { stream: Stream::new(2, 0) };
        assert_eq!(descent.steps(&mut net, 10, &mut loss, &go_on), Err("enough"));
        assert_eq!(descent.optimiser.steps(), 3);
    }
}
