//! How a run goes, kept where the waiting thread finds it.

use std::sync::{Arc, Mutex, PoisonError};

use mixwell::sampler::{Event, Observer, Progress};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What was seen of a run: the last progress, and warnings.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    progress: Option<Progress>,
    warnings: Vec<String>,
}

impl Observer for Seen {
    fn event(&mut self, event: &Event) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Progress(progress) => state.progress = Some(progress.clone()),
            Event::Warning(text) => state.warnings.push(text.clone()),
            // The reasons of a choice are in the summary.
            Event::Planned { .. } | Event::PhaseEnded(_) | Event::Checkpoint | Event::Choice(_) => {}
        }
    }
}

impl Seen {
    /// All warnings so far.
    pub fn warnings(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).warnings.clone()
    }

    /// Tells `report` where the run stands, unless it was told so before.
    pub fn tell(&self, py: Python<'_>, report: &Py<PyAny>) -> PyResult<()> {
        let progress = self.0.lock().unwrap_or_else(PoisonError::into_inner).progress.take();
        let Some(p) = progress else { return Ok(()) };
        let dict = PyDict::new(py);
        dict.set_item("phase", p.phase.name())?;
        dict.set_item("draws", p.draws)?;
        dict.set_item("total", p.total)?;
        dict.set_item("training", p.training)?;
        dict.set_item("local_acceptance", p.local_acceptance)?;
        dict.set_item("global_acceptance", p.global_acceptance)?;
        dict.set_item("flow_loss", p.flow_loss)?;
        dict.set_item("max_rhat", p.max_rhat)?;
        dict.set_item("elapsed", p.elapsed.as_secs_f64())?;
        report.call1(py, (dict,))?;
        Ok(())
    }
}
