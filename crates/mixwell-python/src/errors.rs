//! The library's errors as the package's exceptions, in the library's words.

use std::path::Path;

use mixwell::config::ConfigFileError;
use mixwell::density::EvaluationError;
use mixwell::io::RunFolder;
use mixwell::sampler::RunError;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

/// An exception of the package: `ConfigError`, `EvaluationError`, `RunFolderError`.
pub fn exception(py: Python<'_>, name: &str, message: &str) -> PyErr {
    let made =
        py.import("mixwell._errors").and_then(|m| m.getattr(name)).and_then(|class| class.call1((message,)));
    made.map_or_else(|e| e, PyErr::from_value)
}

/// A setting, an argument or an answer that cannot be used.
pub fn config(py: Python<'_>, error: impl std::fmt::Display) -> PyErr {
    exception(py, "ConfigError", &error.to_string())
}

/// The same, of settings that were handed over as a dictionary, which has no lines.
pub fn settings(py: Python<'_>, error: &ConfigFileError) -> PyErr {
    config(py, &error.message)
}

/// A file or folder of a run.
pub fn folder(py: Python<'_>, error: impl std::fmt::Display) -> PyErr {
    exception(py, "RunFolderError", &error.to_string())
}

/// What a run ended with.
pub fn run(py: Python<'_>, error: &RunError, out: Option<&Path>) -> PyErr {
    match error {
        RunError::Evaluation(failed) => evaluation(py, failed, &what_is_left(out)),
        RunError::Io(_) | RunError::Checkpoint(_) => folder(py, error),
        _ => config(py, error),
    }
}

/// A density that failed for good, with what is left then. An exception of the user's function is the cause of ours, with its own traceback; one
/// that ends a program, such as `KeyboardInterrupt`, goes through as it is.
pub fn evaluation(py: Python<'_>, failed: &EvaluationError, left: &str) -> PyErr {
    let cause = failed.cause().downcast_ref::<PyErr>().map(|e| e.clone_ref(py));
    let ours = |e: &PyErr| {
        let base = py.import("mixwell._errors").and_then(|m| m.getattr("MixwellError"));
        base.is_ok_and(|base| e.matches(py, base).unwrap_or(false))
    };
    match cause {
        Some(cause) if !cause.is_instance_of::<PyException>(py) => cause,
        Some(cause) if ours(&cause) => cause,
        cause => {
            let message = format!("the target failed: {failed}; {left}");
            let wrapped = exception(py, "EvaluationError", &message);
            wrapped.set_cause(py, cause);
            wrapped
        }
    }
}

/// What can be done after a run that ended early.
pub fn what_is_left(out: Option<&Path>) -> String {
    match out {
        Some(out) if RunFolder::view(out).is_ok_and(|f| f.has_checkpoint()) => {
            format!("mixwell.resume({out:?}, ..) goes on from the checkpoint there")
        }
        Some(_) => "nothing was drawn yet".into(),
        None => {
            "draws in memory are lost; with `out` they would be kept, and the run could be resumed".into()
        }
    }
}
