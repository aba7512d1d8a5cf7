//! Adamax: Adam with the largest size of the gradient in place of its root mean square.
//!
//! `m <- b1 m + (1 - b1) g`, `u <- max(b2 u, |g| + eps)`, `p <- p - rate / (1 - b1^t) m / u`. The paper has no `eps`; with it a
//! parameter whose gradient was always zero stays where it is. Weight decay `w` is coupled, `g <- g + w p`.
//! Reference: [kingma2015adam], Algorithm 2.

use serde::{Deserialize, Serialize};

use super::config::Rule;
use super::sweep::{Formula, Step};
use crate::net::values::Stored;
use crate::{ConfigError, range};
use mixwell_vector::Real;
use mixwell_vector::simd::{Isa, Lanes, Vector};

/// Settings of Adamax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adamax {
    /// Memory of the gradient's mean.
    pub beta1: f64,
    /// Memory of the gradient's largest size.
    pub beta2: f64,
    /// Added to the gradient's size.
    pub epsilon: f64,
}

impl Default for Adamax {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Rule for Adamax {
    fn check(&self) -> Result<(), ConfigError> {
        range::below_one("rule.beta1", self.beta1)?;
        range::below_one("rule.beta2", self.beta2)?;
        range::positive("rule.epsilon", self.epsilon)
    }

    fn n_moments(&self) -> usize {
        2
    }

    fn step<T: Stored>(&self, step: Step<'_, T>) {
        let from = T::from_f64;
        let formula = MeanOverLargest {
            beta1: from(self.beta1),
            beta2: from(self.beta2),
            rate: from(step.learning_rate / (1.0 - self.beta1.powf(step.count))),
            epsilon: from(self.epsilon),
        };
        step.by(formula);
    }
}

struct MeanOverLargest<T> {
    beta1: T,
    beta2: T,
    rate: T,
    epsilon: T,
}

impl<T: Real> Formula<T, 2> for MeanOverLargest<T> {
    #[inline(always)]
    fn step<I: Isa>(&self, g: Lanes<T, I>, [m, u]: &mut [Lanes<T, I>; 2]) -> Lanes<T, I> {
        let s = Lanes::<T, I>::splat;
        *m = *m * s(self.beta1) + g * s(T::ONE - self.beta1);
        *u = (*u * s(self.beta2)).max(g.abs() + s(self.epsilon));
        *m * s(self.rate) / *u
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::after;
    use super::*;
    use crate::net::{OptimiserConfig, UpdateRule};

    #[test]
    fn the_first_steps_are_as_computed_by_hand() {
        // g = 2, rate 0.1: m = 0.2, u = 2, step 0.1 / 0.1 * 0.2 / 2 = 0.1.
        // Then g = -1: m = 0.08, u = 1.998, step 0.1 / 0.19 * 0.08 / 1.998 = 0.021073705.
        let rule = UpdateRule::Adamax(Adamax::default());
        let config = OptimiserConfig { rule, learning_rate: 0.1, clip_norm: 0.0, ..Default::default() };
        assert!((after(&config, 1.0, &[2.0]) - 0.9).abs() < 1e-8);
        assert!((after(&config, 1.0, &[2.0, -1.0]) - 0.878_926_295).abs() < 1e-8);
        assert_eq!(after(&config, 1.0, &[0.0, 0.0]), 1.0);
    }
}
