//! Estimators as settings, and the file that `mixwell evidence` reads.
//!
//! To add an estimator: one row in the list below.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AdaptiveImportanceConfig, AnnealedConfig, Estimate, EstimateError, ImportanceConfig, Options,
    SequentialConfig,
};
use crate::ConfigError;
use crate::density::{Target, TargetConfig};
use crate::flow::FlowConfig;
use crate::footprint::Footprint;
use crate::train::TrainingConfig;

/// Writes the enum, and every `match` over it, from one list of estimators.
///
/// A row is: variant, settings, the `kind` in config files, one line for `list estimators`, and how it makes its estimate for
/// a target, with the settings of flow and training for those that train one.
macro_rules! estimators {
    ($(
        $(#[$doc:meta])*
        $variant:ident($settings:ty) = $kind:literal, $summary:literal,
            |$c:ident, $flow:ident, $training:ident, $target:ident, $options:ident| $estimate:expr;
    )*) => {
        /// Any estimator, as settings.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum EstimatorConfig {
            $($(#[$doc])* #[serde(rename = $kind)] $variant($settings),)*
        }

        impl EstimatorConfig {
            /// Refuses settings that cannot be used.
            pub fn check(&self) -> Result<(), ConfigError> {
                match self {
                    $(Self::$variant(c) => c.check(),)*
                }
            }

            /// Its name in a config file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            /// What its estimate holds in memory for a target of `dim` coordinates.
            fn footprint(&self, dim: usize, options: &Options) -> Footprint {
                match self {
                    $(Self::$variant(c) => c.footprint(dim, options),)*
                }
            }

            /// The estimate for `target`; `flow` and `training` are for those that train one.
            ///
            /// # Errors
            /// When a setting cannot be used, or the estimator cannot reach the target.
            pub fn estimate(
                &self,
                flow: &FlowConfig,
                training: &TrainingConfig,
                target: &dyn Target,
                options: &Options,
            ) -> Result<Estimate, EstimateError> {
                match self {
                    $(Self::$variant($c) => {
                        let ($flow, $training, $target, $options) = (flow, training, target, options);
                        $estimate
                    })*
                }
            }
        }

        /// All estimators.
        pub fn catalogue() -> Vec<EstimatorEntry> {
            vec![$(EstimatorEntry {
                summary: $summary,
                default: EstimatorConfig::$variant(<$settings>::default()),
            },)*]
        }
    };
}

estimators! {
    /// Importance sampling from a fixed Gaussian.
    Importance(ImportanceConfig) = "importance", "weighted draws of a fixed Gaussian",
        |c, _flow, _training, target, options| c.estimate(target, options);
    /// Importance sampling from a flow that learns from its own weighted draws.
    AdaptiveImportance(AdaptiveImportanceConfig) = "adaptive_importance",
        "weighted draws of a flow trained on its own weighted draws",
        |c, flow, training, target, options| c.estimate(flow, training, target, options).map(|(e, _)| e);
    /// Annealed importance sampling: independent chains led along a ladder.
    Annealed(AnnealedConfig) = "annealed",
        "independent chains led along a ladder of tempered densities; the evidence is unbiased",
        |c, _flow, _training, target, options| c.estimate(target, options);
    /// Sequential Monte Carlo: populations led along a ladder, resampled on the way.
    Sequential(SequentialConfig) = "sequential", "populations led along a ladder, resampled on the way",
        |c, _flow, _training, target, options| c.estimate(target, options);
}

/// An estimator as `mixwell list estimators` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimatorEntry {
    /// What it does, in a line.
    pub summary: &'static str,
    /// Its settings with every default.
    pub default: EstimatorConfig,
}

/// The settings of `mixwell evidence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceConfig {
    /// Seed of every random stream: the same seed gives the same estimates, whatever the threads.
    pub seed: u64,
    /// Largest number of points evaluated in one batch by one thread: bounds memory, does not change estimates.
    pub max_batch_rows: usize,
    /// What is integrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetConfig>,
    /// The estimators to run, under names of your choice.
    pub estimators: BTreeMap<String, EstimatorConfig>,
    /// The flow. Used by estimators that train one.
    pub flow: FlowConfig,
    /// How the flow is trained.
    pub training: TrainingConfig,
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        let estimators = catalogue().into_iter().map(|e| (e.default.kind().to_string(), e.default));
        let options = Options::default();
        Self {
            seed: options.seed,
            max_batch_rows: options.max_batch_rows,
            target: None,
            estimators: estimators.collect(),
            flow: FlowConfig::default(),
            training: TrainingConfig::default(),
        }
    }
}

impl EvidenceConfig {
    /// What all estimators are told alike.
    pub fn options(&self) -> Options {
        Options { seed: self.seed, max_batch_rows: self.max_batch_rows, keep_draws: false }
    }

