//! The optimiser of any model: Adam or AdamW on its flat parameter vector.

use serde::{Deserialize, Serialize};

use super::adam::{Adam, AdamState, OptimiserConfig, StepReport};
use super::gradient::Gradient;
use super::model::Model;
use super::values::{ParamsMut, Values};
use super::weights::WeightsError;
use crate::ConfigError;

/// State of an [`Optimiser`], for a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimiserState(AdamState);

/// Adam or AdamW on the parameters of a model.
#[derive(Clone, Debug)]
pub struct Optimiser {
    adam: Adam,
}

impl Optimiser {
    /// An optimiser for this model (and others of the same shape).
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(config: &OptimiserConfig, model: &dyn Model) -> Result<Self, ConfigError> {
        Ok(Self { adam: Adam::new(config, model.zero_gradient().values())? })
    }

    /// Moves the model's parameters against the gradient. A gradient that is not finite changes nothing.
    ///
    /// # Panics
    /// When model or gradient have another size or precision than the optimiser was made for.
    pub fn step(&mut self, model: &mut dyn Model, gradient: &Gradient) -> StepReport {
        let mut report =
            StepReport { learning_rate: 0.0, gradient_norm: f64::NAN, clipped: false, applied: false };
        model.change_params(&mut |params| {
            report = match (params, gradient.values()) {
                (ParamsMut::F32(p), Values::F32(g)) => self.adam.step(p, g),
                (ParamsMut::F64(p), Values::F64(g)) => self.adam.step(p, g),
                _ => panic!("a gradient of another precision than the model's"),
            };
            report.applied
        });
        report
    }

    /// Steps made since the start or the last reset.
    pub fn steps(&self) -> u64 {
        self.adam.state().steps
    }

    /// Forgets moments and step count.
    pub fn reset(&mut self) {
        self.adam.reset();
    }

    /// The state, for a checkpoint.
    pub fn save_state(&self) -> OptimiserState {
        OptimiserState(self.adam.state().clone())
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// When it is of a model of another size or precision; then nothing is changed.
    pub fn load_state(&mut self, state: &OptimiserState) -> Result<(), WeightsError> {
        let found = state.0.mean.len();
        let expected = self.adam.state().mean.len();
        if self.adam.set_state(&state.0) {
            Ok(())
        } else {
            Err(WeightsError::Shape { what: "optimiser state".into(), expected, found })
        }
    }
}
