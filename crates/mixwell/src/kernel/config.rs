//! Every kernel as a value that can be written in a config file, and short names to build such values in code.
//!
//! ```toml
//! [kernel]
//! kind = "sequence"
//! parts = [
//!     { kind = "isir", n_particles = 64 },
//!     { kind = "repeat", n_steps = 5, kernel = { kind = "mala", step_size = { dt = 0.1 } } },
//! ]
//! ```

use serde::{Deserialize, Serialize};

use super::compose::{MixtureConfig, RepeatConfig, SequenceConfig};
use super::elliptical_slice::EllipticalSliceConfig;
use super::hmc::HmcConfig;
use super::independent_chain::IndependentChainConfig;
use super::independent_mh::IndependentMhConfig;
use super::isir::IsirConfig;
use super::mala::MalaConfig;
use super::neutra::NeutraConfig;
use super::nuts::NutsConfig;
use super::random_walk::RandomWalkConfig;
use super::rejection::RejectionConfig;
use super::settings::Settings;
use super::symmetry::SymmetryMovesConfig;
use super::tempering::ParallelTemperingConfig;
use super::ula::UlaConfig;
use super::{Kernel, Law, StepSize};
use crate::ConfigError;

/// Writes the enum, and every `match` over it, from one list of kernels.
///
/// A row is: variant, settings, the `kind` in config files, and one line for the catalogue and for written configs.
macro_rules! kernels {
    ($($variant:ident($settings:ty) = $kind:literal, $summary:literal;)*) => {
        /// Any kernel, as settings.
        ///
        /// ```
        /// use mixwell::kernel::{Kernel, KernelConfig, ex2, isir, mala};
        /// let kernel = ex2(isir(64), mala().repeat(5));
        /// assert_eq!(kernel, KernelConfig::Sequence(Default::default()));
        /// assert!(kernel.build(2)?.needs().gradient);
        /// # Ok::<(), mixwell::ConfigError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        pub enum KernelConfig {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($settings),)*
        }

        impl KernelConfig {
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

            fn settings_mut(&mut self) -> &mut dyn Settings {
                match self {
                    $(Self::$variant(settings) => settings,)*
                }
            }
        }

        /// All kernels.
        pub fn catalogue() -> Vec<CatalogueEntry> {
            vec![$(CatalogueEntry::of(KernelConfig::$variant(<$settings>::default()), $summary),)*]
        }
    };
}

kernels! {
    RandomWalk(RandomWalkConfig) = "random_walk", "random-walk Metropolis: no gradient needed";
    Ula(UlaConfig) = "ula", "unadjusted Langevin: biased by its step size";
    Mala(MalaConfig) = "mala", "Langevin proposals with Metropolis correction";
    Hmc(HmcConfig) = "hmc", "Hamiltonian trajectories of fixed length";
    Nuts(NutsConfig) = "nuts", "Hamiltonian trajectories that stop before they turn back";
    EllipticalSlice(EllipticalSliceConfig) = "elliptical_slice", "slices on ellipses around a Gaussian: nothing to tune";
    IndependentMh(IndependentMhConfig) = "independent_mh", "global moves: accept or reject one draw of the flow";
    Isir(IsirConfig) = "isir", "global moves: choose among many draws of the flow and the current point";
    IndependentChain(IndependentChainConfig) = "independent_chain", "a fresh chain of independent proposals per draw (MH-GAN): biased by its length";
    Rejection(RejectionConfig) = "rejection", "rejection sampling with a learned bound (DRS): biased where the bound is too small";
    Neutra(NeutraConfig) = "neutra", "another kernel in the flow's latent space";
    ParallelTempering(ParallelTemperingConfig) = "parallel_tempering",
        "replicas at higher temperatures that exchange points with the chain";
    Symmetry(SymmetryMovesConfig) = "symmetry", "images under the symmetries that the target states: exact and free";
    Sequence(SequenceConfig) = "sequence", "kernels one after the other (default: Ex2MCMC)";
    Repeat(RepeatConfig) = "repeat", "a kernel several times per step";
    Mixture(MixtureConfig) = "mixture", "one of several kernels at random, chain by chain";
}

impl Default for KernelConfig {
    /// Ex2MCMC: i-SIR with the flow, then five MALA steps.
    fn default() -> Self {
        Self::Sequence(SequenceConfig::default())
    }
}

impl KernelConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.settings().check()
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        self.settings().kernel(dim)
    }

    /// What it promises about the target's law, with frozen parameters: the law of the kernel that it builds.
    pub fn law(&self) -> Law {
        self.settings().law()
    }

    /// Evaluations of the target in one step of one chain.
    pub(crate) fn evaluations(&self) -> f64 {
        self.settings().evaluations()
    }

    /// Bytes that its adaptation holds, and more for a moment.
    pub(crate) fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        self.settings().adaptation_bytes(chains, dim)
    }

    pub(super) fn set_step_size(&mut self, step: StepSize) {
        self.settings_mut().set_step_size(step);
    }

    /// The same kernel `n_steps` times per step.
    pub fn repeat(self, n_steps: usize) -> Self {
        Self::Repeat(RepeatConfig { n_steps, kernel: Box::new(self) })
    }

    /// The same kernel with this Langevin step (MALA, ULA) or, for the others with a step size, with its `dt`.
    pub fn step_size(mut self, step: StepSize) -> Self {
        self.set_step_size(step);
        self
    }
}

/// Random-walk Metropolis with default settings.
pub fn random_walk() -> KernelConfig {
    KernelConfig::RandomWalk(RandomWalkConfig::default())
}

