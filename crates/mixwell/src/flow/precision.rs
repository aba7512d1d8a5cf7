//! `Precision`: the type of number a flow is computed in.

use serde::{Deserialize, Serialize};

/// Precision that a flow is computed in; log-determinants are summed in `f64` in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single: about twice as fast, log-densities good to about 1e-5 per coordinate.
    F32,
    /// Double.
    #[default]
    F64,
}
