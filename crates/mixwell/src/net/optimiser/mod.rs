//! The optimiser of any model: a rule (`sgd`, `adam`, `adamax`, a file each) on its flat parameter vector, and what all rules
//! share: the learning rate with schedule and warm-up, clipping by the global norm, weight decay, and statistics, which are
//! set and not trained. A gradient that is not finite changes nothing.

mod adam;
mod adamax;
mod average;
mod config;
mod parts;
mod schedule;
mod sgd;
mod sweep;

use serde::{Deserialize, Serialize};

use super::gradient::Gradient;
use super::model::Model;
use super::values::{ParamsMut, Stored, Values};
use super::weights::WeightsError;
use crate::ConfigError;
use parts::Parts;
use sweep::Step;

pub use adam::Adam;
pub use adamax::Adamax;
pub use average::WeightAverage;
pub use config::{OptimiserConfig, UpdateRule};
pub use parts::norm;
pub use schedule::LearningRate;
pub use sgd::Sgd;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The learning rate it used.
    pub learning_rate: f64,
    /// Norm of the gradient before clipping, statistics left out.
    pub gradient_norm: f64,
    /// Whether the gradient was shortened.
    pub clipped: bool,
    /// False when the gradient was not finite: nothing was changed.
    pub applied: bool,
}

/// State of an [`Optimiser`], for a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimiserState {
    /// Steps made.
    steps: u64,
    /// What the rule remembers, each of the model's size.
    moments: Vec<Values>,
}

impl OptimiserState {
    fn matches(&self, other: &Self) -> bool {
        self.moments.len() == other.moments.len()
            && self.moments.iter().zip(&other.moments).all(|(a, b)| a.matches(b))
    }

    fn n_numbers(&self) -> usize {
        self.moments.iter().map(Values::len).sum()
    }
}

/// Moves the parameters of a model along its gradients.
#[derive(Clone, Debug)]
pub struct Optimiser {
    config: OptimiserConfig,
    parts: Parts,
    n_params: usize,
    state: OptimiserState,
}

impl Optimiser {
    /// An optimiser for this model (and others of the same layout).
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(config: &OptimiserConfig, model: &dyn Model) -> Result<Self, ConfigError> {
        config.check()?;
        let moments = (0..config.rule.n_moments()).map(|_| model.params().zeros()).collect();
        Ok(Self {
            config: config.clone(),
            parts: Parts::of(model.layout(), model.n_params()),
            n_params: model.n_params(),
            state: OptimiserState { steps: 0, moments },
        })
    }

    /// Its settings.
    pub fn config(&self) -> &OptimiserConfig {
        &self.config
    }

    /// Moves the model's parameters against the gradient, and takes their entries in it away from its statistics. A gradient that
    /// is not finite changes nothing.
    ///
    /// # Panics
    /// When model or gradient have another size or precision than the optimiser was made for.
    pub fn step(&mut self, model: &mut dyn Model, gradient: &Gradient) -> StepReport {
        let mut report =
            StepReport { learning_rate: 0.0, gradient_norm: f64::NAN, clipped: false, applied: false };
        model.change_params(&mut |params| {
            report = match (params, gradient.values()) {
                (ParamsMut::F32(p), Values::F32(g)) => self.step_slices(p, g),
                (ParamsMut::F64(p), Values::F64(g)) => self.step_slices(p, g),
                _ => panic!("a gradient of another precision than the model's"),
            };
            report.applied
        });
        report
    }

    fn step_slices<T: Stored>(&mut self, params: &mut [T], gradient: &[T]) -> StepReport {
        assert!(
            params.len() == gradient.len() && params.len() == self.n_params,
            "an optimiser of another length"
        );
        let clip_norm = self.config.clip_norm;
        let learning_rate = self.config.rate(self.state.steps);
        let gradient_norm = self.parts.norm(gradient);
        if !gradient_norm.is_finite() {
            return StepReport { learning_rate, gradient_norm, clipped: false, applied: false };
        }
        let clipped = clip_norm > 0.0 && gradient_norm > clip_norm;
        self.state.steps += 1;
        for range in &self.parts.trained {
            self.config.rule.step(Step {
                params: &mut params[range.clone()],
                gradient: &gradient[range.clone()],
                moments: &mut self.state.moments,
                range: range.clone(),
                count: self.state.steps as f64,
                learning_rate,
                scale: if clipped { clip_norm / gradient_norm } else { 1.0 },
                weight_decay: self.config.weight_decay,
                decay: self.config.rule.decay(),
            });
        }
        for range in &self.parts.statistics {
            params[range.clone()].iter_mut().zip(&gradient[range.clone()]).for_each(|(p, g)| *p -= *g);
        }
        StepReport { learning_rate, gradient_norm, clipped, applied: true }
    }

    /// The norm of a gradient that clipping and reports go by: without statistics; NaN when one of these is not finite.
    ///
    /// # Panics
    /// When the gradient is shorter than the model's.
    pub fn gradient_norm(&self, gradient: &Gradient) -> f64 {
        match gradient.values() {
            Values::F32(g) => self.parts.norm(g),
            Values::F64(g) => self.parts.norm(g),
        }
    }

    /// Steps made since the start or the last reset.
    pub fn steps(&self) -> u64 {
        self.state.steps
    }

    /// Forgets moments and step count.
    pub fn reset(&mut self) {
        self.state.steps = 0;
        self.state.moments.iter_mut().for_each(|m| *m = m.zeros_like());
    }

    /// The state, for a checkpoint.
    pub fn save_state(&self) -> OptimiserState {
        self.state.clone()
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// When it is of a model of another size or precision, or of another rule; then nothing is changed.
    pub fn load_state(&mut self, state: &OptimiserState) -> Result<(), WeightsError> {
        if self.state.matches(state) {
            self.state.clone_from(state);
            return Ok(());
        }
        let (expected, found) = (self.state.n_numbers(), state.n_numbers());
        Err(WeightsError::Shape { what: "optimiser state".into(), expected, found })
    }
}

#[cfg(test)]
mod tests;
