//! Boxes, shared pointers and references to targets are targets.

use std::sync::Arc;

use super::{ExactSampler, Facts, Target, Variable};
use crate::{Batch, BatchMut};

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Target + ?Sized> Target for $pointer {
            fn dim(&self) -> usize {
                (**self).dim()
            }

            fn log_prob(&self, x: Batch<'_>, log_prob: &mut [f64]) {
                (**self).log_prob(x, log_prob);
            }

            fn log_prob_and_grad(&self, x: Batch<'_>, log_prob: &mut [f64], grad: BatchMut<'_>) {
                (**self).log_prob_and_grad(x, log_prob, grad);
            }

            fn has_gradient(&self) -> bool {
                (**self).has_gradient()
            }

            fn variables(&self) -> Vec<Variable> {
                (**self).variables()
            }

            fn report(&self, x: &[f64], out: &mut [f64]) {
                (**self).report(x, out);
            }

            fn facts(&self) -> Facts {
                (**self).facts()
            }

            fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
                (**self).exact_sampler()
            }

            fn notes(&self) -> Vec<String> {
                (**self).notes()
            }
        }
    )*};
}

forward!(Box<T>, Arc<T>, &T);
