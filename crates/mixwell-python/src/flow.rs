//! Flows on their own: fitted to points, drawn from, evaluated, written down and read again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mixwell::io::{IoError, atomic_write};
use mixwell::proposal::{Proposal, Transport};
use mixwell::rng::{FLOW_DRAWS_STREAM, FLOW_INIT_STREAM};
use mixwell::sampler::RunConfig;
use mixwell::train::{TrainReport, Trainer, WeightedPoints};
use mixwell::{ConfigError, Points, Stream, on_threads};
use numpy::{PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::arrays::{matrix, points, vector};
use crate::supervise::supervise;
use crate::{errors, settings};

/// A normalising flow that does not change. Made by the package's `Flow`.
#[pyclass(frozen, module = "mixwell._mixwell")]
pub struct Flow {
    flow: Arc<mixwell::flow::Flow>,
    report: Option<TrainReport>,
}

/// Points or latents of rows, with a number for each.
type Mapped<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>);

#[pymethods]
impl Flow {
    /// A flow of the settings' table `flow` in `dim` dimensions, at the starting parameters that belong to their seed.
    #[staticmethod]
    fn untrained(py: Python<'_>, settings: &Bound<'_, PyDict>, dim: usize) -> PyResult<Self> {
        let config = settings::run_config(settings)?;
        let flow = py.detach(|| untrained(&config, dim)).map_err(|e| errors::config(py, e))?;
        Ok(Self { flow: Arc::new(flow), report: None })
    }

    /// A flow fitted to points (`rows x dim`) with weights (`rows`) by so many passes, under the settings' tables `flow` and `training`
    /// and their seed; from the parameters of `start` on, where there is one.
    #[staticmethod]
    #[pyo3(signature = (settings, start, x, weights, epochs, threads))]
    fn fit(
        py: Python<'_>,
        settings: &Bound<'_, PyDict>,
        start: Option<&Bound<'_, Flow>>,
        x: PyReadonlyArray2<'_, f64>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        epochs: usize,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let config = settings::run_config(settings)?;
        let raise = |e: ConfigError| errors::config(py, e);
        let weights = weights.map(|w| w.as_array().to_vec());
        let points = WeightedPoints::new(points(&x), weights).map_err(raise)?;
        let start = start.map(|flow| (*flow.get().flow).clone());
        let interrupt = Arc::new(AtomicBool::new(false));
        let flag = interrupt.clone();
        let work =
            move || on_threads(threads, || fitted(&config, start, &points, epochs, &flag)).and_then(|r| r);
        let (fitted, stopped) = supervise(py, &interrupt, &|_| Ok(()), work)?;
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        match fitted.map_err(raise)? {
            Some((flow, report)) => Ok(Self { flow: Arc::new(flow), report: Some(report) }),
            None => Err(PyKeyboardInterrupt::new_err("the flow was not fitted to the end")),
        }
    }

