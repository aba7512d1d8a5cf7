//! Adam and AdamW.
//!
//! `m <- b1 m + (1 - b1) g`, `v <- b2 v + (1 - b2) g^2`, `p <- p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`.
//! Weight decay `w`: coupled, `g <- g + w p` before all this (Adam), or decoupled, `p <- p - rate w p` (AdamW).
//! References: [kingma2015adam], Algorithm 1; [loshchilov2019decoupled], Algorithm 2.

use serde::{Deserialize, Serialize};

use super::config::Rule;
use super::sweep::{Formula, Step};
use crate::net::values::Stored;
use crate::{ConfigError, range};
use mixwell_vector::Real;
use mixwell_vector::simd::{Isa, Lanes, Vector};

/// Settings of Adam and AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// Memory of the gradient's mean.
    pub beta1: f64,
    /// Memory of the gradient's square.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Rule for Adam {
    fn check(&self) -> Result<(), ConfigError> {
        range::below_one("rule.beta1", self.beta1)?;
        range::below_one("rule.beta2", self.beta2)?;
        range::positive("rule.epsilon", self.epsilon)
    }

    fn n_moments(&self) -> usize {
        2
    }

    fn step<T: Stored>(&self, step: Step<'_, T>) {
        let (t, from) = (step.count, T::from_f64);
        let formula = MeanOverRoot {
            beta1: from(self.beta1),
            beta2: from(self.beta2),
            rate: from(step.learning_rate / (1.0 - self.beta1.powf(t))),
            root: from(1.0 / (1.0 - self.beta2.powf(t)).sqrt()),
            epsilon: from(self.epsilon),
        };
        step.by(formula);
    }
}

struct MeanOverRoot<T> {
    beta1: T,
    beta2: T,
    rate: T,
    root: T,
    epsilon: T,
}

impl<T: Real> Formula<T, 2> for MeanOverRoot<T> {
    #[inline(always)]
    fn step<I: Isa>(&self, g: Lanes<T, I>, [m, v]: &mut [Lanes<T, I>; 2]) -> Lanes<T, I> {
        let s = Lanes::<T, I>::splat;
        *m = *m * s(self.beta1) + g * s(T::ONE - self.beta1);
        *v = *v * s(self.beta2) + g * g * s(T::ONE - self.beta2);
        *m * s(self.rate) / (v.sqrt() * s(self.root) + s(self.epsilon))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::after;
    use super::*;
    use crate::net::{OptimiserConfig, UpdateRule};

    #[test]
    fn the_first_steps_are_as_computed_by_hand() {
        // g = 2, rate 0.1: m = 0.2, v = 0.004; both corrections give 2 and 4, so the step is 0.1 * 2 / (2 + 1e-8).
        // Then g = -1: m = 0.08, v = 0.004996; m / 0.19 = 0.421052632, v / 0.001999 = 2.499249625, root 1.580901523;
        // step 0.1 * 0.421052632 / 1.580901523 = 0.026633704.
        let config = OptimiserConfig { learning_rate: 0.1, clip_norm: 0.0, ..Default::default() };
        assert!((after(&config, 1.0, &[2.0]) - 0.9).abs() < 1e-9);
        assert!((after(&config, 1.0, &[2.0, -1.0]) - 0.9 + 0.026_633_704).abs() < 1e-8);
    }

    #[test]
    fn decay_coupled_and_decoupled_differ() {
        // Zero gradient: AdamW takes rate * decay * p off; Adam sees the gradient decay * p, whose first step is the rate.
        let rules = [UpdateRule::AdamW(Adam::default()), UpdateRule::Adam(Adam::default())];
        for (rule, want) in rules.into_iter().zip([2.0 - 0.1 * 0.01 * 2.0, 2.0 - 0.1]) {
            let config =
                OptimiserConfig { rule, learning_rate: 0.1, weight_decay: 0.01, ..Default::default() };
            assert!((after(&config, 2.0, &[0.0]) - want).abs() < 1e-6);
        }
    }
}
