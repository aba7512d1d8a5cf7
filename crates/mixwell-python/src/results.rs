//! What a run left, as a dictionary of arrays and texts for `mixwell.Run`.

use mixwell::density::Variable;
use mixwell::io::{Phase, Stat, StatKind};
use mixwell::sampler::{Kept, MemoryDraws, Run, RunConfig, Summary};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors;

/// The results of a run of these settings.
pub fn results<'py>(
    py: Python<'py>,
    run: Run,
    summary: &Summary,
    config: &RunConfig,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    describe(&dict, summary.chains, run.variables(), Some(summary), config)?;
    dict.set_item("flow", run.flow().map(|flow| PyBytes::new(py, &flow.to_safetensors())))?;
    let n_values: usize = run.variables().iter().map(Variable::len).sum();
    match run.into_kept() {
        Kept::Folder(path) => dict.set_item("folder", std::path::absolute(path)?)?,
        Kept::Memory(draws) => {
            dict.set_item("folder", py.None())?;
            memory(&dict, draws, summary.chains, n_values)?;
        }
    }
    Ok(dict)
}

/// Sizes, variables, summary and settings.
pub fn describe(
    dict: &Bound<'_, PyDict>,
    chains: usize,
    variables: &[Variable],
    summary: Option<&Summary>,
    config: &RunConfig,
) -> PyResult<()> {
    let named = |v: &Variable| (v.name.clone(), v.shape.clone(), v.elements.clone());
    dict.set_item("chains", chains)?;
    dict.set_item("variables", variables.iter().map(named).collect::<Vec<_>>())?;
    dict.set_item("summary", summary.map(Summary::to_json))?;
    dict.set_item("verdict", summary.map(Summary::verdict_line))?;
    let settings = serde_json::to_string(config).map_err(|e| errors::config(dict.py(), e))?;
    dict.set_item("settings", settings)
}

/// Draws that were kept in memory: the vectors become arrays as they are, `draws x chains x numbers`.
fn memory(dict: &Bound<'_, PyDict>, mut draws: MemoryDraws, chains: usize, n_values: usize) -> PyResult<()> {
    let py = dict.py();
    let stats = draws.stats().to_vec();
    for phase in Phase::ALL {
        let (values, statistics) = draws.take(phase);
        let array = |numbers: Vec<f64>, width: usize| {
            let rows = numbers.len() / (chains * width).max(1);
            PyArray1::from_vec(py, numbers).reshape([rows, chains, width])
        };
        dict.set_item(phase.values_group(), array(values, n_values)?)?;
        dict.set_item(phase.stats_group(), array(statistics, stats.len())?)?;
    }
    let kind = |stat: &Stat| match stat.kind {
        StatKind::Float => "float64",
        StatKind::Int => "int64",
        StatKind::Bool => "bool",
    };
    dict.set_item("stats", stats.iter().map(|s| (s.name.clone(), kind(s))).collect::<Vec<_>>())
}
