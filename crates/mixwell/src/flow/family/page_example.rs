//! A learned scale and shift of every coordinate: a Gaussian without correlations.

use serde::{Deserialize, Serialize};

use super::{Family, Networks, Precision};
use crate::ConfigError;
use crate::flow::layer::{ElementwiseAffine, Layers, WhiteningMode};
use crate::net::Init;
use mixwell_vector::Real;

/// A learned scale and shift of every coordinate. No networks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiagonalConfig {
    /// `f64` or `f32`.
    pub precision: Precision,
}

impl Family for DiagonalConfig {
    fn precision(&self) -> Precision {
        self.precision
    }

    fn init(&self) -> Init {
        Init::ZeroLast // the identity
    }

    fn whitening(&self) -> WhiteningMode {
        WhiteningMode::None
    }

    fn check(&self) -> Result<(), ConfigError> {
        Ok(()) // every value can be used
    }

    fn networks(&self) -> Option<Networks<'_>> {
        None
    }

    fn stack<T: Real>(&self, dim: usize, layers: &mut Layers<T>) {
        layers.push("layer.", |offset| ElementwiseAffine::new(dim, offset));
    }
}
