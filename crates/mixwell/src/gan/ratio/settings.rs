//! How a density ratio is trained, as settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::net::OptimiserConfig;
use crate::{ConfigError, range};

/// How a density ratio is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RatioSettings {
    /// Data of a step, and generated points beside them.
    pub batch: usize,
    /// Factor of `(mean e^r - 1)^2` over the generated points of a step; 0 for none.
    pub penalty: f64,
    /// Share of the data that is held out, with as many generated points.
    pub validation: f64,
    /// Updates between looks at what is held out.
    pub look_every: u64,
    /// Stop after so many looks without a lower loss; 0 never stops early.
    pub patience: usize,
    /// The optimiser. A schedule of `total = 0` steps is as long as the training.
    pub optimiser: OptimiserConfig,
}

impl Default for RatioSettings {
    fn default() -> Self {
        Self {
            batch: 128,
            penalty: 0.0,
            validation: 0.1,
            look_every: 100,
            patience: 20,
            optimiser: OptimiserConfig::default(),
        }
    }
}

impl RatioSettings {
    /// Checks every range.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::at_least("batch", self.batch, 1)?;
        range::not_negative("penalty", self.penalty)?;
        range::open_share("validation", self.validation)?;
        range::at_least("look_every", self.look_every, 1)?;
        self.optimiser.check().map_err(|e| e.under("optimiser"))
    }

    /// The same with a schedule that says no length as long as a training of so many updates.
    pub fn over(&self, updates: u64) -> Self {
        let mut settings = self.clone();
        settings.optimiser.schedule = settings.optimiser.schedule.over(updates);
        settings
    }
}
