//! The gradient of a loss in a flow's parameters, and the optimiser that follows it.

use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::state::FlowError;
use crate::ConfigError;
use crate::net::{Adam, AdamState, OptimiserConfig, StepReport, Values};

/// A flat gradient, in the flow's precision. Losses add to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    pub(super) values: Values,
}

impl Gradient {
    /// Sets it to zero.
    pub fn clear(&mut self) {
        match &mut self.values {
            Values::F32(v) => v.fill(0.0),
            Values::F64(v) => v.fill(0.0),
        }
    }

    /// Adds another.
    ///
    /// # Panics
    /// When the other belongs to a flow of another size or precision.
    pub fn add(&mut self, other: &Gradient) {
        assert!(self.values.matches(&other.values), "gradients of different flows");
        match (&mut self.values, &other.values) {
            (Values::F32(a), Values::F32(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
            (Values::F64(a), Values::F64(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
            _ => unreachable!("same precision, just checked"),
        }
    }

    /// Multiplies it.
    pub fn scale(&mut self, factor: f64) {
        match &mut self.values {
            Values::F32(v) => v.iter_mut().for_each(|a| *a *= factor as f32),
            Values::F64(v) => v.iter_mut().for_each(|a| *a *= factor),
        }
    }

    /// Euclidean norm.
    pub fn norm(&self) -> f64 {
        match &self.values {
            Values::F32(v) => crate::net::norm(v),
            Values::F64(v) => crate::net::norm(v),
        }
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.values.is_finite()
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The derivative in parameter `i`.
    pub fn get(&self, i: usize) -> f64 {
        self.values.get(i)
    }
}

/// State of an [`Optimiser`], for a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimiserState(AdamState);

/// Adam or AdamW on the parameters of a flow.
#[derive(Clone, Debug)]
pub struct Optimiser {
    adam: Adam,
}

impl Optimiser {
    /// An optimiser for this flow (and others of the same shape).
    pub fn new(config: &OptimiserConfig, flow: &Flow) -> Result<Self, ConfigError> {
        Ok(Self { adam: Adam::new(config, &flow.zero_gradient().values)? })
    }

    /// Moves the flow's parameters against the gradient and gives the flow a new version. A gradient that is not finite
    /// changes nothing.
    ///
    /// # Panics
    /// When flow or gradient have another size or precision than the optimiser was made for.
    pub fn step(&mut self, flow: &mut Flow, gradient: &Gradient) -> StepReport {
        let report = flow.update(&mut self.adam, gradient);
        if report.applied {
            flow.changed();
        }
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
    pub fn load_state(&mut self, state: &OptimiserState) -> Result<(), FlowError> {
        let found = state.0.mean.len();
        let expected = self.adam.state().mean.len();
        if self.adam.set_state(&state.0) {
            Ok(())
        } else {
            Err(FlowError::Shape { what: "optimiser state".into(), expected, found })
        }
    }
}
