//! What happens when a density cannot be evaluated.
//!
//! A *recoverable* failure concerns one point: its log-density becomes NaN, kernels refuse the point and count it, and the run
//! goes on. A *fatal* one is an [`EvaluationError`]: the run ends with it, in the target's own words, and can be resumed.
//! Kernels see neither: they ask a [`Guarded`] target, which keeps the first fatal error in a [`Failure`] and answers NaN from
//! then on. The code that moves the chains checks it and discards what was computed from such answers.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{BaseLaw, Target};
use crate::{Batch, BatchMut};

type Cause = Arc<dyn Error + Send + Sync>;

/// A density that can no longer be evaluated: the run ends with this.
///
/// ```
/// use mixwell::density::EvaluationError;
/// let e = EvaluationError::new("the licence server is gone");
/// assert_eq!(e.to_string(), "the licence server is gone");
/// ```
#[derive(Clone, Debug)]
pub struct EvaluationError(Cause);

impl EvaluationError {
    /// An error in the target's own words, or with the error that caused it.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }

    /// What the target gave as the cause, to be downcast to its own type.
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl std::fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for EvaluationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Why a function of one point gives no value there.
///
/// ```
/// use mixwell::density::{PointError, Target, from_fn};
/// let target = from_fn(1, |x: &[f64]| {
///     if x[0] < 0.0 { Err(PointError::recoverable("no root below zero")) } else { Ok(-x[0].sqrt()) }
/// });
/// assert!(target.log_prob_at(&[-1.0])?.is_nan());
/// assert_eq!(target.complaints(), ["no root below zero"]);
/// # Ok::<(), mixwell::density::EvaluationError>(())
/// ```
#[derive(Clone, Debug)]
pub enum PointError {
    /// This point has no value: it counts as NaN, and is refused.
    Recoverable(String),
    /// No point will have one any more.
    Fatal(EvaluationError),
}

impl PointError {
    /// The point is refused; the run goes on, counts it, and tells the first few reasons.
    pub fn recoverable(reason: impl std::fmt::Display) -> Self {
        Self::Recoverable(reason.to_string())
    }

    /// The run ends.
    pub fn fatal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Fatal(EvaluationError::new(cause))
    }
}

impl From<EvaluationError> for PointError {
    fn from(e: EvaluationError) -> Self {
        Self::Fatal(e)
    }
}

/// What a closure may return for a point: a log-density, or one that may fail.
pub trait PointValue {
    /// The value, or why there is none.
    fn into_result(self) -> Result<f64, PointError>;
}

impl PointValue for f64 {
    fn into_result(self) -> Result<f64, PointError> {
        Ok(self)
    }
}

impl PointValue for Result<f64, PointError> {
    fn into_result(self) -> Result<f64, PointError> {
        self
    }
}

/// The first fatal error that any thread met.
#[derive(Debug, Default)]
pub struct Failure {
    failed: AtomicBool,
    first: Mutex<Option<EvaluationError>>,
}

impl Failure {
    /// Whether there was one.
    pub fn is_set(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Keeps `error`, unless there was one before.
    pub fn set(&self, error: EvaluationError) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.failed.store(true, Ordering::Release);
    }

    /// The error, if there was one.
    ///
    /// # Errors
    /// The first one kept.
    pub fn check(&self) -> Result<(), EvaluationError> {
        match &*self.first.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

/// A target as kernels see it: it always answers, with NaN once it has failed.
#[derive(Clone, Copy)]
pub struct Guarded<'a> {
    target: &'a dyn Target,
    failure: &'a Failure,
    base: Option<BaseLaw<'a>>,
}

impl<'a> Guarded<'a> {
    /// Asks `target`, and keeps its first fatal error in `failure`.
    pub fn new(target: &'a dyn Target, failure: &'a Failure) -> Self {
        Self { target, failure, base: target.base() }
    }

    /// The target inside.
    pub fn target(&self) -> &'a dyn Target {
        self.target
    }

    /// Where a fatal error is kept.
    pub fn failure(&self) -> &'a Failure {
        self.failure
    }

    /// Another target, e.g. this one tempered, whose errors are kept in the same place.
    pub fn instead<'b>(&self, target: &'b dyn Target) -> Guarded<'b>
    where
        'a: 'b,
    {
        Guarded { target, failure: self.failure, base: self.base }
    }

    /// See [`Target::log_prob`]; NaN after a failure.
    pub fn log_prob(&self, x: Batch<'_>, log_prob: &mut [f64]) {
        self.evaluate(x, log_prob, None);
    }

    /// See [`Target::log_prob_and_grad`]; NaN after a failure.
    pub fn log_prob_and_grad(&self, x: Batch<'_>, log_prob: &mut [f64], grad: BatchMut<'_>) {
        self.evaluate(x, log_prob, Some(grad));
    }

    /// See [`Target::base`]; of another target in its place, still that of the first.
    pub fn base(&self) -> Option<BaseLaw<'a>> {
        self.base
    }

    /// See [`Target::report`].
    pub fn report(&self, x: &[f64], out: &mut [f64]) {
        self.target.report(x, out);
    }

    fn evaluate(&self, x: Batch<'_>, log_prob: &mut [f64], mut grad: Option<BatchMut<'_>>) {
        if !self.failure.is_set() {
            match self.target.evaluate(x, log_prob, grad.as_mut().map(BatchMut::reborrow)) {
                Ok(()) => return,
                Err(error) => self.failure.set(error),
            }
        }
        log_prob.fill(f64::NAN);
        if let Some(grad) = &mut grad {
            grad.data_mut().fill(f64::NAN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::from_fn;

    #[test]
    fn after_a_fatal_failure_the_target_is_asked_no_more() {
        #[derive(Debug, thiserror::Error)]
        #[error("no more than {0} calls")]
        struct Limit(usize);
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let target = from_fn(1, move |x: &[f64]| {
            if calls.fetch_add(1, Ordering::Relaxed) >= 3 {
                Err(PointError::fatal(Limit(3)))
            } else {
                Ok(x[0])
            }
        });
        let failure = Failure::default();
        let guarded = Guarded::new(&target, &failure);
        let mut out = [0.0; 2];
        guarded.log_prob(Batch::new(&[1.0, 2.0], 1), &mut out);
        assert_eq!(out, [1.0, 2.0]);
        for _ in 0..3 {
            guarded.log_prob(Batch::new(&[1.0, 2.0], 1), &mut out);
            assert!(out.iter().all(|v| v.is_nan()));
        }
        let error = failure.check().unwrap_err();
        assert_eq!(error.to_string(), "no more than 3 calls");
        assert_eq!(error.cause().downcast_ref::<Limit>().unwrap().0, 3);
    }
}
