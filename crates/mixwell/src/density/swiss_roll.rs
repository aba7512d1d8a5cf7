//! The Swiss roll seen from its end: a spiral, blurred.
//!
//! `((t cos t, t sin t) + N(0, noise^2 I)) / scale` with `t = 1.5 pi (1 + 2 u)`, `u` uniform: the first and third coordinate of the
//! usual three-dimensional data set, as GANs are tried on it. The density is a quadrature along the curve, see `along_curve.rs`.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::along_curve::{AlongCurve, Curve};
use crate::{ConfigError, Stream, range};

/// The Swiss roll in the plane, blurred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SwissRollConfig {
    /// Standard deviation of the blur before the division, at least 0.05.
    pub noise: f64,
    /// What everything is divided by.
    pub scale: f64,
}

impl Default for SwissRollConfig {
    fn default() -> Self {
        Self { noise: 0.25, scale: 7.5 }
    }
}

impl SwissRollConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("noise", self.noise, 0.05, 100.0)?;
        range::positive("scale", self.scale)
    }

    /// The target.
    pub fn build(&self) -> Result<AlongCurve, ConfigError> {
        self.check()?;
        Ok(AlongCurve::new(Roll { scale: self.scale }, self.noise / self.scale))
    }
}

/// Where the roll begins, and how far it goes from there.
const START: f64 = 1.5 * PI;
const TURNS: f64 = 3.0 * PI;

struct Roll {
    scale: f64,
}

impl Curve for Roll {
    fn branches(&self) -> usize {
        1
    }

    fn end(&self) -> f64 {
        TURNS
    }

    fn point(&self, _: usize, t: f64) -> [f64; 2] {
        let t = START + t;
        let (sin, cos) = t.sin_cos();
        [t * cos / self.scale, t * sin / self.scale]
    }

    fn weight(&self, _: f64) -> f64 {
        1.0
    }

    fn draw(&self, stream: &mut Stream) -> f64 {
        TURNS * stream.uniform()
    }

    fn length(&self) -> f64 {
        // The fastest pace, at the end, all along.
        let end = START + TURNS;
        TURNS * (1.0 + end * end).sqrt() / self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::Target;

    #[test]
    fn its_curve_is_the_spiral() {
        let facts = SwissRollConfig::default().build().unwrap().facts();
        let [curve] = &facts.curves[..] else { panic!("one curve") };
        // From 1.5 pi, where the cosine is zero, to 4.5 pi.
        let (first, last) = (curve.row(0), curve.row(curve.rows() - 1));
        assert!((first[1] + 1.5 * PI / 7.5).abs() < 1e-12 && (last[1] - 4.5 * PI / 7.5).abs() < 1e-12);
        assert!(curve.as_batch().iter().all(|p| {
            let t = 7.5 * p[0].hypot(p[1]);
            (p[0] - t * t.cos() / 7.5).abs() < 1e-12
        }));
    }
}
