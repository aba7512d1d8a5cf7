//! Two half circles that reach into each other, blurred: the usual first test of a density model.
//!
//! `(cos t, sin t)` and `(1 - cos t, 1/2 - sin t)`, `t` uniform on `[0, pi]`, each with probability 1/2, plus `N(0, noise^2 I)`.
//! The density is a quadrature along the curves, see `along_curve.rs`.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::along_curve::{AlongCurve, Curve};
use crate::{ConfigError, Stream, range};

/// Two half circles that reach into each other, blurred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TwoMoonsConfig {
    /// Standard deviation of the blur, at least 0.01.
    pub noise: f64,
}

impl Default for TwoMoonsConfig {
    fn default() -> Self {
        Self { noise: 0.1 }
    }
}

impl TwoMoonsConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("noise", self.noise, 0.01, 100.0)
    }

    /// The target.
    pub fn build(&self) -> Result<AlongCurve, ConfigError> {
        self.check()?;
        Ok(AlongCurve::new(Moons, self.noise))
    }
}

struct Moons;

impl Curve for Moons {
    fn branches(&self) -> usize {
        2
    }

    fn end(&self) -> f64 {
        PI
    }

    fn point(&self, branch: usize, t: f64) -> [f64; 2] {
        let (sin, cos) = t.sin_cos();
        if branch == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
    }

    fn weight(&self, _: f64) -> f64 {
        1.0
    }

    fn draw(&self, stream: &mut Stream) -> f64 {
        PI * stream.uniform()
    }

    fn length(&self) -> f64 {
        PI
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::Target;

    #[test]
    fn the_density_is_the_integral_along_the_arcs() {
        // Simpson's rule on 20 000 pieces.
        let target = TwoMoonsConfig::default().build().unwrap();
        for x in [[0.0, 1.0], [0.5, 0.2], [1.1, -0.6], [2.0, 0.5], [-1.3, 0.1]] {
            let at = |t: f64| {
                let kernel = |c: [f64; 2]| {
                    let square = (x[0] - c[0]).powi(2) + (x[1] - c[1]).powi(2);
                    (-square / 0.02).exp() / (2.0 * PI * 0.01)
                };
                0.5 * (kernel(Moons.point(0, t)) + kernel(Moons.point(1, t))) / PI
            };
            let (n, h) = (20_000, PI / 20_000.0);
            let inner: f64 = (1..n).map(|i| at(f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
            let exact = ((at(0.0) + at(PI) + inner) * h / 3.0).ln();
            assert!((target.log_prob_at(&x).unwrap() - exact).abs() < 1e-9, "{x:?}");
        }
        assert_eq!(TwoMoonsConfig { noise: 0.0 }.check().unwrap_err().key, "noise");
    }
}
