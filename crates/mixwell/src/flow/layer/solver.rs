//! How the path of a continuous flow is integrated.

use serde::{Deserialize, Serialize};

use crate::{ConfigError, range};

/// Steps of the Dormand-Prince method of order 5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Solver {
    /// Every row has steps of its own, so large that the error of each stays below `atol + rtol |x|`.
    Adaptive {
        /// Relative tolerance; not below 20 rounding errors of the precision.
        #[serde(default = "tolerance")]
        rtol: f64,
        /// Absolute tolerance, in whitened units; also that of the log-density.
        #[serde(default = "tolerance")]
        atol: f64,
        /// First step tried.
        #[serde(default = "first_step")]
        first_step: f64,
        /// No step is shorter than `1 / max_steps`, whatever its error.
        #[serde(default = "max_steps")]
        max_steps: usize,
    },
    /// The same equal steps for all.
    Fixed {
        /// How many.
        n_steps: usize,
    },
}

fn tolerance() -> f64 {
    1e-6
}

fn first_step() -> f64 {
    0.1
}

fn max_steps() -> usize {
    200
}

impl Default for Solver {
    fn default() -> Self {
        Self::Adaptive {
            rtol: tolerance(),
            atol: tolerance(),
            first_step: first_step(),
            max_steps: max_steps(),
        }
    }
}

impl Solver {
    /// Every range check.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match *self {
            Self::Adaptive { rtol, atol, first_step, max_steps } => {
                range::positive_up_to("solver.rtol", rtol, 0.1)?;
                range::positive_up_to("solver.atol", atol, 0.1)?;
                range::positive_up_to("solver.first_step", first_step, 1.0)?;
                range::within("solver.max_steps", max_steps, 1, 1000)
            }
            Self::Fixed { n_steps } => range::within("solver.n_steps", n_steps, 1, 1000),
        }
    }
}
