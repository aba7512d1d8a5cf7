//! `OptimiserConfig`: an optimiser as data; `UpdateRule`: the registry of rules, a file and a row each.

use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::adamax::Adamax;
use super::schedule::LearningRate;
use super::sgd::Sgd;
use super::sweep::Step;
use crate::net::values::Stored;
use crate::{ConfigError, range};

/// What every rule can do.
pub(super) trait Rule {
    /// Every range check.
    fn check(&self) -> Result<(), ConfigError>;

    /// Vectors of the parameters' size that it remembers between steps.
    fn n_moments(&self) -> usize;

    /// Makes a step.
    fn step<T: Stored>(&self, step: Step<'_, T>);
}

/// How weight decay enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decay {
    /// Added to the gradient, `g + decay p`, before all else.
    Coupled,
    /// Taken off beside the step, `p - rate decay p`.
    Decoupled,
}

/// Writes the enum, and every `match` over it, from one list of rules.
///
/// A row is: variant, settings, the `kind` in config files, how weight decay enters, and a line for the documentation.
macro_rules! rules {
    ($($variant:ident($settings:ty) = $kind:literal, $decay:ident, $summary:literal;)*) => {
        /// How an optimiser turns a gradient into a step.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        pub enum UpdateRule {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($settings),)*
        }

        impl UpdateRule {
            /// Its name in a config file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            pub(super) fn decay(&self) -> Decay {
                match self {
                    $(Self::$variant(_) => Decay::$decay,)*
                }
            }

            fn check(&self) -> Result<(), ConfigError> {
                match self {
                    $(Self::$variant(rule) => rule.check(),)*
                }
            }

            pub(super) fn n_moments(&self) -> usize {
                match self {
                    $(Self::$variant(rule) => rule.n_moments(),)*
                }
            }

            pub(super) fn step<T: Stored>(&self, step: Step<'_, T>) {
                match self {
                    $(Self::$variant(rule) => rule.step(step),)*
                }
            }
        }
    };
}

rules! {
    Sgd(Sgd) = "sgd", Coupled, "Along the gradient, with momentum (Nesterov's, too); weight decay is part of the gradient.";
    Adam(Adam) = "adam", Coupled, "Mean over root mean square of the gradient; weight decay is part of the gradient.";
    AdamW(Adam) = "adam_w", Decoupled, "The same with weight decay apart from the gradient.";
    Adamax(Adamax) = "adamax", Coupled, "Mean over largest size of the gradient; weight decay is part of the gradient.";
}

impl Default for UpdateRule {
    fn default() -> Self {
        Self::AdamW(Adam::default())
    }
}

/// Settings of the optimiser. In TOML:
///
/// ```
/// let config: mixwell::net::OptimiserConfig = toml::from_str(
///     r#"
///     rule = { kind = "sgd", momentum = 0.9, nesterov = true }
///     learning_rate = 0.05
///     schedule = { kind = "cosine", total = 5000, floor = 0.0 }
///     warmup_steps = 200
///     weight_decay = 5e-4
///     "#,
/// )?;
/// assert_eq!(config.rate(0), 0.05 / 200.0);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserConfig {
    /// How a gradient becomes a step: `sgd`, `adam`, `adam_w` or `adamax`, with its settings.
    pub rule: UpdateRule,
    /// Learning rate before schedule and warm-up.
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: LearningRate,
    /// Steps over which the learning rate rises linearly from zero; 0 for none.
    pub warmup_steps: u64,
    /// Weight decay; 0 for none.
    pub weight_decay: f64,
    /// Largest norm of a gradient, longer ones are shortened to it; 0 for no limit.
    pub clip_norm: f64,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self {
            rule: UpdateRule::default(),
            learning_rate: 1e-3,
            schedule: LearningRate::Constant,
            warmup_steps: 0,
            weight_decay: 0.0,
            clip_norm: 1.0,
        }
    }
}

impl OptimiserConfig {
    /// Every range check.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::positive("learning_rate", self.learning_rate)?;
        range::not_negative("weight_decay", self.weight_decay)?;
        range::not_negative("clip_norm", self.clip_norm)?;
        self.rule.check()?;
        self.schedule.check()
    }

    /// The learning rate of the step after `steps` steps.
    pub fn rate(&self, steps: u64) -> f64 {
        let warm =
            if steps < self.warmup_steps { (steps + 1) as f64 / self.warmup_steps as f64 } else { 1.0 };
        self.learning_rate * self.schedule.factor(steps) * warm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_during_warm_up() {
        let config = OptimiserConfig { learning_rate: 1.0, warmup_steps: 4, ..Default::default() };
        assert_eq!([0, 1, 3, 4].map(|t| config.rate(t)), [0.25, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let base = OptimiserConfig::default();
        assert!(base.check().is_ok());
        let rule = |rule| OptimiserConfig { rule, ..base.clone() };
        for bad in [
            OptimiserConfig { learning_rate: f64::NAN, ..base.clone() },
            OptimiserConfig { clip_norm: -1.0, ..base.clone() },
            OptimiserConfig { weight_decay: f64::INFINITY, ..base.clone() },
            OptimiserConfig { schedule: LearningRate::InverseTime { every: 0 }, ..base.clone() },
            rule(UpdateRule::Adam(Adam { beta1: 1.0, ..Default::default() })),
            rule(UpdateRule::AdamW(Adam { epsilon: 0.0, ..Default::default() })),
            rule(UpdateRule::Adamax(Adamax { beta2: -0.1, ..Default::default() })),
            rule(UpdateRule::Adamax(Adamax { epsilon: f64::NAN, ..Default::default() })),
            rule(UpdateRule::Sgd(Sgd { momentum: 1.0, nesterov: false })),
            rule(UpdateRule::Sgd(Sgd { momentum: 0.0, nesterov: true })),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
