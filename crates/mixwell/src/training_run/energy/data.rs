//! The points that an energy is trained on: exact draws of a named law, the rows of a table, or images.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::images::{ImagesConfig, OpenImages};
use crate::config::resolved_path;
use crate::density::{DataLoader, Target, TargetConfig, TargetError};
use crate::io::DataFiles;
use crate::rng::DATA_STREAM;
use crate::train::TrainingData;
use crate::training_run::TrainingRunError;
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
    /// Seed of these draws, and of the dequantisation of images: the same data for every seed of the training.
    pub seed: u64,
    /// A table of numbers instead, a point in every row. May begin with an environment variable, `${NAME}/points.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Images instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<ImagesConfig>,
}

/// How points are checked.
pub(super) type Checked = fn(Points) -> Result<TrainingData, ConfigError>;

/// Data that are open.
pub(in crate::training_run) struct OpenData {
    pub points: TrainingData,
    /// The law that they are draws of, where it is known.
    pub truth: Option<Box<dyn Target>>,
    /// What they are as images, where they are.
    pub images: Option<OpenImages>,
}

impl Default for PointsConfig {
    fn default() -> Self {
        Self { law: None, rows: 10_000, seed: 1, table: None, images: None }
    }
}

impl PointsConfig {
    pub(in crate::training_run) fn check(&self) -> Result<(), ConfigError> {
        range::within("rows", self.rows, 2, 1 << 28)?;
        crate::config::check_seed(self.seed)?;
        match (&self.law, &self.table, &self.images) {
            (Some(law), None, None) => law.check().map_err(|e| e.under("law")),
            (None, Some(_), None) => Ok(()),
            (None, None, Some(images)) => images.check().map_err(|e| e.under("images")),
            (given, _, images) => {
                let value = match (given, images) {
                    (None, None) => "missing",
                    (None, Some(_)) => "missing, with both others given",
                    (Some(_), _) => "given beside another",
                };
                Err(ConfigError::new("law", value, "data are either a `law` or a `table`, or `images`"))
            }
        }
    }

    pub(in crate::training_run) fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        if let Some(law) = &mut self.law {
            law.resolve_paths(base);
        }
        if let Some(table) = &mut self.table {
            *table = resolved_path("data.table", table, base)?;
        }
        if let Some(images) = &mut self.images {
            images.resolve(base)?;
        }
        Ok(())
    }

    /// The points, and what is known of them.
    pub(in crate::training_run) fn open(&self) -> Result<OpenData, TrainingRunError> {
        self.open_as(TrainingData::new)
    }

    /// The same for who learns no density: a coordinate may be the same everywhere.
    pub(in crate::training_run) fn open_samples(&self) -> Result<OpenData, TrainingRunError> {
        self.open_as(TrainingData::samples)
    }

    fn open_as(&self, checked: Checked) -> Result<OpenData, TrainingRunError> {
        if let Some(images) = &self.images {
            let (points, images) = images.open(self.seed, checked)?;
            return Ok(OpenData { points, truth: None, images: Some(images) });
        }
        let Some(law) = &self.law else {
            let path = self.table.as_deref().unwrap_or_default();
            let table = DataFiles.table(path, None).map_err(target_error)?;
            table.check().map_err(target_error)?;
            let points = checked(Points::from_vec(table.values, table.columns))?;
            return Ok(OpenData { points, truth: None, images: None });
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
        Ok(OpenData { points: checked(points)?, truth: Some(target), images: None })
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
