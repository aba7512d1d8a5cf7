//! The report of a run folder.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::errors;

/// Writes the report of a finished run and gives its path.
#[pyfunction]
pub fn report(py: Python<'_>, folder: PathBuf, out: Option<PathBuf>) -> PyResult<PathBuf> {
    let written = py.detach(|| mixwell_report::write(&folder, out.as_deref()));
    written.map_err(|e| errors::folder(py, e))
}
