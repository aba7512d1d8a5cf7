//! Concentric rings in the plane: the radius is a mixture of Gaussians, the angle uniform.
//!
//! `log_prob(x) = ln p_r(r) - ln(2 pi r)`, `r = |x|`, `p_r = (1/n) sum_k N(k * spacing, scale^2)`, `k = 1..n`.
//! Exact: mean 0; `Var x_j = E r^2 / 2` and the log-evidence, both for `p_r` cut off at zero; draws.
//! Reference: the rings of the balanced-training experiments. Their code divides by `2 pi k` for ring `k`; the density of
//! the stated law has `2 pi r`, which is what stands here. The origin, where the density has no finite value, is outside.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::lanes::{self, Lanes};
use super::{ExactSampler, Facts, Target};
use crate::math::normal_cdf;
use crate::{ConfigError, Stream, range};
use mixwell_vector::elementary::exp_slice;

/// Settings of [`Rings`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RingsConfig {
    /// Number of rings.
    pub rings: usize,
    /// Distance between rings, and radius of the first.
    pub spacing: f64,
    /// Standard deviation of the radius around each ring.
    pub scale: f64,
}

impl Default for RingsConfig {
    fn default() -> Self {
        Self { rings: 4, spacing: 1.0, scale: 0.15 }
    }
}

impl RingsConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("rings", self.rings, 1, 1000)?;
        range::positive("spacing", self.spacing)?;
        range::positive("scale", self.scale)
    }

    /// The target.
    pub fn build(&self) -> Result<Rings, ConfigError> {
        self.check()?;
        Ok(Rings { radii: (1..=self.rings).map(|k| k as f64 * self.spacing).collect(), scale: self.scale })
    }
}

/// Concentric rings; see the module's head for their density.
#[derive(Clone, Debug, PartialEq)]
pub struct Rings {
    radii: Vec<f64>,
    scale: f64,
}

impl Lanes for Rings {
    fn lanes_dim(&self) -> usize {
        2
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        _: &mut [[f64; L]],
    ) -> [f64; L] {
        let half_precision = 0.5 / (self.scale * self.scale);
        let norm = (self.radii.len() as f64 * self.scale * TAU.sqrt()).ln() + TAU.ln();
        let mut r = [0.0; L];
        for l in 0..L {
            r[l] = (x[0][l] * x[0][l] + x[1][l] * x[1][l]).sqrt();
        }
        // The nearest ring's term is taken out of the sum.
        let mut nearest = [f64::INFINITY; L];
        for k in &self.radii {
            for l in 0..L {
                let square = (r[l] - k) * (r[l] - k);
                nearest[l] = if square < nearest[l] { square } else { nearest[l] };
            }
        }
        let (mut sum, mut pull) = ([0.0; L], [0.0; L]);
        for k in &self.radii {
            let mut e = [0.0; L];
            for l in 0..L {
                e[l] = (nearest[l] - (k - r[l]) * (k - r[l])) * half_precision;
            }
            exp_slice(&mut e);
            for l in 0..L {
                sum[l] += e[l];
                pull[l] += e[l] * (k - r[l]);
            }
        }
        let mut out = [0.0; L];
        for l in 0..L {
            let inside = sum[l].ln() - nearest[l] * half_precision - norm - r[l].ln();
            out[l] = if r[l] == 0.0 { f64::NEG_INFINITY } else { inside };
            if GRAD {
                let radial = (pull[l] / sum[l] * (2.0 * half_precision) - 1.0 / r[l]) / r[l];
                let radial = if r[l] == 0.0 { 0.0 } else { radial };
                grad[0][l] = radial * x[0][l];
                grad[1][l] = radial * x[1][l];
            }
        }
        out
    }
}

impl Target for Rings {
    lanes::evaluates!();

    fn facts(&self) -> Facts {
        // Of N(m, s^2) above zero: mass Phi(m/s), second moment (m^2 + s^2) Phi(m/s) + m s phi(m/s).
        let s = self.scale;
        let (mut mass, mut second) = (0.0, 0.0);
        for m in &self.radii {
            let above = normal_cdf(m / s);
            mass += above;
            second += (m * m + s * s) * above + m * s * (-0.5 * (m / s).powi(2)).exp() / TAU.sqrt();
        }
        Facts {
            mean: Some(vec![0.0; 2]),
            variance: Some(vec![0.5 * second / mass; 2]),
            log_evidence: Some((mass / self.radii.len() as f64).ln()),
            ..Facts::default()
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for Rings {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        // At least half of every ring's law lies above zero.
        let r = loop {
            let r = self.radii[stream.index(self.radii.len())] + self.scale * stream.normal();
            if r > 0.0 {
                break r;
            }
        };
        let (sin, cos) = (stream.uniform() * TAU).sin_cos();
        x[0] = r * cos;
        x[1] = r * sin;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, BatchMut};

    #[test]
    fn entropy_and_variance_match_the_table() {
        // E log p in polar coordinates, midpoint rule on the radius: -3.534527; variance (7.5 + 0.0225)/2.
        let target = RingsConfig::default().build().unwrap();
        let (n, step) = (20_000, 5.5 / 20_000.0);
        let points: Vec<f64> = (0..n).flat_map(|i| [(i as f64 + 0.5) * step, 0.0]).collect();
        let mut value = vec![0.0; n];
        target.log_prob(Batch::new(&points, 2), &mut value).unwrap();
        let (mut mass, mut entropy) = (0.0, 0.0);
        for (i, v) in value.iter().enumerate() {
            let p = v.exp() * TAU * points[2 * i] * step;
            mass += p;
            entropy += p * v;
        }
        assert!((mass - 1.0).abs() < 1e-8, "{mass}");
        assert!((entropy + 3.534_527).abs() < 1e-6, "{entropy}");
        assert!((target.facts().variance.unwrap()[0] - 3.761_25).abs() < 1e-9);
    }

    #[test]
    fn dividing_by_the_ring_number_would_be_seen() {
        // At r = 1.3 with k = 1 nearest, 2 pi k and 2 pi r differ by ln 1.3 in the log-density.
        let mut value = [0.0];
        RingsConfig::default().build().unwrap().log_prob(Batch::new(&[0.0, 1.3], 2), &mut value).unwrap();
        let p_r = 0.25 * ((-2.0f64).exp() + (-0.5 * (0.7f64 / 0.15).powi(2)).exp()) / (0.15 * TAU.sqrt());
        assert!((value[0] - (p_r / (TAU * 1.3)).ln()).abs() < 1e-12);
        assert!((value[0] - (p_r / TAU).ln()).abs() > 0.2);
    }

    #[test]
    fn the_origin_is_outside_and_far_away_is_finite() {
        let (mut value, mut grad) = ([0.0; 2], [1.0; 4]);
        let target = RingsConfig::default().build().unwrap();
        target
            .log_prob_and_grad(Batch::new(&[0.0, 0.0, 1e6, 0.0], 2), &mut value, BatchMut::new(&mut grad, 2))
            .unwrap();
        assert_eq!((value[0], grad[0]), (f64::NEG_INFINITY, 0.0));
        assert!(value[1].is_finite() && grad.iter().all(|g| g.is_finite()));
    }

    #[test]
    fn bad_settings_are_named() {
        assert_eq!(RingsConfig { rings: 0, ..Default::default() }.check().unwrap_err().key, "rings");
        assert_eq!(RingsConfig { scale: f64::NAN, ..Default::default() }.check().unwrap_err().key, "scale");
    }
}
