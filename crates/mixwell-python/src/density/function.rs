//! A Python function of a batch of points as a target: one call a batch, under the interpreter's lock, which is free between calls.
//!
//! The points are a copy, so the function may keep or change them. All chains are evaluated in one call on one thread (`batch_rows`): more threads
//! would wait for each other's lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use mixwell::density::{EvaluationError, Target, Variable};
use mixwell::{Batch, BatchMut};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::answer::Answer;

/// A function and what is known of it.
pub struct Function {
    function: Py<PyAny>,
    /// Asked instead where no gradient is wanted.
    value: Option<Py<PyAny>>,
    dim: usize,
    gradient: bool,
    /// What is reported of one point; the point itself where it is not given.
    report: Option<Py<PyAny>>,
}

impl Function {
    /// The function, called once at `points` (row after row) to see what it gives.
    pub fn probed(
        py: Python<'_>,
        function: Py<PyAny>,
        value: Option<Py<PyAny>>,
        dim: usize,
        points: &[f64],
        report: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut probed = Self { function, value, dim, gradient: false, report };
        let answer = probed.call(py, &probed.function, points)?;
        probed.gradient = answer.has_gradients();
        let mut grad = vec![0.0; points.len()];
        answer.values(dim, &mut vec![0.0; points.len() / dim.max(1)])?;
        if probed.gradient {
            answer.gradients(dim, &mut grad)?;
        }
        Ok(probed)
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Writes what `report` gives for one point, all of it.
    fn reported(&self, py: Python<'_>, report: &Py<PyAny>, x: &[f64], out: &mut [f64]) -> PyResult<()> {
        let found = report.bind(py).call1((PyArray1::from_slice(py, x),))?;
        let found = found.extract::<PyReadonlyArray1<'_, f64>>()?;
        let found = found.as_slice()?;
        if found.len() != out.len() {
            let text = format!("{} numbers are reported, but the variables hold {}", found.len(), out.len());
            return Err(PyValueError::new_err(text));
        }
        out.copy_from_slice(found);
        Ok(())
    }

    /// Whether it gives gradients.
    pub fn has_gradient(&self) -> bool {
        self.gradient
    }

    fn call<'py>(&self, py: Python<'py>, function: &Py<PyAny>, points: &[f64]) -> PyResult<Answer<'py>> {
        let rows = points.len() / self.dim.max(1);
        let points = PyArray1::from_slice(py, points).reshape([rows, self.dim])?;
        Answer::of(function.bind(py).call1((points,))?)
    }

    fn evaluate(
        &self,
        py: Python<'_>,
        x: &[f64],
        log_prob: &mut [f64],
        grad: Option<&mut [f64]>,
    ) -> PyResult<()> {
        match (grad, &self.value) {
            (Some(grad), _) => {
                let answer = self.call(py, &self.function, x)?;
                answer.values(self.dim, log_prob)?;
                answer.gradients(self.dim, grad)
            }
            (None, value) => {
                self.call(py, value.as_ref().unwrap_or(&self.function), x)?.values(self.dim, log_prob)
            }
        }
    }
}

/// The function as the target of one run.
pub struct FunctionTarget {
    function: Arc<Function>,
    variables: Vec<Variable>,
    interrupt: Arc<AtomicBool>,
    /// Why a point could not be reported.
    unreported: OnceLock<String>,
}

impl FunctionTarget {
    /// The target with these variables, which fails once `interrupt` is set: nobody who presses Ctrl-C waits for more calls.
    pub fn new(function: Arc<Function>, variables: Vec<Variable>, interrupt: Arc<AtomicBool>) -> Self {
        Self { function, variables, interrupt, unreported: OnceLock::new() }
    }
}

impl Target for FunctionTarget {
    fn dim(&self) -> usize {
        self.function.dim
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(EvaluationError::new("interrupted"));
        }
        if log_prob.is_empty() {
            return Ok(());
        }
        let grad = grad.map(BatchMut::into_data);
        Python::attach(|py| self.function.evaluate(py, x.data(), log_prob, grad))
            .map_err(EvaluationError::new)
    }

    fn has_gradient(&self) -> bool {
        self.function.gradient
    }

    fn why_no_gradient(&self) -> Option<String> {
        Some(
            "return (values, gradients) from the function, or wrap it in mixwell.jax or mixwell.torch".into(),
        )
    }

    fn batch_rows(&self) -> Option<usize> {
        Some(usize::MAX)
    }

    fn variables(&self) -> Vec<Variable> {
        self.variables.clone()
    }

    /// NaN where the function fails, which is told at the end.
    fn report(&self, x: &[f64], out: &mut [f64]) {
        let Some(report) = &self.function.report else { return out.copy_from_slice(x) };
        if let Err(error) = Python::attach(|py| self.function.reported(py, report, x, out)) {
            out.fill(f64::NAN);
            let _ = self.unreported.set(format!("a draw could not be reported: {error}"));
        }
    }

    fn complaints(&self) -> Vec<String> {
        self.unreported.get().cloned().into_iter().collect()
    }
}
