//! A network from its files as a function of points, with the way back.

use std::path::PathBuf;

use mixwell::Points;
use mixwell::net::Network as Net;
use mixwell::net::import::NetworkSource;
use numpy::{PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::arrays::{matrix, points};
use crate::errors;

/// A network that does not change, in the precision of its file. Made by the package's `Network`.
#[pyclass(frozen, module = "mixwell._mixwell")]
pub struct Network(Kind);

enum Kind {
    F32(Net<f32>),
    F64(Net<f64>),
}

macro_rules! each {
    ($network:expr, $net:ident => $body:expr) => {
        match $network {
            Kind::F32($net) => $body,
            Kind::F64($net) => $body,
        }
    };
}

#[pymethods]
impl Network {
    /// The network in a file of arrays, by its own description, the file of one, or the name of one; of the arrays below `key` only, with `strip` taken
    /// from names that begin so.
    #[new]
    #[pyo3(signature = (weights, description, key, strip))]
    fn new(
        py: Python<'_>,
        weights: PathBuf,
        description: Option<PathBuf>,
        key: Option<String>,
        strip: Vec<String>,
    ) -> PyResult<Self> {
        let source = NetworkSource { weights, description, key, strip };
        let kind = py.detach(|| {
            let found = source.read()?;
            if found.is_double() { source.network().map(Kind::F64) } else { source.network().map(Kind::F32) }
        });
        kind.map(Self).map_err(|e| errors::config(py, e))
    }

    /// Number of inputs.
    #[getter]
    fn n_in(&self) -> usize {
        each!(&self.0, net => net.dim())
    }

    /// Number of outputs.
    #[getter]
    fn n_out(&self) -> usize {
        each!(&self.0, net => net.n_out())
    }

    /// Number of parameters.
    #[getter]
    fn n_params(&self) -> usize {
        each!(&self.0, net => net.params().len())
    }

    /// Whether it computes in double precision.
    #[getter]
    fn is_double(&self) -> bool {
        matches!(self.0, Kind::F64(_))
    }

    /// What it is made of, as TOML.
    #[getter]
    fn description(&self) -> String {
        each!(&self.0, net => net.spec().to_toml())
    }

    /// Outputs (`rows x n_out`) of rows of inputs.
    fn values<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let x = self.rows(py, &x, self.n_in(), "x")?;
        let mut y = Points::zeros(x.rows(), self.n_out());
        py.detach(|| each!(&self.0, net => net.values(x.as_batch(), y.as_batch_mut())));
        matrix(py, y)
    }

    /// The derivative of a loss in the inputs (`rows x n_in`), whose derivative in the outputs is `dy` (`rows x n_out`).
    fn pullback<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
        dy: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let x = self.rows(py, &x, self.n_in(), "x")?;
        let dy = self.rows(py, &dy, self.n_out(), "dy")?;
        if dy.rows() != x.rows() {
            let message = format!("`dy` has {} rows, but `x` has {}", dy.rows(), x.rows());
            return Err(errors::config(py, message));
        }
        let mut dx = Points::zeros(x.rows(), x.dim());
        py.detach(|| each!(&self.0, net => net.pullback(x.as_batch(), dy.as_batch(), dx.as_batch_mut())));
        matrix(py, dx)
    }
}

impl Network {
    fn rows(
        &self,
        py: Python<'_>,
        x: &PyReadonlyArray2<'_, f64>,
        columns: usize,
        name: &str,
    ) -> PyResult<Points> {
        let x = points(x);
        if x.dim() == columns {
            return Ok(x);
        }
        let message = format!("`{name}` has {} columns, but the network has {columns} there", x.dim());
        Err(errors::config(py, message))
    }
}
