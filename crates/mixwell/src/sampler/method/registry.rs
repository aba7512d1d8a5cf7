//! Any named method as a config table: `kind` names it, the other keys are its settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::Expand;
use super::{
    Auto, Ddls, DiscriminatorRejection, Ex2, Flex2, FlowMc, KernelMethod, MhGan, NeutraMethod, RepGan,
    ScheduleMethod, ScoreClimbing,
};
use crate::ConfigError;
use crate::kernel::{self, KernelConfig};
use crate::sampler::plan::Plan;

/// Writes the enum, and every `match` over it, from one list of methods.
///
/// A row is: variant, settings, the `kind` in config files, and a line for the catalogue and for written configs.
macro_rules! methods {
    ($($variant:ident($settings:ty) = $kind:literal, $summary:literal;)*) => {
        /// How chains move.
        ///
        /// Settings of a method, and those of a single kernel, turn into one by `into()`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        #[non_exhaustive]
        pub enum Method {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($settings),)*
        }

        impl Method {
            /// The name in config files.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            /// One line on what it does.
            pub fn summary(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $summary.trim_end_matches('.'),)*
                }
            }

            fn settings(&self) -> &dyn Expand {
                match self {
                    $(Self::$variant(settings) => settings,)*
                }
            }
        }

        $(
            impl From<$settings> for Method {
                fn from(settings: $settings) -> Self {
                    Self::$variant(settings)
                }
            }
        )*

        /// Every named method with its defaults.
        pub fn catalogue() -> Vec<MethodEntry> {
            vec![$(MethodEntry::of(Method::$variant(<$settings>::default())),)*]
        }
    };
}

methods! {
    Auto(Auto) = "auto",
        "Looks at the target first and chooses: NUTS alone, or a flow with local steps.";
    Ex2(Ex2) = "ex2",
        "i-SIR followed by local steps; the proposal does not learn shapes, only mean and covariance.";
    Flex2(Flex2) = "flex2",
        "Ex2 with a flow trained on all particles while sampling, then frozen.";
    Flowmc(FlowMc) = "flowmc",
        "Rounds of local steps, flow training and flow proposals; then the same with the flow frozen.";
    Neutra(NeutraMethod) = "neutra",
        "A local kernel in the latent space of a flow trained beforehand. Does not cross between separate modes.";
    ScoreClimbing(ScoreClimbing) = "score_climbing",
        "i-SIR with a flow that follows the gradient of its log-density at the chains' states.";
    DiscriminatorRejection(DiscriminatorRejection) = "discriminator_rejection",
        "Draws of a GAN's prior, refused by what its discriminator says of them.";
    MhGan(MhGan) = "mh_gan",
        "A fresh chain of a GAN's draws for every draw, accepted by the ratios of its discriminator.";
    Ddls(Ddls) = "ddls",
        "Langevin chains among a GAN's latents, without rejection: biased by the step size.";
    RepGan(RepGan) = "repgan",
        "Langevin chains among a GAN's latents, with rejection.";
    Kernel(KernelMethod) = "kernel",
        "One kernel with a warm-up.";
    Schedule(ScheduleMethod) = "schedule",
        "Kernels and stages of your own.";
}

/// A named method as `mixwell list methods` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodEntry {
    /// The name to write after `kind`.
    pub name: &'static str,
    /// One line on what it does.
    pub summary: &'static str,
    /// Every setting at its default.
    pub default: Method,
}

impl MethodEntry {
    fn of(default: Method) -> Self {
        Self { name: default.name(), summary: default.summary(), default }
    }
}

impl Default for Method {
    fn default() -> Self {
        Method::Auto(Auto::default())
    }
}

impl From<KernelConfig> for Method {
    /// This kernel alone, with the default warm-up.
    fn from(kernel: KernelConfig) -> Self {
        KernelMethod { kernel: Box::new(kernel), ..KernelMethod::default() }.into()
    }
}

impl Method {
    /// The method of this name at its defaults; where there is none, the kernel of this name alone.
    ///
    /// ```
    /// use mixwell::kernel::nuts;
    /// use mixwell::sampler::Method;
    /// assert_eq!(Method::named("nuts")?, nuts().into());
    /// assert_eq!(Method::named("auto")?, Method::default());
    /// # Ok::<(), mixwell::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// When nothing is called so: the names that there are.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        let (methods, kernels) = (catalogue(), kernel::catalogue());
        if let Some(method) = methods.iter().find(|m| m.name == name) {
            return Ok(method.default.clone());
        }
        if let Some(kernel) = kernels.iter().find(|k| k.name == name) {
            return Ok(kernel.default.clone().into());
        }
        let methods = methods.iter().map(|m| m.name).collect::<Vec<_>>().join(", ");
        let kernels = kernels.iter().map(|k| k.name).collect::<Vec<_>>().join(", ");
        let reason = format!("it must be a method ({methods}) or a kernel ({kernels})");
        Err(ConfigError::new("method", name, reason))
    }

    /// Checks everything that does not depend on the target.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.settings().check()
    }

    /// Expands into kernels and a schedule for a target of `dim` coordinates; the settings are checked already.
    ///
    /// # Errors
    /// When a kernel's settings cannot be used in this dimension, or the schedule names no such kernel.
    pub(in crate::sampler) fn plan(&self, dim: usize) -> Result<Plan, ConfigError> {
        self.settings().plan(dim).map_err(|e| e.under("method"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_schedule_that_fits_its_kernels() {
        for entry in catalogue() {
            entry.default.check().unwrap();
            let plan = entry.default.plan(3).unwrap();
            let adapts = !["mh_gan", "ddls", "repgan"].contains(&entry.name);
            assert_eq!(plan.schedule.adapting_draws() > 0, adapts, "{}", entry.name);
        }
    }

    #[test]
    fn methods_and_kernels_have_names() {
        for entry in catalogue() {
            assert_eq!(Method::named(entry.name).unwrap(), entry.default);
        }
        // NeuTra is both; the method trains its flow.
        for entry in kernel::catalogue().into_iter().filter(|k| k.name != "neutra") {
            assert_eq!(Method::named(entry.name).unwrap(), entry.default.into());
        }
        let error = Method::named("nutz").unwrap_err().to_string();
        assert!(error.contains("nutz") && error.contains("flex2") && error.contains("nuts"), "{error}");
    }

    #[test]
    fn every_method_survives_a_config_file() {
        for entry in catalogue() {
            let text = toml::to_string(&entry.default).unwrap();
            assert!(text.contains(&format!("kind = \"{}\"", entry.name)), "{text}");
            assert_eq!(toml::from_str::<Method>(&text).unwrap(), entry.default, "{text}");
        }
    }

    #[test]
    fn an_unusable_kernel_names_its_key() {
        let bad = crate::kernel::isir(0);
        let KernelConfig::Isir(global) = bad.clone() else { unreachable!() };
        let key = |m: Method| m.check().unwrap_err().key;
        assert_eq!(key(Flex2 { global, ..Flex2::default() }.into()), "global.n_particles");
        assert_eq!(key(bad.into()), "kernel.n_particles");
    }
}
