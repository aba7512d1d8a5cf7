//! A flow is fitted to the data before an energy is trained with it: forward Kullback-Leibler divergence on minibatches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batches::Batches;
use super::learner::Learner;
use super::{TrainingData, TrainingError};
use crate::flow::Flow;
use crate::net::{Gradient, OptimiserConfig};
use crate::{ConfigError, Stream, range};

/// How a flow is fitted to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PretrainingSettings {
    /// Steps; 0 for the whitening alone.
    pub steps: u64,
    /// Data of a step, or all of them where there are fewer.
    pub batch: usize,
    /// The optimiser.
    pub optimiser: OptimiserConfig,
}

impl Default for PretrainingSettings {
    fn default() -> Self {
        let optimiser = OptimiserConfig { learning_rate: 1e-2, ..OptimiserConfig::default() };
        Self { steps: 1024, batch: 256, optimiser }
    }
}

impl PretrainingSettings {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::at_least("batch", self.batch, 1)?;
        self.optimiser().check().map_err(|e| e.under("optimiser"))
    }

    /// The optimiser, whose schedule is as long as the fit where it has no length.
    fn optimiser(&self) -> OptimiserConfig {
        OptimiserConfig {
            schedule: self.optimiser.schedule.over(self.steps.max(1)),
            ..self.optimiser.clone()
        }
    }

    /// Whitens the flow by the data and fits it to them; returns the loss of the last step.
    ///
    /// # Errors
    /// When a setting cannot be used, or the flow learns by other means than its density.
    pub fn fit(
        &self,
        flow: &mut Flow,
        data: &TrainingData,
        stream: Stream,
    ) -> Result<Option<f64>, TrainingError> {
        self.check()?;
        flow.set_whitening_from(data.points(), None);
        if self.steps > 0 && flow.config().learns_by_matching() {
            let reason = "a flow for an energy must learn by its density, e.g. `realnvp`";
            return Err(ConfigError::new("flow.kind", flow.config().name(), reason).into());
        }
        if flow.n_params() == 0 {
            return Ok(None);
        }
        let mut batches = Batches::new(data, self.batch.min(data.rows()), 0.0, stream)?;
        let mut learner = Learner::new(&self.optimiser(), flow)?;
        let mut last = None;
        for _ in 0..self.steps {
            batches.next(data);
            let x = batches.points();
            let equal = vec![1.0 / x.rows() as f64; x.rows()];
            let step = |flow: &Flow, gradient: &mut Gradient| flow.forward_kl(x, &equal, gradient).into();
            last = Some(learner.step(flow, step).loss);
        }
        Ok(last)
    }
}
