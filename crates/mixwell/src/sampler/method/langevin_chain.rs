//! DDLS and REP-GAN: Langevin chains of fixed step among the latents of a GAN, without and with rejection.
//!
//! `z' = z + tau/2 grad log pi(z) + sqrt(tau) xi`. Both begin at draws of the prior (`start = { kind = "base" }`), and their papers keep the last
//! state of every chain. Nothing adapts, so there is no warm-up: the first draw is `chain_length` steps from the start.
//! References: Che et al., Your GAN is secretly an energy-based model, NeurIPS 2020 (DDLS); Wang et al., Reparameterized sampling
//! for generative adversarial networks, ECML 2021 (REP-GAN), eq. 9.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::Expand;
use crate::kernel::{KernelConfig, MalaConfig, RepeatConfig, StepRule, StepSize, UlaConfig};
use crate::sampler::schedule::{Move, Schedule};

/// Which states of a chain are draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// One in `chain_length` steps: with `draws = 1`, the last state of every chain.
    #[default]
    Last,
    /// The state after every step.
    All,
}

/// Writes the settings of one of the two methods.
macro_rules! langevin_chain {
    ($(#[$doc:meta])* $name:ident, $length:literal, |$step:ident| $kernel:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Step: `{ tau = .. }` is the variance of the noise, as the papers write it; a plain number is half of it.
            pub step_size: StepSize,
            /// Steps of a chain.
            pub chain_length: usize,
            /// Which states are draws: `last` or `all`.
            pub keep: Keep,
        }

        impl Default for $name {
            fn default() -> Self {
                Self { step_size: StepSize::from_tau(0.01), chain_length: $length, keep: Keep::Last }
            }
        }

        impl $name {
            fn step(&self) -> KernelConfig {
                let $step = self.step_size;
                $kernel
            }
        }

        impl Expand for $name {
            fn parts(&self) -> Vec<(String, KernelConfig)> {
                self.kernels()
            }

            fn kernels(&self) -> Vec<(String, KernelConfig)> {
                let kernel = match self.keep {
                    Keep::All => self.step(),
                    Keep::Last => {
                        KernelConfig::Repeat(RepeatConfig { n_steps: self.chain_length, kernel: Box::new(self.step()) })
                    }
                };
                vec![("chain".into(), kernel)]
            }

            fn counts(&self) -> Vec<(&'static str, usize)> {
                vec![("chain_length", self.chain_length)]
            }

            fn schedule(&self) -> Schedule {
                Schedule { warmup: vec![], frozen: 0, production: vec![Move::new("chain", 1)] }
            }
        }
    };
}

langevin_chain!(
    /// Settings of DDLS: Langevin steps that are never refused.
    Ddls, 1000, |step_size| KernelConfig::Ula(UlaConfig { step_size, ..UlaConfig::default() })
);
langevin_chain!(
    /// Settings of REP-GAN: Langevin steps with rejection.
    RepGan, 640, |step_size| KernelConfig::Mala(MalaConfig { step_size, adapt: StepRule::Fixed, ..MalaConfig::default() })
);
