//! The Langevin step size, and the three ways papers write it.
//!
//! | made by      | proposal                                    | variance |
//! |--------------|---------------------------------------------|----------|
//! | [`StepSize::from_eta`] | `y = x + eta g(x) + sqrt(2 eta) xi`  | `2 eta`  |
//! | [`StepSize::from_tau`] | `y = x + tau/2 g(x) + sqrt(tau) xi`  | `tau`    |
//! | [`StepSize::from_dt`]  | `y = x + dt^2/2 g(x) + dt xi`        | `dt^2`   |
//!
//! Stored as `eta = tau/2 = dt^2/2`. In a config file: a plain number is `eta`; `{ tau = 0.1 }` and `{ dt = 0.1 }` convert.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::range::positive;

/// A Langevin step size.
///
/// ```
/// use mixwell::kernel::StepSize;
/// assert_eq!(StepSize::from_dt(0.5).eta(), StepSize::from_tau(0.25).eta());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "f64")]
pub struct StepSize {
    eta: f64,
}

impl StepSize {
    /// From `eta`, half the variance of the proposal.
    pub const fn from_eta(eta: f64) -> Self {
        Self { eta }
    }

    /// From `tau`, the variance of the proposal.
    pub const fn from_tau(tau: f64) -> Self {
        Self { eta: tau / 2.0 }
    }

    /// From `dt`, the standard deviation of the proposal.
    pub const fn from_dt(dt: f64) -> Self {
        Self { eta: dt * dt / 2.0 }
    }

    /// The step in the library's convention.
    pub const fn eta(self) -> f64 {
        self.eta
    }

    /// The length `dt` with `eta = dt^2 / 2`: a leapfrog step, or the standard deviation of a random walk.
    pub fn length(self) -> f64 {
        (2.0 * self.eta).sqrt()
    }

    /// Refuses steps that are not positive and finite.
    pub fn check(self, key: &str) -> Result<(), ConfigError> {
        positive(key, self.eta)
    }
}

impl schemars::JsonSchema for StepSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StepSize".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}

impl From<StepSize> for f64 {
    fn from(step: StepSize) -> f64 {
        step.eta
    }
}

/// How a config file may write a step size.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "a number (eta), or one of { eta = .. }, { tau = .. }, { dt = .. }")]
enum Written {
    Whole(i64),
    Number(f64),
    Named(Named),
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Named {
    Eta(f64),
    Tau(f64),
    Dt(f64),
}

impl From<Written> for StepSize {
    fn from(written: Written) -> Self {
        match written {
            Written::Whole(eta) => Self::from_eta(eta as f64),
            Written::Number(eta) | Written::Named(Named::Eta(eta)) => Self::from_eta(eta),
            Written::Named(Named::Tau(tau)) => Self::from_tau(tau),
            Written::Named(Named::Dt(dt)) => Self::from_dt(dt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, schemars::JsonSchema)]
    struct File {
        step_size: StepSize,
    }

    #[test]
    fn every_way_to_write_it_means_the_same_step() {
        // tau = 0.5 and dt = sqrt(0.5) are eta = 0.25.
        for text in ["0.25", "{ eta = 0.25 }", "{ tau = 0.5 }", "{ dt = 0.7071067811865476 }"] {
            let file: File = toml::from_str(&format!("step_size = {text}")).unwrap();
            assert!((file.step_size.eta() - 0.25).abs() < 1e-15, "{text}");
        }
        assert!(toml::from_str::<File>("step_size = { gamma = 1.0 }").is_err());
        assert!(StepSize::from_eta(f64::NAN).check("step_size").is_err());
    }
}
