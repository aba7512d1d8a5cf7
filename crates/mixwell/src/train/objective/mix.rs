//! Mixtures of a forward loss with the reverse KL, `a L_forward + (1 - a) L_reverse`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::LossValue;
use super::reverse::Reverse;
use super::{FlowLoss, Sources};
use crate::flow::Flow;
use crate::net::Gradient;
use crate::{ConfigError, range};

/// How the weight `a` of the forward KL moves with progress `t/T` through the planned training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum MixSchedule {
    /// Always `forward`.
    Constant {
        /// The weight, between 0 and 1.
        forward: f64,
    },
    /// `min(cap, slope * t/T)`; the default is cap 0.5 and slope 3.
    Ramp {
        /// Largest weight.
        cap: f64,
        /// How fast it grows.
        slope: f64,
    },
}

impl Default for MixSchedule {
    fn default() -> Self {
        MixSchedule::Ramp { cap: 0.5, slope: 3.0 }
    }
}

impl MixSchedule {
    /// The weight of the forward part at `progress` between 0 and 1.
    pub fn forward_weight(&self, progress: f64) -> f64 {
        match *self {
            MixSchedule::Constant { forward } => forward,
            MixSchedule::Ramp { cap, slope } => (slope * progress).min(cap),
        }
    }

    /// Whether there is ever a reverse part.
    pub(super) fn has_reverse(&self) -> bool {
        *self != MixSchedule::Constant { forward: 1.0 }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match *self {
            MixSchedule::Constant { forward } => range::share("mix.forward", forward),
            MixSchedule::Ramp { cap, slope } => {
                range::share("mix.cap", cap)?;
                range::positive("mix.slope", slope)
            }
        }
    }
}

/// `a L_forward + (1 - a) L_reverse` with its gradient; a part of weight zero is not evaluated.
pub(super) fn mixture(
    mix: MixSchedule,
    forward: &dyn FlowLoss,
    flow: &Flow,
    from: &mut Sources<'_>,
    gradient: &mut Gradient,
) -> LossValue {
    let a = mix.forward_weight(from.progress);
    let mut loss = LossValue::from(0.0);
    if a > 0.0 {
        let part = forward.evaluate(flow, from, gradient);
        loss = LossValue { value: a * part.value, ..part };
        gradient.scale(a);
    }
    if a < 1.0 {
        let mut spare = from.spare.take().unwrap_or_else(|| flow.zero_gradient());
        spare.clear();
        let part = Reverse.evaluate(flow, from, &mut spare);
        loss.value += (1.0 - a) * part.value;
        loss.non_finite_rows += part.non_finite_rows;
        spare.scale(1.0 - a);
        gradient.add(&spare);
        from.spare = Some(spare);
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_of_flex2_is_capped() {
        let mix = MixSchedule::default();
        assert_eq!(mix.forward_weight(0.0), 0.0);
        assert!((mix.forward_weight(0.1) - 0.3).abs() < 1e-15);
        assert_eq!(mix.forward_weight(0.9), 0.5);
    }
}
