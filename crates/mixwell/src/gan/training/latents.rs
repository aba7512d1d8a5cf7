//! The law of the latents that a generator is given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Stream;

/// The law of every latent coordinate, independent of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum GanPrior {
    /// Standard normal.
    #[default]
    Normal,
    /// Uniform from -1 to 1.
    Uniform {},
}

impl GanPrior {
    /// Fills `latents` with draws.
    pub fn fill(self, stream: &mut Stream, latents: &mut [f64]) {
        match self {
            Self::Normal => stream.fill_normal(latents),
            Self::Uniform {} => latents.iter_mut().for_each(|z| *z = 2.0 * stream.uniform() - 1.0),
        }
    }
}
