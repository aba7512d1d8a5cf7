//! The points that an energy is trained on: exact draws of a named law, or the rows of a table.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::density::{DataLoader, Target, TargetConfig, TargetError};
use crate::ebm::TrainingData;
use crate::io::DataFiles;
use crate::rng::DATA_STREAM;
use crate::training_run::TrainingRunError;
use crate::training_run::paths::resolved;
use crate::{ConfigError, Points, Stream, range};

/// Where points come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PointsConfig {
    /// A target that can be drawn from exactly, e.g. `{ kind = "rings" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub law: Option<TargetConfig>,
    /// Draws of the law.
    pub rows: usize,
    /// Seed of these draws: the same data for every seed of the training.
    pub seed: u64,
    /// A table of numbers instead, a point in every row. May begin with an environment variable, `${NAME}/points.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

impl Default for PointsConfig {
    fn default() -> Self {
        Self { law: None, rows: 10_000, seed: 1, table: None }
    }
}

impl PointsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        range::within("rows", self.rows, 2, 1 << 28)?;
        crate::config::check_seed(self.seed)?;
        match (&self.law, &self.table) {
            (Some(law), None) => law.check().map_err(|e| e.under("law")),
            (None, Some(_)) => Ok(()),
            (given, _) => {
                let value = if given.is_some() { "given beside `table`" } else { "missing" };
                Err(ConfigError::new("law", value, "data are either a `law` or a `table`"))
            }
        }
    }

    pub(super) fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        if let Some(law) = &mut self.law {
            law.resolve_paths(base);
        }
        if let Some(table) = &mut self.table {
            *table = resolved("data.table", table, base)?;
        }
        Ok(())
    }

    /// The points, and the law they are drawn from where there is one.
    pub(in crate::training_run) fn open(
        &self,
    ) -> Result<(TrainingData, Option<Box<dyn Target>>), TrainingRunError> {
        let Some(law) = &self.law else {
            let path = self.table.as_deref().unwrap_or_default();
            let table = DataFiles.table(path, None).map_err(target_error)?;
            table.check().map_err(target_error)?;
            let points = Points::from_vec(table.values, table.columns);
            return Ok((TrainingData::new(points)?, None));
        };
        let target = law.build(&DataFiles).map_err(target_error)?;
        let points = {
            let no_draws = || {
                let reason = "it cannot be drawn from exactly; give a table of its draws instead";
                ConfigError::new("data.law", law.kind(), reason)
            };
            let sampler = target.exact_sampler().ok_or_else(no_draws)?;
            sampler.sample_rows(&mut Stream::new(self.seed, DATA_STREAM), self.rows, target.dim())
        };
        Ok((TrainingData::new(points)?, Some(target)))
    }
}

impl PointsConfig {
    /// The law that they are drawn from, where they are.
    pub(in crate::training_run) fn truth(&self) -> Result<Option<Box<dyn Target>>, TrainingRunError> {
        self.law.as_ref().map(|law| law.build(&DataFiles).map_err(target_error)).transpose()
    }
}

fn target_error(error: TargetError) -> TrainingRunError {
    match error {
        TargetError::Config(e) => e.under("data").into(),
        TargetError::Read { path, reason } => TrainingRunError::Data { path: path.into(), reason },
        other => ConfigError::new("data", "not usable", other.to_string()).into(),
    }
}
