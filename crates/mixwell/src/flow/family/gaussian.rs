//! A Gaussian as a flow: the whitening alone, fitted in one go.

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::ConfigError;
use crate::flow::layer::{Layers, WhiteningMode};
use crate::net::Init;
use mixwell_vector::Real;

/// A Gaussian: no layers but the whitening. Nothing to train; its mean and covariance are those of the training points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianFlowConfig {
    /// Covariance: `full` (or `principal`, the same law), `diagonal` or, for the standard normal, `none`.
    pub whitening: WhiteningMode,
}

impl Default for GaussianFlowConfig {
    fn default() -> Self {
        Self { whitening: WhiteningMode::Full }
    }
}

impl Family for GaussianFlowConfig {
    fn precision(&self) -> Precision {
        Precision::F64
    }

    fn init(&self) -> Init {
        Init::ZeroLast
    }

    fn whitening(&self) -> WhiteningMode {
        self.whitening
    }

    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    fn networks(&self) -> Option<Networks<'_>> {
        None
    }

    fn stack<T: Real>(&self, _dim: usize, _layers: &mut Layers<T>) {}
}
