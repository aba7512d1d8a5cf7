//! How a GAN is trained, as settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GanLoss;
use crate::density::LatentPrior;
use crate::net::{Adam, OptimiserConfig, UpdateRule};
use crate::{ConfigError, range};

/// How a GAN is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GanSettings {
    /// What both networks minimise: `js`, `hinge` or `wgan`, with its settings.
    pub loss: GanLoss,
    /// The law of the latents: `{ kind = "normal" }`, or `uniform` from -1 to 1.
    pub prior: LatentPrior,
    /// Data of a step, and generated points beside them.
    pub batch: usize,
    /// Steps of the discriminator before each of the generator.
    pub discriminator_steps: usize,
    /// Memory of the moving average of the generator's weights, which is then what is kept, e.g. 0.999; 0 for the weights themselves.
    pub average: f64,
    /// Optimiser of the generator.
    #[serde(default = "adam")]
    pub generator_optimiser: OptimiserConfig,
    /// Optimiser of the discriminator.
    #[serde(default = "adam")]
    pub discriminator_optimiser: OptimiserConfig,
}

/// Adam with the short memory that GANs are trained with.
fn adam() -> OptimiserConfig {
    OptimiserConfig {
        rule: UpdateRule::Adam(Adam { beta1: 0.5, beta2: 0.9, ..Adam::default() }),
        learning_rate: 2e-4,
        clip_norm: 0.0,
        ..OptimiserConfig::default()
    }
}

impl Default for GanSettings {
    fn default() -> Self {
        Self {
            loss: GanLoss::default(),
            prior: LatentPrior::default(),
            batch: 64,
            discriminator_steps: 1,
            average: 0.0,
            generator_optimiser: adam(),
            discriminator_optimiser: adam(),
        }
    }
}

impl GanSettings {
    /// Checks every range.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.loss.check().map_err(|e| e.under("loss"))?;
        range::at_least("batch", self.batch, 1)?;
        range::within("discriminator_steps", self.discriminator_steps, 1, 1_000_000)?;
        range::below_one("average", self.average)?;
        self.generator_optimiser.check().map_err(|e| e.under("generator_optimiser"))?;
        self.discriminator_optimiser.check().map_err(|e| e.under("discriminator_optimiser"))
    }

    /// The same with schedules that say no length as long as a training of so many updates.
    pub fn over(&self, updates: u64) -> Self {
        let mut settings = self.clone();
        let (generator, discriminator) =
            (&mut settings.generator_optimiser, &mut settings.discriminator_optimiser);
        generator.schedule = generator.schedule.over(updates);
        let steps = updates.saturating_mul(self.discriminator_steps as u64);
        discriminator.schedule = discriminator.schedule.over(steps);
        settings
    }
}
