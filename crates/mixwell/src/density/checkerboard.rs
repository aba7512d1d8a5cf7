//! The dark squares of a board: a uniform law with edges.
//!
//! `p(x) = 2 / side^2` on the squares `(i, j)` with `i + j` even of a board of `squares x squares` squares centred at the origin, zero
//! elsewhere. The gradient is zero inside, so chains that follow it walk at random, and only the density tells them the edges.

use serde::{Deserialize, Serialize};

use super::{EvaluationError, ExactSampler, Facts, Target};
use crate::{Batch, BatchMut, ConfigError, Stream, range};

/// The dark squares of a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckerboardConfig {
    /// Squares of a side, an even number.
    pub squares: usize,
    /// Length of the whole side.
    pub side: f64,
}

impl Default for CheckerboardConfig {
    fn default() -> Self {
        Self { squares: 4, side: 8.0 }
    }
}

impl CheckerboardConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("squares", self.squares, 2, 1000)?;
        if !self.squares.is_multiple_of(2) {
            return Err(ConfigError::new("squares", self.squares, "it must be even"));
        }
        range::positive("side", self.side)
    }

    /// The target.
    pub fn build(&self) -> Result<Checkerboard, ConfigError> {
        self.check()?;
        Ok(Checkerboard { squares: self.squares, side: self.side })
    }
}

/// The dark squares of a board.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkerboard {
    squares: usize,
    side: f64,
}

impl Checkerboard {
    fn is_dark(&self, x: &[f64]) -> bool {
        let place = |x: f64| ((x / self.side + 0.5) * self.squares as f64).floor();
        let (i, j) = (place(x[0]), place(x[1]));
        let inside = |i: f64| i >= 0.0 && i < self.squares as f64;
        inside(i) && inside(j) && (i + j) % 2.0 == 0.0
    }
}

impl Target for Checkerboard {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let inside = (2.0 / (self.side * self.side)).ln();
        for (p, x) in log_prob.iter_mut().zip(x.iter()) {
            *p = if self.is_dark(x) { inside } else { f64::NEG_INFINITY };
        }
        if let Some(mut grad) = grad {
            grad.data_mut().fill(0.0);
        }
        Ok(())
    }

    fn facts(&self) -> Facts {
        // Every coordinate alone is uniform; rows of squares make up for each other.
        Facts {
            mean: Some(vec![0.0; 2]),
            variance: Some(vec![self.side * self.side / 12.0; 2]),
            log_evidence: Some(0.0),
            ..Facts::default()
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for Checkerboard {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        let n = self.squares;
        let i = stream.index(n);
        let j = 2 * stream.index(n / 2) + i % 2;
        let width = self.side / n as f64;
        x[0] = (i as f64 + stream.uniform()) * width - 0.5 * self.side;
        x[1] = (j as f64 + stream.uniform()) * width - 0.5 * self.side;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_squares_are_those_of_the_diagonal() {
        let board = CheckerboardConfig::default().build().unwrap();
        let inside = -(32f64.ln());
        for (x, value) in [([-3.0, -3.0], inside), ([-1.0, -3.0], f64::NEG_INFINITY), ([1.0, 1.0], inside)] {
            assert!(
                board.log_prob_at(&x).unwrap() == value
                    || (board.log_prob_at(&x).unwrap() - value).abs() < 1e-12
            );
        }
        assert_eq!(board.log_prob_at(&[4.5, 4.5]).unwrap(), f64::NEG_INFINITY);
        assert_eq!(
            CheckerboardConfig { squares: 3, ..Default::default() }.check().unwrap_err().key,
            "squares"
        );
    }
}
