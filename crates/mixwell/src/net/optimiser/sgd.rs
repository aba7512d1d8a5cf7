//! Stochastic gradient descent with momentum, Polyak's or Nesterov's.
//!
//! `b <- mu b + g`; `p <- p - rate b`, or with Nesterov's momentum `p <- p - rate (g + mu b)`. The learning rate is applied to the
//! momentum, not kept in it, so that a schedule acts at once. Weight decay `w` is coupled, `g <- g + w p`.
//! References: [polyak1964methods]; [sutskever2013importance], section 2, for Nesterov's.

use serde::{Deserialize, Serialize};

use super::config::Rule;
use super::sweep::{Formula, Step};
use crate::net::values::Stored;
use crate::{ConfigError, range};
use mixwell_vector::Real;
use mixwell_vector::simd::{Isa, Lanes, Vector};

/// Settings of stochastic gradient descent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// Share of the last step's direction that is kept; 0 for none.
    pub momentum: f64,
    /// Whether the gradient looks ahead along the momentum (Nesterov).
    pub nesterov: bool,
}

impl Rule for Sgd {
    fn check(&self) -> Result<(), ConfigError> {
        range::below_one("rule.momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(ConfigError::new("rule.nesterov", true, "it needs a momentum above 0"));
        }
        Ok(())
    }

    fn n_moments(&self) -> usize {
        usize::from(self.momentum > 0.0)
    }

    fn step<T: Stored>(&self, step: Step<'_, T>) {
        let (rate, momentum) = (T::from_f64(step.learning_rate), T::from_f64(self.momentum));
        match (self.momentum > 0.0, self.nesterov) {
            (false, _) => step.by(Plain { rate }),
            (true, false) => step.by(Momentum { rate, momentum }),
            (true, true) => step.by(Nesterov { rate, momentum }),
        }
    }
}

struct Plain<T> {
    rate: T,
}

impl<T: Real> Formula<T, 0> for Plain<T> {
    #[inline(always)]
    fn step<I: Isa>(&self, g: Lanes<T, I>, _: &mut [Lanes<T, I>; 0]) -> Lanes<T, I> {
        g * Lanes::<T, I>::splat(self.rate)
    }
}

struct Momentum<T> {
    rate: T,
    momentum: T,
}

impl<T: Real> Formula<T, 1> for Momentum<T> {
    #[inline(always)]
    fn step<I: Isa>(&self, g: Lanes<T, I>, [b]: &mut [Lanes<T, I>; 1]) -> Lanes<T, I> {
        *b = b.mul_add(Lanes::<T, I>::splat(self.momentum), g);
        *b * Lanes::<T, I>::splat(self.rate)
    }
}

struct Nesterov<T> {
    rate: T,
    momentum: T,
}

impl<T: Real> Formula<T, 1> for Nesterov<T> {
    #[inline(always)]
    fn step<I: Isa>(&self, g: Lanes<T, I>, [b]: &mut [Lanes<T, I>; 1]) -> Lanes<T, I> {
        let momentum = Lanes::<T, I>::splat(self.momentum);
        *b = b.mul_add(momentum, g);
        b.mul_add(momentum, g) * Lanes::<T, I>::splat(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::after;
    use super::*;
    use crate::net::{OptimiserConfig, UpdateRule};

    fn config(momentum: f64, nesterov: bool, weight_decay: f64) -> OptimiserConfig {
        let rule = UpdateRule::Sgd(Sgd { momentum, nesterov });
        OptimiserConfig { rule, learning_rate: 0.1, weight_decay, clip_norm: 0.0, ..Default::default() }
    }

    #[test]
    fn steps_by_hand() {
        // Gradients 2 and -1 from 1. Plain: 1 - 0.2 + 0.1 = 0.9. Momentum 1/2: b = 2, then 0: 0.8, and stays.
        // Nesterov: 1 - 0.1 (2 + 1) = 0.7, then b = 0 and 0.7 - 0.1 (-1 + 0) = 0.8.
        for (momentum, nesterov, want) in [(0.0, false, 0.9), (0.5, false, 0.8), (0.5, true, 0.8)] {
            let got = after(&config(momentum, nesterov, 0.0), 1.0, &[2.0, -1.0]);
            assert!((got - want).abs() < 1e-15, "{momentum} {nesterov}: {got}");
        }
        assert!((after(&config(0.5, true, 0.0), 1.0, &[2.0]) - 0.7).abs() < 1e-15);
        // With decay 1/2 the gradient is 2 + 0.5.
        assert!((after(&config(0.0, false, 0.5), 1.0, &[2.0]) - 0.75).abs() < 1e-15);
    }
}
