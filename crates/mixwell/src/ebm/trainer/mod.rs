//! How an energy is trained: a file of settings a trainer, each of which expands into a [`Recipe`] for the one loop.
//!
//! To add a trainer: its file, a row in the list below, a `mod` and a `pub use`.

mod coopflow;
mod flowmc;
mod jarzynski;
mod nce;
mod nt;
mod score;
mod ula;

pub use coopflow::CoopFlowTrainer;
pub use flowmc::FlowMcTrainer;
pub use jarzynski::JarzynskiTrainer;
pub use nce::NceTrainer;
pub use nt::NtTrainer;
pub use score::{ScoreMethod, ScoreTrainer};
pub use ula::UlaTrainer;

use serde::{Deserialize, Serialize};

use super::recipe::Recipe;
use crate::ConfigError;

/// What every trainer says of itself.
trait Settings {
    /// Refuses settings that cannot be used with batches of this size.
    fn check(&self, batch: usize) -> Result<(), ConfigError>;

    /// What the loop has to do.
    fn recipe(&self) -> Recipe;
}

/// Writes the enum, and every `match` over it, from one list of trainers.
macro_rules! trainers {
    ($($variant:ident($settings:ty) = $kind:literal, $summary:literal;)*) => {
        /// A trainer, chosen by `kind`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        pub enum TrainerConfig {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($settings),)*
        }

        impl TrainerConfig {
            /// Its name in a config file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            fn settings(&self) -> &dyn Settings {
                match self {
                    $(Self::$variant(settings) => settings,)*
                }
            }
        }

        /// All trainers.
        pub fn catalogue() -> Vec<TrainerEntry> {
            vec![$(TrainerEntry {
                name: $kind,
                summary: $summary,
                default: TrainerConfig::$variant(<$settings>::default()),
            },)*]
        }
    };
}

trainers! {
    Ula(UlaTrainer) = "ula", "chains of any kernel from a bank, Langevin unless said otherwise: CD, PCD, short-run";
    FlowMc(FlowMcTrainer) = "flowmc", "chains that also jump by a flow, which learns from them: weights of modes can be believed";
    Nt(NtTrainer) = "nt", "chains in the latent space of a fixed flow, which the energy corrects";
    Nce(NceTrainer) = "nce", "tell data from draws of a flow; no chains";
    Jarzynski(JarzynskiTrainer) = "jarzynski", "walkers with weights that follow the energy: exact weights of modes";
    Score(ScoreTrainer) = "score", "fit the gradient of the log-density; cheap, and blind to weights of modes";
    CoopFlow(CoopFlowTrainer) = "coopflow", "a flow starts short runs without noise and learns from their ends; biased";
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self::FlowMc(FlowMcTrainer::default())
    }
}

impl TrainerConfig {
    /// Refuses settings that cannot be used with batches of this size.
    pub fn check(&self, batch: usize) -> Result<(), ConfigError> {
        self.settings().check(batch)
    }

    pub(super) fn recipe(&self) -> Recipe {
        self.settings().recipe()
    }

    /// Whether a flow must be given.
    pub fn needs_flow(&self) -> bool {
        use super::recipe::FlowRole;
        !matches!(self.recipe().flow, FlowRole::Unused)
    }
}

/// A trainer as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerEntry {
    /// Its name in a config file.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Its settings with every default.
    pub default: TrainerConfig,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trainer_survives_a_config_file() {
        for entry in catalogue() {
            let text = toml::to_string(&entry.default).unwrap();
            assert_eq!(toml::from_str::<TrainerConfig>(&text).unwrap(), entry.default, "{text}");
            let bare: TrainerConfig = toml::from_str(&format!("kind = '{}'", entry.name)).unwrap();
            assert_eq!(bare, entry.default);
            bare.check(256).unwrap();
        }
        assert!(toml::from_str::<TrainerConfig>("kind = 'ula'\nsteep = 3").is_err());
    }

    #[test]
    fn bad_settings_are_named() {
        let error = |text: &str| {
            let trainer: TrainerConfig = toml::from_str(text).unwrap();
            trainer.check(256).unwrap_err().key
        };
        assert_eq!(error("kind = 'ula'\nsteps = 0"), "steps");
        assert_eq!(error("kind = 'ula'\nbank = { restart = 2.0 }"), "bank.restart");
        assert_eq!(error("kind = 'flowmc'\nparticles = 1"), "n_particles");
        assert_eq!(error("kind = 'flowmc'\nnegatives = { kind = 'spaced', states = 7 }"), "negatives.states");
        assert_eq!(error("kind = 'nt'\nchains = 0"), "chains");
        assert_eq!(error("kind = 'nce'\nshare = 1.0"), "share");
        assert_eq!(error("kind = 'jarzynski'\nstep_size = -1.0"), "step_size");
        assert_eq!(error("kind = 'score'\nmethod = { kind = 'denoising', sigma = 0.0 }"), "method.sigma");
        assert_eq!(error("kind = 'coopflow'\nsteps = 0"), "steps");
    }
}
