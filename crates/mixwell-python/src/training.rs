//! Trainings: what `mixwell train` runs, and what it left in a folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use mixwell::io::{RunFolder, atomic_write, read_curve};
use mixwell::training_run::{
    TrainConfig, TrainingEnding, TrainingEvent, TrainingObserver, TrainingRun, TrainingRunError,
    TrainingSummary, is_training, read_training_summary,
};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::supervise::supervise;
use crate::{errors, settings};

/// The last progress of a training, kept where the waiting thread finds it, and warnings.
#[derive(Clone, Default)]
struct Followed(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    progress: Option<TrainingEvent>,
    warnings: Vec<String>,
}

impl TrainingObserver for Followed {
    fn event(&mut self, event: &TrainingEvent) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            TrainingEvent::Progress { .. } => state.progress = Some(event.clone()),
            TrainingEvent::Warning(text) => state.warnings.push(text.clone()),
            TrainingEvent::Planned { .. } | TrainingEvent::Checkpoint => {}
        }
    }
}

impl Followed {
    fn tell(&self, py: Python<'_>, report: &Py<PyAny>) -> PyResult<()> {
        let progress = self.0.lock().unwrap_or_else(PoisonError::into_inner).progress.take();
        let Some(TrainingEvent::Progress { updates, words, elapsed, .. }) = progress else { return Ok(()) };
        let dict = PyDict::new(py);
        dict.set_item("updates", updates)?;
        dict.set_item("words", words)?;
        dict.set_item("elapsed", elapsed.0.as_secs_f64())?;
        report.call1(py, (dict,))?;
        Ok(())
    }
}

/// Trains to the end in a new folder, or goes on in one (`settings` are then those of the folder). Gives the warnings.
#[pyfunction]
#[pyo3(signature = (settings, folder, threads, report))]
pub fn train(
    py: Python<'_>,
    settings: Option<&Bound<'_, PyDict>>,
    folder: PathBuf,
    threads: Option<usize>,
    report: Option<Py<PyAny>>,
) -> PyResult<Vec<String>> {
    let raise = |e: TrainingRunError| raised(py, &e);
    let config = match settings {
        Some(settings) => {
            let read = mixwell::config::parse::<TrainConfig>(&settings::text(settings)?);
            let mut config = read.map_err(|e| errors::settings(py, &e))?.settings;
            // Where there is no working directory, paths are left as they are.
            config.resolve(&std::env::current_dir().unwrap_or_default()).map_err(raise)?;
            config
        }
        None => config_of(py, &folder)?,
    };
    let (interrupt, followed) = (Arc::new(AtomicBool::new(false)), Followed::default());
    let mut run = TrainingRun::new(config, &folder).observer(followed.clone()).interrupt(interrupt.clone());
    if let Some(threads) = threads {
        run = run.threads(threads);
    }
    let resume = settings.is_none();
    let at = folder.clone();
    let work = move || {
        let ending = if resume { run.resume() } else { run.run() }?;
        if let TrainingEnding::Finished(summary) = &ending {
            draw(&at, summary)?;
        }
        Ok(ending)
    };
    let tell = |py: Python<'_>| report.as_ref().map_or(Ok(()), |report| followed.tell(py, report));
    let (ended, stopped) = supervise(py, &interrupt, &tell, work)?;
    let left = || format!("mixwell.Training.resume({folder:?}) goes on from the checkpoint there");
    if let Some(stopped) = stopped {
        let plain = stopped.get_type(py).is(py.get_type::<PyKeyboardInterrupt>());
        return Err(if plain { PyKeyboardInterrupt::new_err(left()) } else { stopped });
    }
    match ended.map_err(raise)? {
        TrainingEnding::Finished(_) => {
            Ok(followed.0.lock().unwrap_or_else(PoisonError::into_inner).warnings.clone())
        }
        TrainingEnding::Interrupted => Err(PyKeyboardInterrupt::new_err(left())),
    }
}

/// The picture of the curve that the command leaves, too.
fn draw(folder: &Path, summary: &TrainingSummary) -> Result<(), TrainingRunError> {
    let view = RunFolder::view(folder)?;
    let svg = mixwell_report::training_curve(&view, summary)?.svg();
    Ok(atomic_write(&folder.join("curve.svg"), svg.as_bytes())?)
}

/// Whether the folder is that of a training, not of a run.
#[pyfunction]
pub fn holds_training(path: PathBuf) -> bool {
    RunFolder::view(&path).and_then(|f| f.read_text(&f.config())).is_ok_and(|text| is_training(&text))
}

/// What a training left: folder, kind, settings and, of a finished one, its summary (both JSON), and its verdict; columns and rows of
/// the curve.
#[pyfunction]
pub fn read_training<'py>(py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyDict>> {
    let config = config_of(py, &path)?;
    let read = py.detach(|| {
        let folder = RunFolder::view(&path)?;
        let finished = folder.summary().symlink_metadata().is_ok() && folder.manifest().exists();
        let summary = finished.then(|| read_training_summary(&folder)).transpose()?;
        let curve = if folder.curve().exists() { read_curve(&folder.curve())? } else { Default::default() };
        Ok((summary, curve))
    });
    let (summary, (columns, rows)) = read.map_err(|e: TrainingRunError| raised(py, &e))?;
    let dict = PyDict::new(py);
    dict.set_item("folder", std::path::absolute(&path)?)?;
    dict.set_item("kind", config.kind())?;
    let text = serde_json::to_string(&config).map_err(|e| errors::config(py, e))?;
    dict.set_item("settings", text)?;
    dict.set_item("summary", summary.as_ref().map(TrainingSummary::to_json))?;
    dict.set_item("verdict", summary.as_ref().map(TrainingSummary::verdict_line))?;
    dict.set_item("words", summary.as_ref().map(TrainingSummary::words))?;
    dict.set_item("columns", columns)?;
    dict.set_item("rows", rows)?;
    Ok(dict)
}

/// The settings that lie in the folder.
fn config_of(py: Python<'_>, folder: &Path) -> PyResult<TrainConfig> {
    let folder = RunFolder::view(folder).map_err(|e| errors::folder(py, e))?;
    let path = folder.config();
    let text = folder.read_text(&path).map_err(|e| errors::folder(py, e))?;
    let config = mixwell::config::parse::<TrainConfig>(&text);
    Ok(config.map_err(|e| errors::folder(py, format!("{}, {e}", path.display())))?.settings)
}

fn raised(py: Python<'_>, error: &TrainingRunError) -> PyErr {
    match error {
        TrainingRunError::Io(_) | TrainingRunError::Checkpoint(_) | TrainingRunError::Summary(_) => {
            errors::folder(py, error)
        }
        _ => errors::config(py, error),
    }
}
