//! What a training has left in its folder: its summary and its curve.

use std::path::Path;

use mixwell::io::{RunFolder, read_curve};
use mixwell::training_run::{TrainingRunError, TrainingSummary, read_training_summary};

/// A training that is finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// What came out.
    pub summary: TrainingSummary,
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Trained {
    /// Reads the folder of a training.
    ///
    /// # Errors
    /// When it is not finished, or a file of it is damaged.
    pub fn read(folder: &Path) -> Result<Self, TrainingRunError> {
        let folder = RunFolder::view(folder)?;
        let summary = read_training_summary(&folder)?;
        let (columns, rows) = read_curve(&folder.curve())?;
        Ok(Self { summary, columns, rows })
    }

    /// A number of the summary's results, or an element of a list there; `None` where there is none.
    pub fn result(&self, name: &str, element: Option<usize>) -> Option<f64> {
        let value = self.summary.results.get(name)?;
        element.map_or(Some(value), |k| value.get(k))?.as_f64()
    }

    /// A column of the curve with the updates at which it was measured; empty where there is none.
    pub fn curve(&self, column: &str) -> (Vec<f64>, Vec<f64>) {
        let place = |name: &str| self.columns.iter().position(|c| c == name);
        let (Some(step), Some(k)) = (place("step"), place(column)) else { return Default::default() };
        self.rows.iter().filter(|row| row[k].is_finite()).map(|row| (row[step], row[k])).unzip()
    }
}