    /// Reads a flow from the bytes of a safetensors file.
    #[staticmethod]
    pub fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let flow = mixwell::flow::Flow::from_safetensors(bytes).map_err(|e| errors::folder(py, e))?;
        Ok(Self { flow: Arc::new(flow), report: None })
    }

    /// Reads a flow from a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let bytes = std::fs::read(&path).map_err(|e| errors::folder(py, IoError::file("read", &path)(e)))?;
        let flow = mixwell::flow::Flow::from_safetensors(&bytes);
        let flow = flow.map_err(|e| errors::folder(py, format!("{}: {e}", path.display())))?;
        Ok(Self { flow: Arc::new(flow), report: None })
    }

    /// Writes it to a file, all or nothing.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        atomic_write(&path, &self.flow.to_safetensors()).map_err(|e| errors::folder(py, e))
    }

    /// The safetensors file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.flow.to_safetensors())
    }

    /// Number of coordinates.
    #[getter]
    fn dim(&self) -> usize {
        self.flow.dim()
    }

    /// Number of trained parameters.
    #[getter]
    fn n_params(&self) -> usize {
        self.flow.n_params()
    }

    /// Its settings, as JSON.
    #[getter]
    fn settings(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(self.flow.config()).map_err(|e| errors::config(py, e))
    }

    /// Passes made, the mean loss of the last, and the best loss on what was held out; of a flow that was fitted here.
    #[getter]
    fn report(&self) -> Option<(usize, f64, Option<f64>)> {
        self.report.map(|r| (r.rounds, r.loss, r.validation_loss))
    }

    /// Log-density of each row.
    fn log_prob<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let x = self.rows(py, &x)?;
        let log_q = py.detach(|| {
            let mut log_q = vec![0.0; x.rows()];
            self.flow.log_prob(x.as_batch(), &mut log_q);
            log_q
        });
        Ok(vector(py, log_q))
    }

    /// The gradient of each row's log-density (`rows x dim`), and the log-density.
    fn log_prob_and_grad<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Mapped<'py>> {
        self.map(py, &x, |flow, x, grad, log_q| {
            flow.log_prob_and_grad(x.as_batch(), log_q, grad.as_batch_mut());
        })
    }

    /// Latents to points, with the log-determinant.
    fn forward<'py>(&self, py: Python<'py>, z: PyReadonlyArray2<'py, f64>) -> PyResult<Mapped<'py>> {
        self.map(py, &z, |flow, z, x, log_det| flow.forward(z.as_batch(), x.as_batch_mut(), log_det))
    }

    /// Points to latents, with the log-determinant.
    fn inverse<'py>(&self, py: Python<'py>, x: PyReadonlyArray2<'py, f64>) -> PyResult<Mapped<'py>> {
        self.map(py, &x, |flow, x, z, log_det| flow.inverse(x.as_batch(), z.as_batch_mut(), log_det))
    }

    /// So many draws under this seed, with their log-densities.
    fn sample<'py>(&self, py: Python<'py>, rows: usize, seed: u64) -> PyResult<Mapped<'py>> {
        let flow = &*self.flow;
        if rows.checked_mul(flow.dim()).is_none_or(|n| n > isize::MAX as usize / 32) {
            return Err(errors::config(py, format!("`n` is {rows}, but so many draws fit no memory")));
        }
        let (x, log_q) = py.detach(|| {
            let mut z = Points::zeros(rows, flow.dim());
            let mut stream = Stream::new(seed, FLOW_DRAWS_STREAM);
            // Row by row, so that fewer draws are the first of more.
            z.as_batch_mut().iter_mut().for_each(|row| stream.fill_normal(row));
            let (mut x, mut log_q) = (Points::zeros(rows, flow.dim()), vec![0.0; rows]);
            flow.push(z.as_batch(), x.as_batch_mut(), &mut log_q);
            (x, log_q)
        });
        Ok((matrix(py, x)?, vector(py, log_q)))
    }
}

impl Flow {
    /// The flow itself.
    pub fn inner(&self) -> &mixwell::flow::Flow {
        &self.flow
    }

    fn rows(&self, py: Python<'_>, x: &PyReadonlyArray2<'_, f64>) -> PyResult<Points> {
        let points = points(x);
        if points.dim() != self.flow.dim() {
            let message =
                format!("the points have {} coordinates, but the flow has {}", points.dim(), self.flow.dim());
            return Err(errors::config(py, message));
        }
        Ok(points)
    }

    /// What `f` writes for each row: as many numbers as it has, and one more.
    fn map<'py>(
        &self,
        py: Python<'py>,
        rows: &PyReadonlyArray2<'_, f64>,
        f: impl FnOnce(&mixwell::flow::Flow, &Points, &mut Points, &mut [f64]) + Send,
    ) -> PyResult<Mapped<'py>> {
        let rows = self.rows(py, rows)?;
        let (mapped, numbers) = py.detach(|| {
            let mut mapped = Points::zeros(rows.rows(), rows.dim());
            let mut numbers = vec![0.0; rows.rows()];
            f(&self.flow, &rows, &mut mapped, &mut numbers);
            (mapped, numbers)
        });
        Ok((matrix(py, mapped)?, vector(py, numbers)))
    }
}

fn untrained(config: &RunConfig, dim: usize) -> Result<mixwell::flow::Flow, ConfigError> {
    let mut stream = Stream::new(config.seed, FLOW_INIT_STREAM);
    mixwell::flow::Flow::new(&config.flow, dim, &mut stream).map_err(|e| e.under("flow"))
}

/// The fitted flow and how it went; `None` when it was interrupted.
fn fitted(
    config: &RunConfig,
    start: Option<mixwell::flow::Flow>,
    points: &WeightedPoints,
    epochs: usize,
    interrupt: &AtomicBool,
) -> Result<Option<(mixwell::flow::Flow, TrainReport)>, ConfigError> {
    let mut flow = match start {
        Some(flow) if flow.dim() == points.x().dim() => flow,
        Some(flow) => {
            let reason = format!("the points have {} coordinates", points.x().dim());
            return Err(ConfigError::new("flow", format!("of {} coordinates", flow.dim()), reason));
        }
        None => {
            let mut flow = untrained(config, points.x().dim())?;
            flow.set_whitening_from(points.x(), Some(points.weights()));
            flow
        }
    };
    let mut trainer =
        Trainer::new(config.training.clone(), &flow, 1, config.seed).map_err(|e| e.under("training"))?;
    let go_on = || if interrupt.load(Ordering::Relaxed) { Err(()) } else { Ok(()) };
    Ok(trainer.fit(points, epochs, &mut flow, &go_on).ok().map(|report| (flow, report)))
}
