//! The training of a classifier, as a [`Task`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::config::ClassifierConfig;
use super::confusion::Confusion;
use super::data::Data;
use super::loss::CrossEntropy;
use crate::footprint::{bytes, free_memory, numbers, readable};
use crate::net::import::NamedArrays;
use crate::net::{
    Gradient, Init, Model, Network, NetworkSpec, Optimiser, OptimiserState, Values, WeightAverage,
};
use crate::rng::{NETWORK_INIT_STREAM, StreamState, TRAINING_STREAM};
use crate::train::{Descent, Epochs, Guard, Passes};
use crate::training_run::{Column, Course, Outcome, Task, TrainingRunError, Updated, WeightsOf};
use crate::{ConfigError, Stream};

/// Numbers per parameter: weights, packed copies, gradient, moments, average, best weights.
const PER_PARAMETER: usize = 12;

/// A classifier that is being trained.
#[derive(Debug)]
pub struct Classifier {
    network: Network<f32>,
    loss: CrossEntropy,
    descent: Descent,
    epochs: Epochs,
    stream: Stream,
    gradient: Gradient,
    batches: u64,
    planned_epochs: usize,
    so_far: SoFar,
}

/// What is measured between two rows of the curve, and over all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct SoFar {
    updates: u64,
    first_loss: f64,
    recent: Recent,
    last: Recent,
    /// Loss and accuracy of the last look at what is held out, and whether a row has told it.
    held_out: Option<(f64, f64)>,
    told: bool,
}

/// Sums since the last row.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Recent {
    steps: u64,
    images: u64,
    right: u64,
    loss: f64,
    gradient_norm: f64,
    learning_rate: f64,
}

impl Recent {
    fn loss(&self) -> f64 {
        self.loss / self.images as f64
    }

    fn accuracy(&self) -> f64 {
        self.right as f64 / self.images as f64
    }
}

/// A [`Classifier`] as it lies in a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub struct ClassifierState {
    weights: Values,
    optimiser: OptimiserState,
    guard: Guard,
    epochs: Epochs,
    stream: StreamState,
    so_far: SoFar,
}

impl Classifier {
    /// Reads the data and makes the network; says how many bytes training will hold.
    pub(super) fn open(config: &ClassifierConfig) -> Result<(Self, u64), TrainingRunError> {
        let spec = config.network.spec()?;
        let classes = spec.output()?.len();
        if classes < 2 {
            let reason = "a classifier has an output for each class, at least 2";
            return Err(ConfigError::new("network", format!("of {classes} outputs"), reason).into());
        }
        let mut stream = Stream::new(config.seed, TRAINING_STREAM);
        let data = Data::open(config, &spec, &mut stream)?;
        let (needed, free) = (spec.bytes()?, free_memory());
        if needed > free {
            let (needed, free) = (readable(needed), readable(free));
            let reason =
                format!("that takes more memory than the {free} that are free; use a smaller network");
            return Err(ConfigError::new("network", format!("of up to {needed}"), reason).into());
        }
        let mut init = Stream::new(config.seed, NETWORK_INIT_STREAM);
        let mut network: Network<f32> =
            Network::new(&spec, Init::Uniform, &mut init).map_err(|e| e.under("network"))?;
        if let Some(weights) = &config.weights {
            let arrays = NamedArrays::read(weights.as_ref())?;
            network.load(&arrays)?;
        }
        let batches = data.learned.len().div_ceil(config.batch) as u64;
        let average = match config.average {
            0.0 => None,
            decay => Some(WeightAverage::new(decay, &network).map_err(|e| renamed(e, "average"))?),
        };
        let passes = Passes {
            epochs: config.epochs,
            batch: config.batch,
            patience: config.patience,
            shuffle: config.shuffle,
        };
        let steps = batches.saturating_mul(config.epochs as u64);
        let optimiser =
            Optimiser::new(&config.optimiser(steps), &network).map_err(|e| e.under("optimiser"))?;
        let dim = spec.input_shape()?.len();
        let bytes = data
            .bytes()
            .saturating_add(bytes(4, &[config.batch, tape(&spec)?]))
            .saturating_add(numbers(&[config.batch.max(256), dim + classes]))
            .saturating_add(numbers(&[network.params().len(), PER_PARAMETER]));
        let epochs = Epochs::new(passes, data.learned.len(), average);
        let mut loss = CrossEntropy::new(data, classes, config.batch, config.shift, config.data.pixels);
        if config.weights.is_none() {
            network.initialise_from_batch(loss.some_images().as_batch());
        }
        let first_loss = loss.of_first(&network);
        let classifier = Self {
            gradient: network.zero_gradient(),
            descent: Descent { optimiser, guard: Guard::new(config.jump_tolerance) },
            epochs,
            stream,
            batches,
            planned_epochs: config.epochs,
            so_far: SoFar { first_loss, ..SoFar::default() },
            network,
            loss,
        };
        Ok((classifier, bytes))
    }
}

