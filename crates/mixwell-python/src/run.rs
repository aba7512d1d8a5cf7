//! A run from Python: settings, a density, a folder; then results or the exception that ended it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mixwell::ConfigError;
use mixwell::density::{Target, TargetConfig, TargetError};
use mixwell::sampler::{Ending, RunConfig, RunError, Sampler};
use mixwell::training_run::TrainedLaws;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::density::Density;
use crate::flow::Flow;
use crate::folder::config_of;
use crate::progress::Seen;
use crate::supervise::supervise;
use crate::{errors, results, settings};

/// Runs to the end. Without a density the settings name a target. With `resume` the settings are those of the folder. A method that uses a flow goes on
/// with the one given.
///
/// `report` is called with a dictionary now and then. The interpreter's lock is free while Rust works.
#[pyfunction]
#[pyo3(signature = (density, settings, folder, threads, resume, report, flow=None))]
#[allow(clippy::too_many_arguments)]
pub fn run<'py>(
    py: Python<'py>,
    density: Option<&Bound<'py, Density>>,
    settings: &Bound<'py, PyDict>,
    folder: Option<PathBuf>,
    threads: Option<usize>,
    resume: bool,
    report: Option<Py<PyAny>>,
    flow: Option<&Bound<'py, Flow>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut config = match (&folder, resume) {
        (Some(folder), true) => config_of(py, folder)?,
        _ => settings::run_config(settings)?,
    };
    let raise = |e: RunError| errors::run(py, &e, folder.as_deref());
    if let Some(flow) = flow {
        config.flow = flow.get().inner().config().clone();
    }
    config.check().map_err(|e| raise(e.into()))?;
    let interrupt = Arc::new(AtomicBool::new(false));
    let target = match density {
        Some(density) => {
            config.target = None;
            density.get().target(py, interrupt.clone())
        }
        None => built_in(&mut config).map_err(raise)?,
    };
    let seen = Seen::default();
    let mut sampler =
        Sampler::from_config(target, config.clone()).observer(seen.clone()).interrupt(interrupt.clone());
    if let Some(flow) = flow {
        sampler = sampler.trained_flow(flow.get().inner().clone());
    }
    if let Some(folder) = &folder {
        sampler = sampler.folder(folder);
    }
    if let Some(threads) = threads {
        sampler = sampler.threads(threads);
    }
    let work = move || if resume { sampler.resume() } else { sampler.run() };
    let tell = |py: Python<'_>| report.as_ref().map_or(Ok(()), |report| seen.tell(py, report));
    let (ended, stopped) = supervise(py, &interrupt, &tell, work)?;
    if let Some(stopped) = stopped {
        // Ctrl-C says what can be done now; any other exception speaks for itself.
        let plain = stopped.get_type(py).is(py.get_type::<PyKeyboardInterrupt>());
        return Err(if plain {
            PyKeyboardInterrupt::new_err(errors::what_is_left(folder.as_deref()))
        } else {
            stopped
        });
    }
    let run = ended.map_err(raise)?;
    let Ending::Finished(summary) = run.ending() else {
        return Err(raise(RunError::Interrupted));
    };
    let summary = summary.clone();
    let dict = results::results(py, run, &summary, &config)?;
    dict.set_item("warnings", seen.warnings())?;
    Ok(dict)
}

/// The target that the settings name. Paths are relative to the working directory.
pub fn built_in(config: &mut RunConfig) -> Result<Arc<dyn Target>, RunError> {
    let missing = "a function, or a dictionary with the `kind` of a built-in target, is needed";
    let target: &mut TargetConfig =
        config.target.as_mut().ok_or_else(|| ConfigError::new("target", "missing", missing))?;
    let told = |error| match error {
        TargetError::Config(e) => RunError::Config(e.under("target")),
        other => RunError::Target(other),
    };
    // Where there is no working directory, paths are left as they are.
    target.resolve_paths(&std::env::current_dir().unwrap_or_default());
    target.pin(&TrainedLaws).map_err(told)?;
    Ok(target.build(&TrainedLaws).map_err(told)?.into())
}
