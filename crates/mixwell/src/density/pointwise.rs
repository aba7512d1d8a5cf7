//! Functions of one point as targets: rows are evaluated one after the other.
//!
//! A row whose function fails recoverably becomes NaN; the first few reasons are kept to be told.

use std::sync::{Mutex, PoisonError};

use super::{EvaluationError, FnTarget, PointError, Target, Variable};
use crate::{Batch, BatchMut, ConfigError};

/// A log-density given as a plain function of one point; [`Pointwise`] makes a [`Target`] of it.
pub trait PointTarget: Send + Sync {
    /// Number of coordinates of a point.
    fn dim(&self) -> usize;

    /// The log-density at `x`; writes its gradient to `grad`, if wanted, which may hold anything before.
    ///
    /// # Errors
    /// [`PointError::recoverable`] when this point has no value, [`PointError::fatal`] when the run cannot go on.
    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError>;

    /// [`PointTarget::evaluate`] without gradient.
    ///
    /// # Errors
    /// As there.
    fn log_prob(&self, x: &[f64]) -> Result<f64, PointError> {
        self.evaluate(x, None)
    }

    /// See [`Target::has_gradient`].
    fn has_gradient(&self) -> bool {
        true
    }

    /// See [`Target::variables`].
    fn variables(&self) -> Vec<Variable> {
        vec![Variable::new("x", &[self.dim()])]
    }

    /// See [`Target::report`].
    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
    }
}

/// Reasons of recoverable failures that are kept.
const COMPLAINTS: usize = 3;

/// Makes a [`Target`] of a [`PointTarget`] by evaluating row after row.
///
/// Chains are spread over threads by the sampler, which hands each thread its own rows.
#[derive(Debug)]
pub struct Pointwise<P> {
    point: P,
    complaints: Mutex<Vec<String>>,
}

impl<P: PointTarget> Pointwise<P> {
    /// The target that evaluates `point` row after row.
    pub fn new(point: P) -> Self {
        Self { point, complaints: Mutex::default() }
    }

    /// The function inside.
    pub fn inner(&self) -> &P {
        &self.point
    }

    /// The value of one row: NaN, and remembered, where there is none.
    fn one(&self, x: &[f64], mut grad: Option<&mut [f64]>) -> Result<f64, EvaluationError> {
        match self.point.evaluate(x, grad.as_deref_mut()) {
            Ok(value) => Ok(value),
            Err(PointError::Fatal(error)) => Err(error),
            Err(PointError::Recoverable(reason)) => {
                if let Some(grad) = grad {
                    grad.fill(f64::NAN);
                }
                let mut kept = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() < COMPLAINTS && !kept.contains(&reason) {
                    kept.push(reason);
                }
                Ok(f64::NAN)
            }
        }
    }
}

impl<P: Clone> Clone for Pointwise<P> {
    fn clone(&self) -> Self {
        Self { point: self.point.clone(), complaints: Mutex::default() }
    }
}

impl Pointwise<FnTarget> {
    /// Names the coordinates. The sizes of the variables must add up to the dimension.
    ///
    /// # Errors
    /// When they do not.
    pub fn named(self, variables: Vec<Variable>) -> Result<Self, ConfigError> {
        Ok(Self::new(self.point.named(variables)?))
    }
}

impl<P: PointTarget> Target for Pointwise<P> {
    fn dim(&self) -> usize {
        self.point.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        match grad {
            None => {
                for (row, out) in x.iter().zip(log_prob) {
                    *out = self.one(row, None)?;
                }
            }
            Some(mut grad) => {
                for ((row, out), g) in x.iter().zip(log_prob).zip(grad.iter_mut()) {
                    *out = self.one(row, Some(g))?;
                }
            }
        }
        Ok(())
    }

    fn has_gradient(&self) -> bool {
        self.point.has_gradient()
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn variables(&self) -> Vec<Variable> {
        self.point.variables()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        self.point.report(x, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::from_fn_with_grad;

    #[test]
    fn a_row_that_fails_is_nan_and_its_neighbours_are_not() {
        let target = from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
            grad[0] = 1.0;
            if x[0] < 0.0 { Err(PointError::recoverable(format!("{} is too small", x[0]))) } else { Ok(x[0]) }
        });
        let (mut value, mut grad) = ([0.0; 3], [0.0; 3]);
        let x = [1.0, -1.0, 2.0];
        target.log_prob_and_grad(Batch::new(&x, 1), &mut value, BatchMut::new(&mut grad, 1)).unwrap();
        assert!(value[1].is_nan() && grad[1].is_nan());
        assert_eq!((value[0], value[2], grad[0], grad[2]), (1.0, 2.0, 1.0, 1.0));
        for x in [-1.0, -2.0, -3.0, -4.0] {
            assert!(target.log_prob_at(&[x]).unwrap().is_nan());
        }
        assert_eq!(target.complaints(), ["-1 is too small", "-2 is too small", "-3 is too small"]);
    }
}
