//! The forms of an affine coupling: how its log-scale is bounded, what comes first, which networks it has.

use serde::{Deserialize, Serialize};

use crate::{ConfigError, range};

/// Largest bound of a log-scale: beyond it `e^s` leaves single precision.
pub(in crate::flow) const MOST_LOG_SCALE: f64 = 80.0;

/// Where [`ScaleBound::Sigmoid`] is cut off, so that several couplings stay within single precision.
pub(super) const MOST_SIGMOID_LOG_SCALE: f64 = 10.0;

/// How the log-scale `s` is kept in bounds. A bound limits how sharp a density the flow can reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleBound {
    /// `s = factor * tanh(u)`.
    Tanh(f64),
    /// `s = a * tanh(u)` with a learned `a` per coordinate that starts at this value.
    LearnedTanh(f64),
    /// `s = a tanh(u / a)`, close to `u` within the bound, with a learned `a` that starts at this value: one per coordinate, in
    /// an image one per channel.
    SoftClamp(f64),
    /// `s = -ln sigmoid(u + this)`: latents are scaled up only, as in Glow; at most `e^10` times.
    Sigmoid(f64),
    /// `s = u` cut off at these two values, where its derivative becomes zero.
    Clamp(f64, f64),
}

impl ScaleBound {
    /// Every range check.
    pub(crate) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Tanh(a) => range::positive_up_to("scale.tanh", a, MOST_LOG_SCALE),
            Self::LearnedTanh(a) => range::positive_up_to("scale.learned_tanh", a, MOST_LOG_SCALE),
            Self::SoftClamp(a) => range::positive_up_to("scale.soft_clamp", a, MOST_LOG_SCALE),
            Self::Sigmoid(offset) => range::finite("scale.sigmoid", offset),
            Self::Clamp(low, high)
                if !(low < 0.0 && high > 0.0 && low >= -MOST_LOG_SCALE && high <= MOST_LOG_SCALE) =>
            {
                let reason =
                    format!("it must be an interval around 0 within [-{MOST_LOG_SCALE}, {MOST_LOG_SCALE}]");
                Err(ConfigError::new("scale.clamp", format!("[{low}, {high}]"), reason))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a coupling shifts before it scales (in direction z -> x) or after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// `x = z exp(s) + t`
    #[default]
    ScaleFirst,
    /// `x = (z + t) exp(s)`
    ShiftFirst,
}

/// Whether scale and shift come from one network or from two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Nets {
    /// One network with twice the outputs.
    #[default]
    Joint,
    /// One network each.
    Separate,
}

/// Everything that determines an affine coupling besides its split and its networks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AffineOptions {
    /// Bound of the log-scale.
    pub scale: ScaleBound,
    /// Factor on the shift.
    pub shift_factor: f64,
    /// Scale or shift first.
    pub order: Order,
    /// One network or two.
    pub nets: Nets,
    /// Networks see all coordinates, moved ones as zero, and have an output for each: some published parameter
    /// counts mean these.
    pub full_width: bool,
}
