//! Noise contrastive estimation: tell data from draws of a flow.
//!
//! The classifier's logit is `b + log p~(x) - log q(x)`, so the optimum is the data's law with `log Z = ln(s / (1 - s)) - b` for a share
//! `s` of data. No chains, so nothing can fail to mix; but where flow and data hardly overlap, the task is easy and teaches little.
//! With `oppose` the flow plays against the energy and keeps the task hard (flow contrastive estimation).
//! References: [gutmann2012noise]; [gao2020flow].

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::ebm::recipe::{FlowRole, Objective, Recipe, Source};
use crate::{ConfigError, range};

/// Tell data from draws of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NceTrainer {
    /// Share of data in the loss.
    pub share: f64,
    /// Whether the flow is trained against the energy.
    pub oppose: bool,
}

impl Default for NceTrainer {
    fn default() -> Self {
        Self { share: 0.5, oppose: false }
    }
}

impl Settings for NceTrainer {
    fn check(&self, _: usize) -> Result<(), ConfigError> {
        range::open_share("share", self.share)
    }

    fn recipe(&self) -> Recipe {
        Recipe {
            source: Source::Noise,
            objective: Objective::NoiseContrast { share: self.share },
            flow: if self.oppose { FlowRole::Opposes } else { FlowRole::Fixed },
        }
    }
}
