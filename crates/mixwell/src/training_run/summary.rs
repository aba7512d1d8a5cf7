//! `TrainingSummary`: what a training leaves in `summary.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Column, TrainingRunError};
use crate::io::{IoError, RunFolder};

/// What came out of a training, and whether it went well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSummary {
    /// The kind of training.
    pub kind: String,
    /// The seed.
    pub seed: u64,
    /// Updates that were made.
    pub updates: u64,
    /// Seconds, over all sessions.
    pub wall_seconds: f64,
    /// Whether nothing went badly.
    pub went_well: bool,
    /// What went badly, with the number that shows it.
    pub problems: Vec<String>,
    /// What belongs together in a picture of the curve.
    pub panels: Vec<CurvePanel>,
    /// Measured values by name; which, depends on the kind.
    pub results: Map<String, Value>,
    /// The same in words.
    pub lines: Vec<String>,
}

/// Columns of the curve that are drawn on one axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurvePanel {
    /// What the axis shows.
    pub title: String,
    /// Names of columns.
    pub columns: Vec<String>,
}

impl CurvePanel {
    /// The panels of these columns, in their order.
    pub(super) fn of(columns: &[Column]) -> Vec<Self> {
        let mut panels: Vec<Self> = vec![];
        for column in columns {
            let Some(title) = column.panel else { continue };
            match panels.iter_mut().find(|p| p.title == title) {
                Some(panel) => panel.columns.push(column.name.to_string()),
                None => panels.push(Self { title: title.into(), columns: vec![column.name.to_string()] }),
            }
        }
        panels
    }
}

impl TrainingSummary {
    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a summary is plain data")
    }

    /// The verdict in a sentence.
    pub fn verdict_line(&self) -> String {
        match self.problems.as_slice() {
            [] => "training went well".into(),
            [one] => format!("training went badly: {one}"),
            many => format!("training went badly: {} (and {} more)", many[0], many.len() - 1),
        }
    }

    /// All of it for people, a line each.
    pub fn words(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push_str(&format!("\n{} updates in {:.1} s\n", self.updates, self.wall_seconds));
        if self.problems.len() > 1 {
            self.problems.iter().for_each(|p| text.push_str(&format!("! {p}\n")));
        }
        text + &self.verdict_line()
    }
}

/// Reads the summary of a finished training, after comparing it, the weights and the curve with what the training left.
///
/// # Errors
/// Names the file that is missing, damaged, exchanged, or a link.
pub fn read_training_summary(folder: &RunFolder) -> Result<TrainingSummary, TrainingRunError> {
    let path = folder.summary();
    let text = folder.read_text(&path)?;
    let summary = serde_json::from_str(&text).map_err(|e| IoError::Changed {
        path,
        reason: crate::io::excerpt(&e.to_string()),
        run: folder.path().to_path_buf(),
    })?;
    folder.verify_training()?;
    Ok(summary)
}
