//! Settings of the flow-matching (continuous) flow.

use serde::{Deserialize, Serialize};

use super::config::Precision;
use super::whitening::WhiteningMode;
use crate::ConfigError;
use crate::net::{Activation, Init};

/// Continuous flow: a network gives the velocity that carries latents at time 0 to points at time 1; trained by regression
/// on straight lines between latents and examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowMatchingConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
    /// Units of the hidden layers of the velocity network.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers; a smooth one (`tanh`, `swish`, `lip_swish`).
    pub activation: Activation,
    /// How the path is integrated: `adaptive` or `fixed`.
    pub solver: Solver,
    /// How the change of density is evaluated: `exact` or `hutchinson` (noisy: not for Metropolis steps).
    pub divergence: Divergence,
    /// Starting weights: `zero_last` (identity), `{ normal = scale }` or `uniform`.
    pub init: Init,
    /// Fixed affine map at the data end, set from training points: `none`, `diagonal` or `full`.
    pub whitening: WhiteningMode,
}

impl Default for FlowMatchingConfig {
    fn default() -> Self {
        Self {
            precision: Precision::F64,
            hidden: vec![64, 64],
            activation: Activation::Swish,
            solver: Solver::default(),
            divergence: Divergence::Exact,
            init: Init::ZeroLast,
            whitening: WhiteningMode::Diagonal,
        }
    }
}

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

/// The trace of the velocity's Jacobian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Divergence {
    /// One directional derivative per coordinate.
    #[default]
    Exact,
    /// The mean of `p^T J p` over fixed random signs `p`: log-densities are estimates, the same at every call.
    Hutchinson {
        /// How many `p`.
        #[serde(default = "n_probes")]
        n_probes: usize,
        /// What they are drawn from.
        #[serde(default)]
        seed: u64,
    },
}

fn n_probes() -> usize {
    8
}

impl FlowMatchingConfig {
    /// What only this flow has.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !self.activation.is_twice_differentiable() {
            let reason = "a velocity must be smooth: use `tanh`, `swish` or `lip_swish`";
            return Err(ConfigError::new("activation", format!("{:?}", self.activation), reason));
        }
        let count = |key: &str, n: usize, most: usize| match n {
            n if (1..=most).contains(&n) => Ok(()),
            n => Err(ConfigError::new(key, n, format!("it must lie between 1 and {most}"))),
        };
        let between = |key: &str, v: f64, high: f64| {
            if v > 0.0 && v <= high {
                Ok(())
            } else {
                Err(ConfigError::new(key, v, format!("it must be positive and at most {high}")))
            }
        };
        match self.solver {
            Solver::Adaptive { rtol, atol, first_step, max_steps } => {
                between("solver.rtol", rtol, 0.1)?;
                between("solver.atol", atol, 0.1)?;
                between("solver.first_step", first_step, 1.0)?;
                count("solver.max_steps", max_steps, 1000)?;
            }
            Solver::Fixed { n_steps } => count("solver.n_steps", n_steps, 1000)?,
        }
        match self.divergence {
            Divergence::Exact => Ok(()),
            Divergence::Hutchinson { n_probes, .. } => count("divergence.n_probes", n_probes, 10_000),
        }
    }
}