/// Unadjusted Langevin with default settings; biased.
pub fn ula() -> KernelConfig {
    KernelConfig::Ula(UlaConfig::default())
}

/// MALA with default settings.
pub fn mala() -> KernelConfig {
    KernelConfig::Mala(MalaConfig::default())
}

/// HMC with `n_leapfrog` steps per trajectory.
pub fn hmc(n_leapfrog: usize) -> KernelConfig {
    KernelConfig::Hmc(HmcConfig { n_leapfrog, ..HmcConfig::default() })
}

/// NUTS with default settings.
pub fn nuts() -> KernelConfig {
    KernelConfig::Nuts(NutsConfig::default())
}

/// Independent Metropolis-Hastings with the flow.
pub fn independent_mh() -> KernelConfig {
    KernelConfig::IndependentMh(IndependentMhConfig::default())
}

/// i-SIR with the flow and this many particles, the current point included.
pub fn isir(n_particles: usize) -> KernelConfig {
    KernelConfig::Isir(IsirConfig { n_particles, ..IsirConfig::default() })
}

/// `inner` in the latent space of the flow.
pub fn neutra(inner: KernelConfig) -> KernelConfig {
    KernelConfig::Neutra(NeutraConfig { kernel: Box::new(inner), ..NeutraConfig::default() })
}

/// `inner` at the default temperatures, with swaps.
pub fn parallel_tempering(inner: KernelConfig) -> KernelConfig {
    KernelConfig::ParallelTempering(ParallelTemperingConfig {
        kernel: Box::new(inner),
        ..ParallelTemperingConfig::default()
    })
}

/// Moves by the symmetries that the target states.
pub fn symmetry() -> KernelConfig {
    KernelConfig::Symmetry(SymmetryMovesConfig {})
}

/// Kernels one after the other.
pub fn sequence(parts: impl IntoIterator<Item = KernelConfig>) -> KernelConfig {
    KernelConfig::Sequence(SequenceConfig { parts: parts.into_iter().collect() })
}

/// One of several kernels at random, each with its weight.
pub fn mixture(parts: impl IntoIterator<Item = (f64, KernelConfig)>) -> KernelConfig {
    let (weights, parts) = parts.into_iter().unzip();
    KernelConfig::Mixture(MixtureConfig { parts, weights })
}

/// Ex2MCMC: a global move, then local ones.
pub fn ex2(global: KernelConfig, local: KernelConfig) -> KernelConfig {
    sequence([global, local])
}

/// A kernel as `mixwell list kernels` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogueEntry {
    /// Its name in a config file.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Its settings with every default.
    pub default: KernelConfig,
    /// Whether it keeps the target's law; if not, its draws are biased.
    pub exact: bool,
}

impl CatalogueEntry {
    fn of(default: KernelConfig, summary: &'static str) -> Self {
        Self { name: default.kind(), summary, exact: default.law().exact, default }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_survives_a_config_file() {
        for entry in catalogue() {
            let text = toml::to_string(&entry.default).unwrap();
            let read: KernelConfig = toml::from_str(&text).unwrap();
            assert_eq!(read, entry.default, "{text}");
            let bare: KernelConfig = toml::from_str(&format!("kind = '{}'", entry.name)).unwrap();
            assert_eq!(bare, entry.default, "defaults of {}", entry.name);
            assert_eq!(entry.default.build(3).unwrap().law(), entry.default.law(), "{}", entry.name);
            assert_eq!(entry.exact, !["ula", "rejection", "independent_chain"].contains(&entry.name));
        }
    }

    #[test]
    fn combinators_say_what_their_parts_promise() {
        let tempered = parallel_tempering(random_walk());
        for (config, exact, reversible, keeps_replicas) in [
            (mala().repeat(3), true, true, false),
            (isir(4).repeat(2), true, true, false),
            (sequence([mala()]), true, true, false),
            (sequence([isir(4), mala()]), true, false, false),
            (sequence([isir(4), mala()]).repeat(2), true, false, false),
            (mixture([(1.0, nuts()), (1.0, hmc(3))]), true, true, false),
            (mixture([(1.0, nuts()), (1.0, ex2(isir(4), mala()))]), true, false, false),
            (neutra(hmc(3)), true, true, false),
            (neutra(ula().repeat(2)), false, false, false),
            (sequence([ula(), tempered.clone()]), false, false, true),
            (tempered.clone(), true, false, true),
            (tempered.clone().repeat(2), true, false, true),
            (mixture([(1.0, mala()), (1.0, tempered)]), true, false, true),
            (parallel_tempering(ula()), false, false, true),
        ] {
            let law = Law { exact, reversible, keeps_replicas };
            assert_eq!(config.law(), law, "{config:?}");
            assert_eq!(config.build(2).unwrap().law(), law, "{config:?}");
        }
    }

    #[test]
    fn unknown_keys_and_bad_values_name_their_place() {
        let unknown = toml::from_str::<KernelConfig>("kind = 'mala'\nstep = 1.0").unwrap_err().to_string();
        assert!(unknown.contains("step"), "{unknown}");
        assert!(toml::from_str::<KernelConfig>("kind = 'malla'").is_err());
        let bad = ex2(isir(64), mala().step_size(StepSize::from_eta(-1.0)).repeat(2));
        assert_eq!(bad.check().unwrap_err().key, "parts[1].kernel.step_size");
        let bad = mixture([(0.0, mala())]);
        assert_eq!(bad.check().unwrap_err().key, "weights");
    }
}
