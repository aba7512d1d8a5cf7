//! A model with what trains it: descent and gradient.

use serde::{Deserialize, Serialize};

use super::{Descent, Guard, GuardCounts, LossValue};
use crate::ConfigError;
use crate::net::{Gradient, Model, Optimiser, OptimiserConfig, OptimiserState, WeightsError};

/// Trains one model.
#[derive(Debug)]
pub(crate) struct Learner {
    config: OptimiserConfig,
    /// The learning rate of the settings.
    learning_rate: f64,
    descent: Descent,
    gradient: Gradient,
}

/// Its state in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LearnerState {
    optimiser: OptimiserState,
    guard: Guard,
}

/// What a step did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub loss: f64,
    pub gradient_norm: f64,
    /// False when loss or gradient could not be used: nothing was changed.
    pub made: bool,
}

impl Learner {
    pub fn new(config: &OptimiserConfig, model: &dyn Model) -> Result<Self, ConfigError> {
        Ok(Self {
            config: config.clone(),
            learning_rate: config.learning_rate,
            descent: Descent { optimiser: Optimiser::new(config, model)?, guard: Guard::new(f64::INFINITY) },
            gradient: model.zero_gradient(),
        })
    }

    pub fn step<M: Model>(
        &mut self,
        model: &mut M,
        loss: impl FnOnce(&M, &mut Gradient) -> LossValue,
    ) -> Taken {
        let (loss, made) = self.descent.step(model, &mut self.gradient, loss);
        Taken { loss, gradient_norm: self.gradient.norm(), made }
    }

    /// The learning rate of the next step.
    pub fn rate(&self) -> f64 {
        self.config.rate(self.descent.optimiser.steps())
    }

    /// Multiplies the learning rate of the settings from here on.
    pub fn slow_down<E>(&mut self, factor: f64, model: &dyn Model) -> Result<(), E>
    where
        E: From<ConfigError> + From<WeightsError>,
    {
        self.config.learning_rate = self.learning_rate * factor;
        let mut optimiser = Optimiser::new(&self.config, model)?;
        optimiser.load_state(&self.descent.optimiser.save_state())?;
        self.descent.optimiser = optimiser;
        Ok(())
    }

    /// What its guard counted.
    pub fn counts(&self) -> GuardCounts {
        self.descent.guard.counts
    }

    pub fn save(&self) -> LearnerState {
        LearnerState { optimiser: self.descent.optimiser.save_state(), guard: self.descent.guard.clone() }
    }

    pub fn load(&mut self, state: &LearnerState) -> Result<(), WeightsError> {
        self.descent.optimiser.load_state(&state.optimiser)?;
        self.descent.guard = state.guard.clone();
        Ok(())
    }
}
