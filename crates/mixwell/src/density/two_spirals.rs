//! Two spirals turned by half a circle, blurred.
//!
//! `+-(-t cos t, t sin t) / 3`, `t = 3 pi sqrt(u)` with `u` uniform, each with probability 1/2, plus `N(0, noise^2 I)`.
//! The density is a quadrature along the curves, see `along_curve.rs`. The generator that is passed around adds a uniform shift up to
//! 1/6 too, which only blurs one side; it is left out.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::along_curve::{AlongCurve, Curve};
use crate::{ConfigError, Stream, range};

/// Two spirals turned by half a circle, blurred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TwoSpiralsConfig {
    /// Standard deviation of the blur, at least 0.02.
    pub noise: f64,
}

impl Default for TwoSpiralsConfig {
    fn default() -> Self {
        Self { noise: 0.1 }
    }
}

impl TwoSpiralsConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("noise", self.noise, 0.02, 100.0)
    }

    /// The target.
    pub fn build(&self) -> Result<AlongCurve, ConfigError> {
        self.check()?;
        Ok(AlongCurve::new(Spirals, self.noise))
    }
}

const TURNS: f64 = 3.0 * PI;

struct Spirals;

impl Curve for Spirals {
    fn branches(&self) -> usize {
        2
    }

    fn end(&self) -> f64 {
        TURNS
    }

    fn point(&self, branch: usize, t: f64) -> [f64; 2] {
        let (sin, cos) = t.sin_cos();
        let side = if branch == 0 { t / 3.0 } else { -t / 3.0 };
        [-side * cos, side * sin]
    }

    fn weight(&self, t: f64) -> f64 {
        t
    }

    fn draw(&self, stream: &mut Stream) -> f64 {
        TURNS * stream.uniform().sqrt()
    }

    fn length(&self) -> f64 {
        // The fastest pace, at the end, all along.
        TURNS * (1.0 + TURNS * TURNS).sqrt() / 3.0
    }
}
