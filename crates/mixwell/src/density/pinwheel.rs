//! Bent blades around the origin.
//!
//! `x = scale R(2 pi k / arms + twist e^|f|) f` with a blade `k` uniform, `f = (1 + radial_sd a, tangential_sd b)`, `a, b ~ N(0, 1)`, and `R`
//! a turn. Turning by an angle that depends on the radius alone keeps areas, so the density is exact: the sum over blades of the
//! density of `f` turned back, divided by `scale^2`. The generator that is passed around turns by `e^f_1` instead, which is the same to
//! within the width of a blade and has no density in closed form.
//! Reference: Johnson et al., NeurIPS 2016.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::{EvaluationError, ExactSampler, Facts, Target};
use crate::{Batch, BatchMut, ConfigError, Stream, range};

/// Bent blades around the origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PinwheelConfig {
    /// Number of blades.
    pub arms: usize,
    /// Standard deviation along a blade.
    pub radial_sd: f64,
    /// Standard deviation across a blade.
    pub tangential_sd: f64,
    /// How strongly blades are bent.
    pub twist: f64,
    /// Size of the whole.
    pub scale: f64,
}

impl Default for PinwheelConfig {
    fn default() -> Self {
        Self { arms: 5, radial_sd: 0.3, tangential_sd: 0.1, twist: 0.25, scale: 2.0 }
    }
}

impl PinwheelConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("arms", self.arms, 1, 1000)?;
        range::positive("radial_sd", self.radial_sd)?;
        range::positive("tangential_sd", self.tangential_sd)?;
        range::finite("twist", self.twist)?;
        range::positive("scale", self.scale)
    }

    /// The target.
    pub fn build(&self) -> Result<Pinwheel, ConfigError> {
        self.check()?;
        Ok(Pinwheel { config: self.clone() })
    }
}

/// Bent blades; see the module's head for their density.
#[derive(Clone, Debug, PartialEq)]
pub struct Pinwheel {
    config: PinwheelConfig,
}

impl Pinwheel {
    fn at(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        let PinwheelConfig { arms, radial_sd, tangential_sd, twist, scale } = self.config;
        let u = [x[0] / scale, x[1] / scale];
        let r = u[0].hypot(u[1]);
        let bend = twist * r.exp();
        let blade = |k: usize| {
            let (sin, cos) = (TAU * k as f64 / arms as f64 + bend).sin_cos();
            // Turned back, then in units of standard deviations.
            let f = [cos * u[0] + sin * u[1], cos * u[1] - sin * u[0]];
            let (a, b) = ((f[0] - 1.0) / radial_sd, f[1] / tangential_sd);
            (f, (sin, cos), -0.5 * (a * a + b * b))
        };
        let max = (0..arms).map(|k| blade(k).2).fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut slope) = (0.0, [0.0; 2]);
        for k in 0..arms {
            let (f, (sin, cos), exponent) = blade(k);
            let weight = (exponent - max).exp();
            sum += weight;
            let g = [-(f[0] - 1.0) / (radial_sd * radial_sd), -f[1] / (tangential_sd * tangential_sd)];
            // A step outwards turns further back: df = R' du - bend' J f dr with J f = (-f_2, f_1).
            let turn = if r > 0.0 { bend * (g[1] * f[0] - g[0] * f[1]) / r } else { 0.0 };
            slope[0] += weight * (cos * g[0] - sin * g[1] - turn * u[0]);
            slope[1] += weight * (sin * g[0] + cos * g[1] - turn * u[1]);
        }
        if let Some(grad) = grad {
            let inside = sum > 0.0 && max.is_finite();
            grad.iter_mut().zip(slope).for_each(|(g, s)| *g = if inside { s / (sum * scale) } else { 0.0 });
        }
        let norm = (arms as f64 * TAU * radial_sd * tangential_sd * scale * scale).ln();
        if max == f64::NEG_INFINITY || max.is_nan() { f64::NEG_INFINITY } else { max + sum.ln() - norm }
    }
}

impl Target for Pinwheel {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        match grad {
            None => log_prob.iter_mut().zip(x.iter()).for_each(|(p, x)| *p = self.at(x, None)),
            Some(mut grad) => {
                for ((p, x), g) in log_prob.iter_mut().zip(x.iter()).zip(grad.iter_mut()) {
                    *p = self.at(x, Some(g));
                }
            }
        }
        Ok(())
    }

    fn facts(&self) -> Facts {
        let PinwheelConfig { arms, radial_sd, tangential_sd, scale, .. } = self.config;
        if arms < 3 {
            return Facts { log_evidence: Some(0.0), ..Facts::default() };
        }
        // Three blades or more spread evenly: mean 0, and E|x|^2 / 2 in each coordinate.
        let square = 1.0 + radial_sd * radial_sd + tangential_sd * tangential_sd;
        Facts {
            mean: Some(vec![0.0; 2]),
            variance: Some(vec![0.5 * scale * scale * square; 2]),
            log_evidence: Some(0.0),
            ..Facts::default()
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for Pinwheel {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        let PinwheelConfig { arms, radial_sd, tangential_sd, twist, scale } = self.config;
        let k = stream.index(arms);
        let f = [1.0 + radial_sd * stream.normal(), tangential_sd * stream.normal()];
        let (sin, cos) = (TAU * k as f64 / arms as f64 + twist * f[0].hypot(f[1]).exp()).sin_cos();
        x[0] = scale * (cos * f[0] - sin * f[1]);
        x[1] = scale * (sin * f[0] + cos * f[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_named() {
        assert_eq!(PinwheelConfig { arms: 0, ..Default::default() }.check().unwrap_err().key, "arms");
        let bad = PinwheelConfig { twist: f64::NAN, ..Default::default() };
        assert_eq!(bad.check().unwrap_err().key, "twist");
    }
}
