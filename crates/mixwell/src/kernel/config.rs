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
use super::independent_mh::IndependentMhConfig;
use super::isir::IsirConfig;
use super::mala::MalaConfig;
use super::neutra::NeutraConfig;
use super::nuts::NutsConfig;
use super::random_walk::RandomWalkConfig;
use super::tempering::ParallelTemperingConfig;
use super::ula::UlaConfig;
use super::{Kernel, Law, StepSize};
use crate::ConfigError;

/// Any kernel, as settings.
///
/// ```
/// use mixwell::kernel::{KernelConfig, ex2, isir, mala};
/// let kernel = ex2(isir(64), mala().repeat(5));
/// assert_eq!(kernel, KernelConfig::Sequence(Default::default()));
/// assert!(kernel.build(2)?.needs().gradient);
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KernelConfig {
    /// Random-walk Metropolis: Gaussian steps, no gradient needed.
    RandomWalk(RandomWalkConfig),
    /// Unadjusted Langevin: no correction, so draws are biased by the step size.
    Ula(UlaConfig),
    /// Langevin proposals with Metropolis correction.
    Mala(MalaConfig),
    /// Hamiltonian trajectories of a fixed number of leapfrog steps.
    Hmc(HmcConfig),
    /// Hamiltonian trajectories that stop before they turn back.
    Nuts(NutsConfig),
    /// Slices on ellipses around a Gaussian: nothing to tune.
    EllipticalSlice(EllipticalSliceConfig),
    /// Global moves: accept or reject one draw of the proposal.
    IndependentMh(IndependentMhConfig),
    /// Global moves: choose among many draws of the proposal and the current point.
    Isir(IsirConfig),
    /// Another kernel in the latent space of the flow.
    Neutra(NeutraConfig),
    /// Replicas at higher temperatures, moved by another kernel, that exchange their points with the chain.
    ParallelTempering(ParallelTemperingConfig),
    /// Kernels one after the other; all of them make one step.
    Sequence(SequenceConfig),
    /// A kernel several times per step.
    Repeat(RepeatConfig),
    /// One of several kernels at random, chain by chain.
    Mixture(MixtureConfig),
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
        match self {
            Self::RandomWalk(c) => c.check(),
            Self::Ula(c) => c.check(),
            Self::Mala(c) => c.check(),
            Self::Hmc(c) => c.check(),
            Self::Nuts(c) => c.check(),
            Self::EllipticalSlice(c) => c.check(),
            Self::IndependentMh(c) => c.check(),
            Self::Isir(c) => c.check(),
            Self::Neutra(c) => c.check(),
            Self::ParallelTempering(c) => c.check(),
            Self::Sequence(c) => c.check(),
            Self::Repeat(c) => c.check(),
            Self::Mixture(c) => c.check(),
        }
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(match self {
            Self::RandomWalk(c) => Box::new(c.build(dim)?),
            Self::Ula(c) => Box::new(c.build()?),
            Self::Mala(c) => Box::new(c.build(dim)?),
            Self::Hmc(c) => Box::new(c.build(dim)?),
            Self::Nuts(c) => Box::new(c.build(dim)?),
            Self::EllipticalSlice(c) => Box::new(c.build(dim)?),
            Self::IndependentMh(c) => Box::new(c.build(dim)?),
            Self::Isir(c) => Box::new(c.build(dim)?),
            Self::Neutra(c) => Box::new(c.build(dim)?),
            Self::ParallelTempering(c) => Box::new(c.build(dim)?),
            Self::Sequence(c) => Box::new(c.build(dim)?),
            Self::Repeat(c) => Box::new(c.build(dim)?),
            Self::Mixture(c) => Box::new(c.build(dim)?),
        })
    }

    /// What it promises about the target's law, with frozen parameters: the law of the kernel that it builds.
    pub fn law(&self) -> Law {
        match self {
            Self::RandomWalk(_) => RandomWalkConfig::LAW,
            Self::Ula(_) => UlaConfig::LAW,
            Self::Mala(_) => MalaConfig::LAW,
            Self::Hmc(_) => HmcConfig::LAW,
            Self::Nuts(_) => NutsConfig::LAW,
            Self::EllipticalSlice(_) => EllipticalSliceConfig::LAW,
            Self::IndependentMh(_) => IndependentMhConfig::LAW,
            Self::Isir(_) => IsirConfig::LAW,
            Self::Neutra(c) => c.kernel.law(),
            Self::ParallelTempering(c) => super::tempering::law(c.kernel.law()),
            Self::Sequence(c) => Law::in_turn(c.parts.iter().map(Self::law)),
            Self::Repeat(c) => c.kernel.law(),
            Self::Mixture(c) => Law::at_random(c.parts.iter().map(Self::law)),
        }
    }

    /// Its name in a config file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RandomWalk(_) => "random_walk",
            Self::Ula(_) => "ula",
            Self::Mala(_) => "mala",
            Self::Hmc(_) => "hmc",
            Self::Nuts(_) => "nuts",
            Self::EllipticalSlice(_) => "elliptical_slice",
            Self::IndependentMh(_) => "independent_mh",
            Self::Isir(_) => "isir",
            Self::Neutra(_) => "neutra",
            Self::ParallelTempering(_) => "parallel_tempering",
            Self::Sequence(_) => "sequence",
            Self::Repeat(_) => "repeat",
            Self::Mixture(_) => "mixture",
        }
    }

    /// The same kernel `n_steps` times per step.
    pub fn repeat(self, n_steps: usize) -> Self {
        Self::Repeat(RepeatConfig { n_steps, kernel: Box::new(self) })
    }

    /// The same kernel with this Langevin step (MALA, ULA) or, for the others with a step size, with its `dt`.
    pub fn step_size(mut self, step: StepSize) -> Self {
        let length = (2.0 * step.eta()).sqrt();
        match &mut self {
            Self::Mala(c) => c.step_size = step,
            Self::Ula(c) => c.step_size = step,
            Self::Hmc(c) => c.step_size = length,
            Self::Nuts(c) => c.step_size = length,
            Self::RandomWalk(c) => c.step_size = length,
            Self::Repeat(c) => *c.kernel = c.kernel.as_ref().clone().step_size(step),
            Self::Neutra(c) => *c.kernel = c.kernel.as_ref().clone().step_size(step),
            Self::ParallelTempering(c) => *c.kernel = c.kernel.as_ref().clone().step_size(step),
            _ => {}
        }
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

/// All kernels.
pub fn catalogue() -> Vec<CatalogueEntry> {
    let entry = |default: KernelConfig, summary| CatalogueEntry {
        name: default.kind(),
        summary,
        exact: default.law().exact,
        default,
    };
    vec![
        entry(random_walk(), "random-walk Metropolis: no gradient needed"),
        entry(ula(), "unadjusted Langevin: biased by its step size"),
        entry(mala(), "Langevin proposals with Metropolis correction"),
        entry(hmc(10), "Hamiltonian trajectories of fixed length"),
        entry(nuts(), "Hamiltonian trajectories that stop before they turn back"),
        entry(
            KernelConfig::EllipticalSlice(EllipticalSliceConfig::default()),
            "slices on ellipses around a Gaussian: nothing to tune",
        ),
        entry(independent_mh(), "global moves: accept or reject one draw of the flow"),
        entry(isir(64), "global moves: choose among many draws of the flow and the current point"),
        entry(KernelConfig::Neutra(NeutraConfig::default()), "another kernel in the flow's latent space"),
        entry(
            parallel_tempering(mala()),
            "replicas at higher temperatures that exchange points with the chain",
        ),
        entry(KernelConfig::default(), "kernels one after the other (default: Ex2MCMC)"),
        entry(mala().repeat(5), "a kernel several times per step"),
        entry(
            KernelConfig::Mixture(MixtureConfig::default()),
            "one of several kernels at random, chain by chain",
        ),
    ]
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
            assert_eq!(entry.exact, entry.name != "ula");
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
