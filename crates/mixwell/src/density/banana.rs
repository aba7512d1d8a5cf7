//! Banana: pairs `(u, v)` with `u ~ N(0, s^2)` and `v | u ~ N(b u^2 - b s^2, 1)`.
//!
//! `log_prob(x) = sum over pairs  -(v - b u^2 + b s^2)^2 / 2 - u^2 / (2 s^2)`, unnormalised.
//! Exact: log-evidence `(dim/2) ln(2 pi s)`, mean 0, `Var u = s^2`, `Var v = 1 + 2 b^2 s^4`, draws.
//! Reference: the twisted Gaussian of Haario, Saksman, Tamminen (1999), in the parametrisation of Samsonov et al. (2022).
//! Shapes: points are rows of `dim`; pairs are neighbours `(x[0], x[1])`, `(x[2], x[3])`, ...

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::lanes::{self, Lanes};
use super::{ExactSampler, Facts, Modes, Target};
use crate::{ConfigError, Points, Stream, range};

/// Settings of [`Banana`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BananaConfig {
    /// Number of coordinates, even.
    pub dim: usize,
    /// How strongly the second coordinate of a pair bends.
    pub b: f64,
    /// Standard deviation of the first coordinate of a pair.
    pub s: f64,
}

impl Default for BananaConfig {
    fn default() -> Self {
        Self { dim: 20, b: 0.02, s: 5.0 }
    }
}

impl BananaConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::dim(self.dim, 2)?;
        if !self.dim.is_multiple_of(2) {
            return Err(ConfigError::new("dim", self.dim, "a banana is made of pairs, so it must be even"));
        }
        range::finite("b", self.b)?;
        range::positive("s", self.s)
    }

    /// The target.
    pub fn build(&self) -> Result<Banana, ConfigError> {
        self.check()?;
        Ok(Banana { dim: self.dim, b: self.b, s: self.s })
    }
}

/// A banana in each pair of coordinates; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct Banana {
    dim: usize,
    b: f64,
    s: f64,
}

impl Lanes for Banana {
    fn lanes_dim(&self) -> usize {
        self.dim
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        _: &mut [[f64; L]],
    ) -> [f64; L] {
        let (b, shift, precision) = (self.b, self.b * self.s * self.s, 1.0 / (self.s * self.s));
        let mut sum = [0.0; L];
        for (i, pair) in x.chunks_exact(2).enumerate() {
            for l in 0..L {
                let (u, v) = (pair[0][l], pair[1][l]);
                let off = v - b * (u * u) + shift;
                sum[l] += off * off + u * u * precision;
                if GRAD {
                    grad[2 * i][l] = 2.0 * b * u * off - u * precision;
                    grad[2 * i + 1][l] = -off;
                }
            }
        }
        lanes::map(sum, |q| -0.5 * q)
    }
}

impl Target for Banana {
    lanes::evaluates!();

    fn facts(&self) -> Facts {
        let pairs =
            |u: f64, v: f64| (0..self.dim).map(|i| if i % 2 == 0 { u } else { v }).collect::<Vec<_>>();
        let s2 = self.s * self.s;
        Facts {
            mean: Some(pairs(0.0, 0.0)),
            variance: Some(pairs(s2, 1.0 + 2.0 * (self.b * s2).powi(2))),
            log_evidence: Some(0.5 * self.dim as f64 * (TAU * self.s).ln()),
            // The only stationary point: both squares are zero there.
            modes: Some(Modes {
                centres: Points::from_vec(pairs(0.0, -self.b * s2), self.dim),
                weights: Some(vec![1.0]),
                deviations: None,
            }),
            ..Facts::default()
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for Banana {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        stream.fill_normal(x);
        for pair in x.chunks_exact_mut(2) {
            pair[0] *= self.s;
            pair[1] += self.b * pair[0] * pair[0] - self.b * self.s * self.s;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_moments() {
        let facts = BananaConfig::default().build().unwrap().facts();
        // Var u = 25, Var v = 1 + 2 (0.02)^2 5^4 = 1.5.
        let variance = facts.variance.unwrap();
        assert!((variance[0] - 25.0).abs() < 1e-12 && (variance[19] - 1.5).abs() < 1e-12);
        assert!((facts.log_evidence.unwrap() - 10.0 * (TAU * 5.0).ln()).abs() < 1e-12);
    }

    #[test]
    fn odd_dimensions_are_refused_by_name() {
        let e = BananaConfig { dim: 7, ..Default::default() }.check().unwrap_err();
        assert_eq!(e.to_string(), "`dim` is 7, but a banana is made of pairs, so it must be even");
        assert_eq!(BananaConfig { s: 0.0, ..Default::default() }.check().unwrap_err().key, "s");
        assert_eq!(BananaConfig { b: f64::NAN, ..Default::default() }.check().unwrap_err().key, "b");
    }
}
