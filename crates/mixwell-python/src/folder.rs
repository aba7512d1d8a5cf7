//! A run folder read back: its settings, its summary once all of it is compared, its draws array by array.

use std::path::{Path, PathBuf};

use mixwell::density::Variable;
use mixwell::io::{DrawReader, Phase, RunFolder};
use mixwell::sampler::{RunConfig, RunError, read_summary};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::{errors, results};

/// The settings that lie in the folder.
pub fn config_of(py: Python<'_>, folder: &Path) -> PyResult<RunConfig> {
    let folder = RunFolder::view(folder).map_err(|e| errors::folder(py, e))?;
    let path = folder.config();
    let text = folder.read_text(&path).map_err(|e| errors::folder(py, e))?;
    let config = mixwell::config::parse::<RunConfig>(&text);
    Ok(config.map_err(|e| errors::folder(py, format!("{}, {e}", path.display())))?.settings)
}

/// What lies in a run folder but its draws: settings, variables and, of a finished run, the summary, after every chunk of draws was compared with
/// what the run left.
#[pyfunction]
pub fn read_run<'py>(py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyDict>> {
    let config = config_of(py, &path)?;
    let read = py.detach(|| {
        let folder = RunFolder::view(&path)?;
        let finished = folder.summary().symlink_metadata().is_ok();
        let summary = finished.then(|| read_summary(&folder)).transpose()?;
        let variables = variables(&folder)?;
        let flow = std::fs::read(folder.flow()).ok();
        Ok((summary, variables, flow))
    });
    let (summary, variables, flow) = read.map_err(|e: RunError| errors::folder(py, e))?;
    let dict = PyDict::new(py);
    results::describe(&dict, config.chains, &variables, summary.as_ref(), &config)?;
    dict.set_item("flow", flow.map(|bytes| PyBytes::new(py, &bytes)))?;
    dict.set_item("folder", std::path::absolute(&path)?)?;
    dict.set_item("warnings", Vec::<String>::new())?;
    Ok(dict)
}

/// The variables of the draws, with the names of their elements.
fn variables(folder: &RunFolder) -> Result<Vec<Variable>, RunError> {
    let reader = DrawReader::open(&folder.draws())?;
    let named = |v: mixwell::io::StoredVariable| {
        let names = reader.attributes().get(&format!("{}_dim_0_names", v.name));
        let names = names.and_then(|names| names.as_array()).into_iter().flatten();
        let elements = names.filter_map(|n| n.as_str().map(str::to_owned)).collect();
        Variable { name: v.name, shape: v.shape, elements }
    };
    Ok(reader.variables(Phase::Production.values_group())?.into_iter().map(named).collect())
}

/// All draws of one group of a store: `(name, dtype, numbers, shape)` of each array, `chains x draws x shape`. No group, no arrays.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn read_variable<'py>(
    py: Python<'py>,
    folder: PathBuf,
    group: &str,
    name: Option<String>,
) -> PyResult<Vec<(String, Bound<'py, PyArray1<f64>>, Vec<usize>)>> {
    let read = py.detach(|| {
        let reader = DrawReader::open(&RunFolder::view(&folder)?.draws())?;
        if !reader.groups()?.iter().any(|g| g == group) {
            return Ok(vec![]);
        }
        let mut arrays = vec![];
        for variable in reader.variables(group)? {
            if name.as_ref().is_none_or(|name| *name == variable.name) {
                let numbers = reader.read_variable(group, &variable.name, 1)?;
                let mut shape = vec![variable.n_chains, variable.n_draws];
                shape.extend(&variable.shape);
                arrays.push((variable.name, numbers, shape));
            }
        }
        Ok(arrays)
    });
    let arrays = read.map_err(|e: RunError| errors::folder(py, e))?;
    Ok(arrays.into_iter().map(|(name, numbers, shape)| (name, numbers.into_pyarray(py), shape)).collect())
}
