//! Boxes, shared pointers and references to targets are targets.

use std::sync::Arc;

use super::{BaseLaw, EvaluationError, ExactSampler, Facts, Target, Variable};
use crate::symmetry::Symmetry;
use crate::{Batch, BatchMut};

/// The evaluation of `$inner`.
macro_rules! forward_evaluation {
    ($self:ident => $inner:expr) => {
        fn evaluate(
            &$self,
            x: Batch<'_>,
            log_prob: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            $inner.evaluate(x, log_prob, grad)
        }
    };
}
pub(super) use forward_evaluation;

/// The methods of [`Target`] beside its evaluation, its symmetries and what is reported of a point, as those of `$inner`.
macro_rules! forward_most {
    ($self:ident => $inner:expr) => {
        fn dim(&$self) -> usize {
            $inner.dim()
        }

        fn has_gradient(&$self) -> bool {
            $inner.has_gradient()
        }

        fn why_no_gradient(&$self) -> Option<String> {
            $inner.why_no_gradient()
        }

        fn version(&$self) -> u64 {
            $inner.version()
        }

        fn batch_rows(&$self) -> Option<usize> {
            $inner.batch_rows()
        }

        fn complaints(&$self) -> Vec<String> {
            $inner.complaints()
        }

        fn notes(&$self) -> Vec<String> {
            $inner.notes()
        }

        fn facts(&$self) -> Facts {
            $inner.facts()
        }

        fn base(&$self) -> Option<BaseLaw<'_>> {
            $inner.base()
        }

        fn exact_sampler(&$self) -> Option<&dyn ExactSampler> {
            $inner.exact_sampler()
        }
    };
}

/// What is reported of a point, as `$inner` does.
macro_rules! forward_report {
    ($self:ident => $inner:expr) => {
        fn variables(&$self) -> Vec<Variable> {
            $inner.variables()
        }

        fn report(&$self, x: &[f64], out: &mut [f64]) {
            $inner.report(x, out);
        }

        fn quantities(&$self) -> Vec<Variable> {
            $inner.quantities()
        }

        fn measure(&$self, x: &[f64], out: &mut [f64]) {
            $inner.measure(x, out);
        }
    };
}

/// The symmetries of `$inner`.
macro_rules! forward_symmetries {
    ($self:ident => $inner:expr) => {
        fn symmetries(&$self) -> &[std::sync::Arc<dyn Symmetry>] {
            $inner.symmetries()
        }
    };
}

/// The methods of [`Target`] beside its evaluation and its symmetries, as those of `$inner`.
macro_rules! forward_all_but_symmetries {
    ($self:ident => $inner:expr) => {
        $crate::density::pointer::forward_most!($self => $inner);
        $crate::density::pointer::forward_report!($self => $inner);
    };
}
pub(super) use forward_all_but_symmetries;

/// The methods of [`Target`] beside its evaluation and what is reported of a point, as those of `$inner`.
macro_rules! forward_all_but_report {
    ($self:ident => $inner:expr) => {
        $crate::density::pointer::forward_most!($self => $inner);
        $crate::density::pointer::forward_symmetries!($self => $inner);
    };
}
pub(super) use forward_all_but_report;

/// The methods of [`Target`] beside its evaluation, as those of `$inner`.
macro_rules! forward_description {
    ($self:ident => $inner:expr) => {
        $crate::density::pointer::forward_all_but_symmetries!($self => $inner);
        $crate::density::pointer::forward_symmetries!($self => $inner);
    };
}
pub(super) use forward_description;
pub(super) use {forward_most, forward_report, forward_symmetries};

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Target + ?Sized> Target for $pointer {
            forward_evaluation!(self => (**self));
            forward_description!(self => (**self));
        }
    )*};
}

forward!(Box<T>, Arc<T>, &T);
