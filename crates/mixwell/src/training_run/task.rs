//! `Task`: what a training is. The run around it asks for nothing else.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::TrainingRunError;

/// A column of the curve, besides `step` and `seconds`, which every curve has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in `curve.csv`.
    pub name: Cow<'static, str>,
    /// The panel of the picture in which it is drawn; columns of one panel share their axis. `None` leaves it out.
    pub panel: Option<&'static str>,
}

impl Column {
    /// A column that is drawn in this panel.
    pub fn drawn(name: impl Into<Cow<'static, str>>, panel: &'static str) -> Self {
        Self { name: name.into(), panel: Some(panel) }
    }

    /// A column that is not drawn.
    pub fn kept(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), panel: None }
    }
}

/// What an update asks of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// Nothing.
    Quietly,
    /// A row of the curve, whatever the interval: something was measured that is measured seldom.
    AtALandmark,
}

/// A file that a training leaves: weights, pictures, points.
#[derive(Clone, Debug)]
pub struct WeightsOf {
    /// Its name in the folder.
    pub file: Cow<'static, str>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What came out of a training.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Measured values by name, for `summary.json`.
    pub results: Map<String, Value>,
    /// The same in words, a line each.
    pub lines: Vec<String>,
    /// What went badly, with the number that shows it; none is good.
    pub problems: Vec<String>,
    /// The weights.
    pub weights: Vec<WeightsOf>,
    /// Names of the files that updates left on the way ([`Task::keeps`]).
    pub kept: Vec<String>,
}

impl Outcome {
    /// Puts down a measured value.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.results.insert(name.into(), value.into());
    }
}

/// A training: what an update does, what must be saved to go on with the same bits, what is measured, what is left.
///
/// Everything that can fail on user input has failed before there is a task.
pub trait Task {
    /// All that updates change, for a checkpoint: a task loaded with it goes on as if it had never stopped.
    type State: Serialize + DeserializeOwned;

    /// The columns of the curve.
    fn columns(&self) -> Vec<Column>;

    /// Updates made, and planned at most.
    fn updates(&self) -> (u64, u64);

    /// The number of the last update in curve and summary. Updates that prepare the others are counted up to zero.
    fn step(&self) -> i64 {
        self.updates().0 as i64
    }

    /// About how many seconds all that is left will take, if that can be told before it is done.
    fn seconds_ahead(&self) -> Option<f64> {
        None
    }

    /// Whether there is nothing left to do: all updates are made, or training has ended early.
    fn is_finished(&self) -> bool;

    /// Makes one update.
    ///
    /// # Errors
    /// When training cannot go on. The run then ends; it can be resumed from its last checkpoint.
    fn update(&mut self) -> Result<Updated, TrainingRunError>;

    /// Files that the last update leaves beside the final ones. They are written before any later checkpoint, so that a resumed training
    /// has them, too; [`Outcome::kept`] names all of them.
    fn keeps(&self) -> Result<Vec<WeightsOf>, TrainingRunError> {
        Ok(vec![])
    }

    /// What was measured since the last row, a number for each column; NaN where nothing was.
    fn row(&mut self) -> Vec<f64>;

    /// Where training stands, in a few words for the progress line: losses, accuracies.
    fn progress(&self) -> String;

    /// The state.
    fn save(&self) -> Self::State;

    /// Takes up a state.
    ///
    /// # Errors
    /// When it is of another model.
    fn load(&mut self, state: Self::State) -> Result<(), TrainingRunError>;

    /// Looks at what was learned, after the last update. It must depend on the state alone.
    ///
    /// # Errors
    /// When it cannot be evaluated.
    fn finish(&mut self) -> Result<Outcome, TrainingRunError>;
}
