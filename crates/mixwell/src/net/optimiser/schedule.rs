//! `LearningRate`: how the learning rate changes with the number of steps already made.

use serde::{Deserialize, Serialize};

use crate::{ConfigError, range};

/// How the learning rate changes with the number of steps already made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LearningRate {
    /// It does not.
    #[default]
    Constant,
    /// Multiplied by `factor` every `every` steps, in jumps.
    Step {
        /// Steps between jumps.
        every: u64,
        /// Factor of a jump.
        factor: f64,
    },
    /// Multiplied by `factor` every `every` steps, smoothly.
    Exponential {
        /// Steps over which the factor accumulates.
        every: u64,
        /// The factor.
        factor: f64,
    },
    /// Divided by `1 + t / every` after `t` steps: the rates have an infinite sum and the squares a finite one, as stochastic
    /// approximation asks for (Robbins and Monro 1951).
    InverseTime {
        /// Steps after which the rate has halved.
        every: u64,
    },
    /// Half a cosine from 1 to `floor` over `total` steps, then `floor`.
    Cosine {
        /// Length; 0 for the whole training, where its length is known (`mixwell train`).
        #[serde(default)]
        total: u64,
        /// Fraction of the learning rate that is left.
        floor: f64,
    },
    /// A line from 1 to `floor` over `total` steps, then `floor`.
    Linear {
        /// Length; 0 for the whole training, where its length is known (`mixwell train`).
        #[serde(default)]
        total: u64,
        /// Fraction of the learning rate that is left.
        floor: f64,
    },
}

impl LearningRate {
    /// The factor on the learning rate after `steps` steps.
    pub fn factor(self, steps: u64) -> f64 {
        let t = steps as f64;
        match self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => factor.powf((steps / every) as f64),
            Self::Exponential { every, factor } => factor.powf(t / every as f64),
            Self::InverseTime { every } => 1.0 / (1.0 + t / every as f64),
            Self::Cosine { total, floor } => {
                let phase = (t / total as f64).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * phase).cos())
            }
            Self::Linear { total, floor } => 1.0 + (floor - 1.0) * (t / total as f64).min(1.0),
        }
    }

    /// The same, as long as so many steps where its length was left at zero.
    pub fn over(self, steps: u64) -> Self {
        match self {
            Self::Cosine { total: 0, floor } => Self::Cosine { total: steps, floor },
            Self::Linear { total: 0, floor } => Self::Linear { total: steps, floor },
            other => other,
        }
    }

    /// Every range check.
    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Constant => Ok(()),
            Self::Step { every, factor } | Self::Exponential { every, factor } => {
                range::at_least("schedule.every", every, 1)?;
                range::positive("schedule.factor", factor)
            }
            Self::InverseTime { every } => range::at_least("schedule.every", every, 1),
            Self::Cosine { total, floor } | Self::Linear { total, floor } => {
                range::at_least("schedule.total", total, 1)?;
                range::share("schedule.floor", floor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_by_hand() {
        assert_eq!(LearningRate::Step { every: 10, factor: 0.5 }.factor(25), 0.25);
        assert!(
            (LearningRate::Exponential { every: 10, factor: 0.5 }.factor(5) - 0.5f64.sqrt()).abs() < 1e-15
        );
        assert!((LearningRate::Cosine { total: 100, floor: 0.1 }.factor(50) - 0.55).abs() < 1e-15);
        assert_eq!(LearningRate::InverseTime { every: 10 }.factor(30), 0.25);
        assert_eq!(LearningRate::Linear { total: 100, floor: 0.0 }.factor(200), 0.0);
    }

    #[test]
    fn what_makes_no_schedule_is_refused() {
        for bad in [
            LearningRate::Step { every: 0, factor: 0.5 },
            LearningRate::Exponential { every: 1, factor: f64::NAN },
            LearningRate::InverseTime { every: 0 },
            LearningRate::Cosine { total: 5, floor: 2.0 },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
