//! The method chosen by a look at the target; `choose/` looks and decides, before anything else is made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::KernelMethod;
use super::expand::Expand;
use crate::ConfigError;
use crate::kernel::KernelConfig;
use crate::range::{open_share, within};
use crate::sampler::schedule::Schedule;

/// Settings of the choice.
///
/// Some chains of NUTS start where those of the run will, some further out, and look at the target. What they see decides: one mode that they take
/// well is left to NUTS; several modes, or a shape that NUTS cannot take, to a flow with local steps. The choice is written as an ordinary config with
/// its reasons (`chosen`), which gives the same draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auto {
    /// Most that the look may cost, as a share of the gradients that 1000 steps of warm-up and the draws would take by NUTS with
    /// trajectories of 1024 steps. What it takes where NUTS is right is less: 400 steps of up to 18 chains.
    pub share: f64,
    /// How much further out the second group of chains starts, in units of the starts' spread; 1 for no second group.
    pub wide: f64,
}

impl Default for Auto {
    fn default() -> Self {
        Self { share: 0.2, wide: 5.0 }
    }
}

/// A session puts its choice in the place of this; the kernel is that of the chains that look.
impl Expand for Auto {
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        Vec::new()
    }

    fn kernels(&self) -> Vec<(String, KernelConfig)> {
        KernelMethod::default().kernels()
    }

    fn schedule(&self) -> Schedule {
        KernelMethod::default().schedule()
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    fn check(&self) -> Result<(), ConfigError> {
        open_share("share", self.share)?;
        within("wide", self.wide, 1.0, 1e6)
    }
}