    /// Checks every range; keys are dotted paths as in the file.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        crate::config::check_seed(self.seed)?;
        self.options().check()?;
        if let Some(target) = &self.target {
            target.check().map_err(|e| e.under("target"))?;
        }
        if self.estimators.is_empty() {
            return Err(ConfigError::new("estimators", "empty", "at least one is needed"));
        }
        for (name, estimator) in &self.estimators {
            estimator.check().map_err(|e| e.under(name).under("estimators"))?;
        }
        self.training.check().map_err(|e| e.under("training"))
    }

    /// Checks that every estimator fits into the memory that is free, for a target of `dim` coordinates: before the first of
    /// them runs.
    ///
    /// # Errors
    /// The first setting that asks for too much.
    pub fn check_memory(&self, dim: usize) -> Result<(), ConfigError> {
        let options = self.options();
        for (name, estimator) in &self.estimators {
            let footprint = estimator.footprint(dim, &options);
            footprint.check().map_err(|e| e.under(name).under("estimators"))?;
        }
        Ok(())
    }

    /// The estimate of the estimator with this name.
    ///
    /// # Errors
    /// A setting that cannot be used, by its path in the file, or a target that cannot be reached.
    ///
    /// # Panics
    /// When there is no such name.
    pub fn estimate(&self, name: &str, target: &dyn Target) -> Result<Estimate, EstimateError> {
        let result = self.estimators[name].estimate(&self.flow, &self.training, target, &self.options());
        result.map_err(|e| match e {
            // The other sections stand at the top of the file.
            EstimateError::Config(e) if !["target", "flow", "training"].iter().any(|s| starts(&e.key, s)) => {
                EstimateError::Config(e.under(name).under("estimators"))
            }
            other => other,
        })
    }
}

/// Whether a dotted path begins with this section.
fn starts(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{commented, parse};

    #[test]
    fn a_template_reads_back_as_the_settings() {
        let config = EvidenceConfig::default();
        config.check().unwrap();
        let text = commented(&config).unwrap();
        assert_eq!(parse::<EvidenceConfig>(&text).unwrap_or_else(|e| panic!("{e}\n{text}")).settings, config);
        for entry in catalogue() {
            let bare = format!("[estimators.a]\nkind = '{}'", entry.default.kind());
            assert_eq!(parse::<EvidenceConfig>(&bare).unwrap().settings.estimators["a"], entry.default);
        }
    }

    #[test]
    fn every_alternative_is_accepted_in_a_file() {
        let ladders = [
            "linear', rungs = 4",
            "geometric', rungs = 4, first = 0.1",
            "sigmoid', rungs = 4, slope = 4",
            "given', betas = [0.5, 1.0]",
            "adaptive', ess = 0.9",
        ];
        for ladder in ladders {
            for kind in ["annealed", "sequential"] {
                let text = format!("[estimators.a]\nkind = '{kind}'\nladder = {{ kind = '{ladder} }}");
                parse::<EvidenceConfig>(&text)
                    .unwrap_or_else(|e| panic!("{e}\n{text}"))
                    .settings
                    .check()
                    .unwrap();
            }
        }
        for selection in ["none'", "isir'", "isir', n_particles = 4, steps = 3, conditional = true"] {
            let text = format!("[estimators.a]\nkind = 'annealed'\nselection = {{ kind = '{selection} }}");
            parse::<EvidenceConfig>(&text)
                .unwrap_or_else(|e| panic!("{e}\n{text}"))
                .settings
                .check()
                .unwrap();
        }
    }

    #[test]
    fn huge_settings_are_refused_by_name_before_the_first_estimator_runs() {
        for (kind, key) in [
            ("importance", "draws"),
            ("adaptive_importance", "draws"),
            ("adaptive_importance", "rounds"),
            ("adaptive_importance", "round_draws"),
            ("annealed", "chains"),
            ("annealed", "pilot"),
            ("sequential", "particles"),
            ("sequential", "replicates"),
        ] {
            for huge in [300_000_000_000u64, 1 << 62, (1 << 63) - 1] {
                let text = format!("[estimators.a]\nkind = '{kind}'\n{key} = {huge}");
                let config = parse::<EvidenceConfig>(&text).unwrap().settings;
                let refused = config.check().and_then(|()| config.check_memory(3)).unwrap_err();
                assert_eq!((refused.key, refused.value), (format!("estimators.a.{key}"), huge.to_string()));
            }
        }
        EvidenceConfig::default().check_memory(3).unwrap();
    }

    #[test]
    fn errors_name_the_path_in_the_file() {
        let config: EvidenceConfig =
            parse("[estimators.smc]\nkind = 'sequential'\nbase = { mean = [1.0, 2.0] }").unwrap().settings;
        config.check().unwrap();
        let target = crate::density::StandardGaussianConfig { dim: 3, ..Default::default() }.build().unwrap();
        let e = config.estimate("smc", &target).unwrap_err();
        assert!(e.to_string().starts_with("`estimators.smc.base.mean`"), "{e}");
        let bad = parse::<EvidenceConfig>("[estimators.a]\nkind = 'sequential'\nparticles = 0").unwrap();
        let e = bad.settings.check().unwrap_err();
        assert_eq!((e.key.as_str(), bad.locate(&e).line), ("estimators.a.particles", 3));
    }
}
