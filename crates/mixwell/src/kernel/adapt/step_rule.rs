//! Rules that move a step size towards a target acceptance during warm-up.
//!
//! - `dual_averaging`: see its own file; ends on an average, so the last noisy step does not matter. The default.
//! - `multiplicative`: times or divided by `factor` whenever the acceptance is further than `tolerance` from the target
//!   (the rule of the published Ex2MCMC code, factor 1.05 and tolerance 0.03; there it never stops, here it ends with warm-up).
//! - `simple`: times `1 + rate` above the target, divided by it otherwise (the rule of the EBM papers, rate 0.01).
//! - `fixed`: no change.

use serde::{Deserialize, Serialize};

use super::dual_averaging::DualAveraging;
use super::tuner::AcceptanceOver;
use crate::ConfigError;
use crate::range::{above, below_one, positive};

/// How a step size is adapted during warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepRule {
    /// Dual averaging.
    #[default]
    DualAveraging,
    /// A fixed factor up or down outside a band around the target.
    Multiplicative {
        /// Factor of one change, above 1.
        #[serde(default = "default_factor")]
        factor: f64,
        /// Half width of the band in which nothing changes.
        #[serde(default = "default_tolerance")]
        tolerance: f64,
    },
    /// A fixed factor up or down after every step.
    Simple {
        /// Relative change of one step.
        #[serde(default = "default_rate")]
        rate: f64,
    },
    /// The step size stays as it is.
    Fixed,
}

fn default_factor() -> f64 {
    1.05
}

fn default_tolerance() -> f64 {
    0.03
}

fn default_rate() -> f64 {
    0.01
}

impl StepRule {
    /// How chains that share a step sum up the acceptance of moves along the gradient, which refuse for ever where the law is
    /// steep: dual averaging feels a stuck chain; the published rules are defined on the mean over the chains, and stay that.
    pub(crate) fn acceptance_of_chains(&self) -> AcceptanceOver {
        match self {
            Self::DualAveraging => AcceptanceOver::Chains,
            Self::Multiplicative { .. } | Self::Simple { .. } | Self::Fixed => AcceptanceOver::Tries,
        }
    }

    /// Refuses factors that do not change the step, and NaN.
    pub fn check(&self) -> Result<(), ConfigError> {
        match *self {
            Self::DualAveraging | Self::Fixed => Ok(()),
            Self::Multiplicative { factor, tolerance } => {
                above("adapt.factor", factor, 1.0)?;
                below_one("adapt.tolerance", tolerance)
            }
            Self::Simple { rate } => positive("adapt.rate", rate),
        }
    }
}

/// A rule at work on one step size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum StepAdapter {
    Averaging(DualAveraging),
    Factor { up: f64, tolerance: f64 },
    Fixed,
}

impl StepAdapter {
    pub(super) fn new(rule: StepRule, step: f64) -> Self {
        match rule {
            StepRule::DualAveraging => Self::Averaging(DualAveraging::new(step)),
            StepRule::Multiplicative { factor, tolerance } => Self::Factor { up: factor, tolerance },
            StepRule::Simple { rate } => Self::Factor { up: 1.0 + rate, tolerance: 0.0 },
            StepRule::Fixed => Self::Fixed,
        }
    }

    /// The step after one more acceptance.
    pub(super) fn update(&mut self, step: f64, accept: f64, target: f64) -> f64 {
        match self {
            Self::Averaging(averaging) => averaging.update(accept, target),
            Self::Factor { up, tolerance } if accept > target + *tolerance => step * *up,
            // Without a band, an acceptance at or below the target shortens the step.
            Self::Factor { up, tolerance } if accept < target - *tolerance || *tolerance == 0.0 => step / *up,
            Self::Factor { .. } | Self::Fixed => step,
        }
    }

    /// Begins anew from `step`, after a change of metric.
    pub(super) fn restart(&mut self, step: f64) {
        if let Self::Averaging(averaging) = self {
            *averaging = DualAveraging::new(step);
        }
    }

    /// The step to freeze.
    pub(super) fn settle(&self, step: f64) -> f64 {
        match self {
            Self::Averaging(averaging) => averaging.averaged(),
            Self::Factor { .. } | Self::Fixed => step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_by_hand() {
        let mut band = StepAdapter::new(StepRule::Multiplicative { factor: 1.05, tolerance: 0.03 }, 1.0);
        assert_eq!(band.update(2.0, 0.71, 0.67), 2.1);
        assert_eq!(band.update(2.0, 0.69, 0.67), 2.0);
        assert_eq!(band.update(2.0, 0.60, 0.67), 2.0 / 1.05);
        let mut simple = StepAdapter::new(StepRule::Simple { rate: 0.01 }, 1.0);
        assert_eq!(simple.update(1.0, 0.7, 0.651), 1.01);
        assert_eq!(simple.update(1.0, 0.651, 0.651), 1.0 / 1.01);
    }

    #[test]
    fn unusable_rules_are_refused() {
        let bad = |r: StepRule| r.check().unwrap_err().key;
        assert_eq!(bad(StepRule::Multiplicative { factor: 1.0, tolerance: 0.1 }), "adapt.factor");
        assert_eq!(bad(StepRule::Multiplicative { factor: 2.0, tolerance: f64::NAN }), "adapt.tolerance");
        assert_eq!(bad(StepRule::Simple { rate: 0.0 }), "adapt.rate");
    }

    #[test]
    fn rules_are_written_with_their_name() {
        let rule: StepRule = toml::from_str("kind = 'multiplicative'\nfactor = 1.1").unwrap();
        assert_eq!(rule, StepRule::Multiplicative { factor: 1.1, tolerance: 0.03 });
    }
}
