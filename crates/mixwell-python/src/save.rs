//! A run whose draws are in memory, written as the run folder that `out` would have made, but for a checkpoint: it is finished.

use std::path::{Path, PathBuf};

use mixwell::density::Variable;
use mixwell::io::{DrawStore, IoError, Phase, RunFolder, Stat, StatKind, StoreSchema, atomic_write};
use mixwell::sampler::{RunConfig, draw_attributes};
use numpy::PyReadonlyArray3;
use pyo3::prelude::*;

use crate::density::Named;
use crate::errors;

/// A finished run, as `mixwell.Run` holds it.
struct Finished<'a> {
    config: RunConfig,
    summary: &'a str,
    flow: Option<&'a [u8]>,
    variables: Vec<Variable>,
    stats: Vec<Stat>,
    /// Values and statistics of the warm-up and of production, `draws x chains x numbers`.
    groups: [(Phase, &'a [f64], &'a [f64]); 2],
}

/// Writes the run to a new folder.
#[pyfunction]
#[pyo3(signature = (path, settings, summary, flow, variables, stats, groups))]
#[allow(clippy::too_many_arguments)]
pub fn save(
    py: Python<'_>,
    path: PathBuf,
    settings: &str,
    summary: &str,
    flow: Option<&[u8]>,
    variables: Named,
    stats: Vec<(String, String)>,
    groups: [PyReadonlyArray3<'_, f64>; 4],
) -> PyResult<()> {
    let config = serde_json::from_str(settings).map_err(|e| errors::config(py, e))?;
    let kind = |kind: &str| match kind {
        "bool" => StatKind::Bool,
        "int64" => StatKind::Int,
        _ => StatKind::Float,
    };
    let [values, statistics, warmup_values, warmup_statistics] = &groups;
    let finished = Finished {
        config,
        summary,
        flow,
        variables: crate::density::named(variables),
        stats: stats.iter().map(|(name, k)| Stat::new(name, kind(k))).collect(),
        groups: [
            (Phase::Warmup, warmup_values.as_slice()?, warmup_statistics.as_slice()?),
            (Phase::Production, values.as_slice()?, statistics.as_slice()?),
        ],
    };
    py.detach(|| finished.write(&path)).map_err(|e| errors::folder(py, e))
}

impl Finished<'_> {
    fn write(self, path: &Path) -> Result<(), IoError> {
        let folder = RunFolder::create(path)?;
        let config = mixwell::config::commented(&self.config).map_err(|e| IoError::Schema(e.to_string()))?;
        atomic_write(&folder.config(), config.as_bytes())?;
        let row = self.config.chains * self.variables.iter().map(Variable::len).sum::<usize>();
        let draws = |values: &[f64]| values.len() / row.max(1);
        let [warmup, production] = self.groups.map(|(_, values, _)| draws(values));
        let attributes = draw_attributes(&self.config, &self.variables);
        let schema = StoreSchema {
            n_chains: self.config.chains,
            variables: self.variables,
            stats: self.stats,
            warmup_draws: warmup,
            draws: production,
            attributes,
        };
        let mut store = DrawStore::create(&folder.draws(), schema)?;
        for (phase, values, statistics) in self.groups {
            if !values.is_empty() {
                store.append(phase, draws(values), values, statistics)?;
            }
        }
        store.finish(Default::default())?;
        if let Some(flow) = self.flow {
            atomic_write(&folder.flow(), flow)?;
        }
        atomic_write(&folder.summary(), self.summary.as_bytes())?;
        folder.write_manifest(store.contents())
    }
}