/// Numbers of a row that training keeps until its loss is known: what comes out of every layer, and as much again.
pub(in crate::training_run) fn tape(spec: &NetworkSpec) -> Result<usize, ConfigError> {
    let after = |n: usize| NetworkSpec { layers: spec.layers[..n].to_vec(), ..spec.clone() }.output();
    let outputs: Result<usize, ConfigError> = (1..=spec.layers.len()).map(|n| Ok(after(n)?.len())).sum();
    Ok(2 * outputs?)
}

fn renamed(error: ConfigError, key: &str) -> ConfigError {
    ConfigError { key: key.into(), ..error }
}

impl Task for Classifier {
    type State = ClassifierState;

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::kept("epoch"),
            Column::drawn("loss", "loss"),
            Column::drawn("validation_loss", "loss"),
            Column::drawn("accuracy", "accuracy"),
            Column::drawn("validation_accuracy", "accuracy"),
            Column::drawn("learning_rate", "learning rate"),
            Column::drawn("gradient_norm", "gradient norm"),
        ]
    }

    fn updates(&self) -> (u64, u64) {
        (self.so_far.updates, self.batches * self.planned_epochs as u64)
    }

    fn is_finished(&self) -> bool {
        self.epochs.is_finished()
    }

    fn update(&mut self) -> Result<Updated, TrainingRunError> {
        let Self { network, loss, descent, epochs, stream, gradient, so_far, .. } = self;
        let Some(step) = epochs.step(descent, network, loss, stream, gradient) else {
            return Ok(Updated::Quietly);
        };
        so_far.updates += 1;
        let recent = &mut so_far.recent;
        let images = step.taken as u64;
        recent.steps += 1;
        recent.images += images;
        recent.right += loss.right as u64;
        recent.loss += step.loss * images as f64;
        recent.gradient_norm += step.gradient_norm;
        recent.learning_rate = step.learning_rate.unwrap_or(f64::NAN);
        let Some(validation) = step.validation else { return Ok(Updated::Quietly) };
        if let Some(confusion) = &loss.held_out {
            so_far.held_out = Some((validation, confusion.accuracy()));
            so_far.told = false;
        }
        Ok(Updated::AtALandmark)
    }

    fn row(&mut self) -> Vec<f64> {
        let epoch = self.so_far.updates as f64 / self.batches as f64;
        let recent = std::mem::take(&mut self.so_far.recent);
        self.so_far.last = recent;
        let held_out = self.so_far.held_out.filter(|_| !self.so_far.told);
        self.so_far.told = true;
        let (loss, accuracy) = held_out.unwrap_or((f64::NAN, f64::NAN));
        let norm = recent.gradient_norm / recent.steps as f64;
        vec![epoch, recent.loss(), loss, recent.accuracy(), accuracy, recent.learning_rate, norm]
    }

    fn progress(&self) -> String {
        let epoch = self.epochs.report().rounds + usize::from(!self.epochs.is_finished());
        let shown = if self.so_far.recent.images > 0 { &self.so_far.recent } else { &self.so_far.last };
        let mut text = format!(
            "epoch {epoch}/{}  loss {:.4}  accuracy {:.1} %",
            self.planned_epochs,
            shown.loss(),
            100.0 * shown.accuracy()
        );
        if let Some((loss, accuracy)) = self.so_far.held_out {
            text.push_str(&format!("  held out {loss:.4}, {:.1} %", 100.0 * accuracy));
        }
        text
    }

    fn save(&self) -> ClassifierState {
        ClassifierState {
            weights: Model::params(&self.network).to_values(),
            optimiser: self.descent.optimiser.save_state(),
            guard: self.descent.guard.clone(),
            epochs: self.epochs.clone(),
            stream: self.stream.state(),
            so_far: self.so_far.clone(),
        }
    }

    fn load(&mut self, state: ClassifierState) -> Result<(), TrainingRunError> {
        self.network.set_params(&state.weights)?;
        self.descent.optimiser.load_state(&state.optimiser)?;
        self.descent.guard = state.guard;
        self.epochs = state.epochs;
        self.stream = Stream::restore(state.stream);
        self.so_far = state.so_far;
        Ok(())
    }

    fn finish(&mut self) -> Result<Outcome, TrainingRunError> {
        if self.epochs.finish(&mut self.network) {
            self.descent.guard.counts.restored_best += 1;
        }
        let report = self.epochs.report();
        let course = Course {
            first_loss: self.so_far.first_loss,
            last_loss: report.loss,
            counts: self.descent.guard.counts,
        };
        let mut problems = course.problems();
        let mut results = Map::new();
        let mut lines = vec![];
        let mut put = |name: &str, value: Value| results.insert(name.into(), value);
        put("epochs", json!(report.rounds));
        put("images", json!(self.loss.data.learned.len()));
        put("parameters", json!(self.network.params().len()));
        put("first_loss", json!(course.first_loss));
        put("training_loss", json!(report.loss));
        put("updates_made", json!(course.counts.updates));
        put("skipped_non_finite", json!(course.counts.skipped_non_finite));
        put("skipped_jumps", json!(course.counts.skipped_jumps));
        lines.push(format!(
            "{} images, {} passes, {} parameters; loss {:.4} at the start, {:.4} in the last pass",
            self.loss.data.learned.len(),
            report.rounds,
            self.network.params().len(),
            course.first_loss,
            report.loss
        ));
        let (loss, mut seen) = self.loss.look_back(&self.network);
        if self.loss.data.held_out.is_empty() {
            put("training_accuracy", json!(seen.accuracy()));
            lines.push(format!("on the training images: accuracy {:.2} %", 100.0 * seen.accuracy()));
        } else {
            let epoch = self.epochs.best().map_or(0, |b| b.0);
            put("best_epoch", json!(epoch));
            put("validation_loss", json!(loss));
            put("validation_accuracy", json!(seen.accuracy()));
            lines.push(format!(
                "held out ({} images): loss {loss:.4}, accuracy {:.2} %; the weights are those after pass {epoch}",
                seen.total(),
                100.0 * seen.accuracy()
            ));
        }
        if let Some((loss, confusion)) = self.loss.test(&self.network) {
            put("test_loss", json!(loss));
            put("test_accuracy", json!(confusion.accuracy()));
            put("confusion", json!(confusion));
            lines.push(format!(
                "test ({} images): loss {loss:.4}, accuracy {:.2} %",
                confusion.total(),
                100.0 * confusion.accuracy()
            ));
            lines.extend(confusion.lines());
            seen = confusion;
        }
        problems.extend(judged(&seen));
        let bytes = self.network.to_safetensors();
        let weights = vec![WeightsOf { file: "network.safetensors".into(), bytes }];
        Ok(Outcome { results, lines, problems, weights, kept: vec![] })
    }
}

/// What is wrong with answers like these.
fn judged(seen: &Confusion) -> Vec<String> {
    let mut problems = vec![];
    let (accuracy, blind) = (seen.accuracy(), seen.largest_share());
    if accuracy <= blind {
        problems.push(format!(
            "its accuracy is {:.1} %, and always naming the largest class would reach {:.1} %",
            100.0 * accuracy,
            100.0 * blind
        ));
    }
    let never = seen.never_found();
    if !never.is_empty() {
        problems.push(format!("no image was taken for class {never:?}"));
    }
    problems
}
