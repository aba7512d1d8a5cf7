//! A built-in target or a trained law as a function: log-densities, and their gradients.

use std::sync::Arc;

use mixwell::Points;
use numpy::{PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{matrix, points, vector};
use crate::run::built_in;
use crate::{errors, settings};

/// A target of the library. Made by the package's `Target`.
#[pyclass(frozen, module = "mixwell._mixwell")]
pub struct Target {
    target: Arc<dyn mixwell::density::Target>,
    settings: String,
}

#[pymethods]
impl Target {
    /// The target of the settings' table `target`; its files are read.
    #[new]
    fn new(py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut config = settings::run_config(settings)?;
        let target = py.detach(|| built_in(&mut config)).map_err(|e| errors::run(py, &e, None))?;
        let settings = serde_json::to_string(&config.target).map_err(|e| errors::config(py, e))?;
        Ok(Self { target, settings })
    }

    /// Number of coordinates.
    #[getter]
    fn dim(&self) -> usize {
        self.target.dim()
    }

    /// Whether it has a gradient.
    #[getter]
    fn has_gradient(&self) -> bool {
        self.target.has_gradient()
    }

    /// Its settings, as JSON.
    #[getter]
    fn settings(&self) -> &str {
        &self.settings
    }

    /// Names, shapes and names of the elements of its variables.
    #[getter]
    fn variables(&self) -> crate::density::Named {
        self.target.variables().into_iter().map(|v| (v.name, v.shape, v.elements)).collect()
    }

    /// Log-density of each row.
    fn log_prob<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let x = self.rows(py, &x)?;
        let mut values = vec![0.0; x.rows()];
        let evaluated = py.detach(|| self.target.log_prob(x.as_batch(), &mut values));
        evaluated.map_err(|e| errors::evaluation(py, &e, LEFT))?;
        Ok(vector(py, values))
    }

    /// Log-density of each row, and its gradient (`rows x dim`).
    #[allow(clippy::type_complexity)]
    fn log_prob_and_grad<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<(Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>)> {
        let x = self.rows(py, &x)?;
        if !self.target.has_gradient() {
            let why = self.target.why_no_gradient().unwrap_or_else(|| "ask for values alone".into());
            return Err(errors::config(py, format!("this target has no gradient: {why}")));
        }
        let (mut values, mut grad) = (vec![0.0; x.rows()], Points::zeros(x.rows(), x.dim()));
        let evaluated =
            py.detach(|| self.target.evaluate(x.as_batch(), &mut values, Some(grad.as_batch_mut())));
        evaluated.map_err(|e| errors::evaluation(py, &e, LEFT))?;
        Ok((vector(py, values), matrix(py, grad)?))
    }
}

/// What is left when a target fails here.
const LEFT: &str = "none of these points has a value";

impl Target {
    fn rows(&self, py: Python<'_>, x: &PyReadonlyArray2<'_, f64>) -> PyResult<Points> {
        let x = points(x);
        if x.dim() == self.target.dim() {
            return Ok(x);
        }
        let message =
            format!("the points have {} coordinates, but the target has {}", x.dim(), self.target.dim());
        Err(errors::config(py, message))
    }
}
