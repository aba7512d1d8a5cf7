//! Inverse temperature of the target that a training call aims at: `beta log pi` in place of `log pi`.
//!
//! A flow that learns a flatter target first does not fall into the first mode it meets. `beta` multiplies `log pi` and nothing
//! else, once: not the log-determinant, and not the density of the latents. Losses from draws of `pi` itself weigh each draw by
//! `pi(x)^(beta - 1)`, normalised.
//! Differs from the published flow_mcmc code, whose reverse KL leaves the temperature out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ConfigError, range};

/// How `beta` moves with progress `t/T` through the planned training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Tempering {
    /// Always `beta`; 1 for the target as it is.
    Constant {
        /// The inverse temperature.
        beta: f64,
    },
    /// From `from` to 1 on a line, 1 from the share `until` of the training on.
    Ramp {
        /// The inverse temperature at the beginning.
        #[serde(default = "default_from")]
        from: f64,
        /// The share of the planned training after which the target is no longer tempered.
        #[serde(default = "default_until")]
        until: f64,
    },
}

fn default_from() -> f64 {
    0.1
}

fn default_until() -> f64 {
    0.5
}

impl Default for Tempering {
    fn default() -> Self {
        Tempering::Constant { beta: 1.0 }
    }
}

impl Tempering {
    /// The inverse temperature at `progress` between 0 and 1.
    pub fn beta(&self, progress: f64) -> f64 {
        match *self {
            Tempering::Constant { beta } => beta,
            Tempering::Ramp { from, until } => from + (1.0 - from) * (progress / until).min(1.0),
        }
    }

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        match *self {
            Tempering::Constant { beta } => range::positive("tempering.beta", beta),
            Tempering::Ramp { from, until } => {
                range::positive_up_to("tempering.from", from, 1.0)?;
                range::positive_up_to("tempering.until", until, 1.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_by_hand() {
        let ramp = Tempering::Ramp { from: 0.2, until: 0.5 };
        for (progress, beta) in [(0.0, 0.2), (0.25, 0.6), (0.5, 1.0), (0.9, 1.0)] {
            assert!((ramp.beta(progress) - beta).abs() < 1e-15);
        }
        assert_eq!(Tempering::default().beta(0.3), 1.0);
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |t: Tempering| t.check().unwrap_err().key;
        assert_eq!(bad(Tempering::Constant { beta: 0.0 }), "tempering.beta");
        assert_eq!(bad(Tempering::Ramp { from: f64::NAN, until: 0.5 }), "tempering.from");
        assert_eq!(bad(Tempering::Ramp { from: 0.5, until: 1.5 }), "tempering.until");
        Tempering::Constant { beta: 2.0 }.check().unwrap();
    }
}
