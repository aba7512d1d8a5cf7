//! Dual moon: a thin shell cut into four caps, in five dimensions by default.
//!
//! `log_prob(x) = -((|x| - radius)/width)^2 / 2 + sum over j = 0, 1 of ln(exp(-((x_j - c)/s_j)^2/2) + exp(-((x_j + c)/s_j)^2/2))`,
//! unnormalised. Exact: mean 0 and four modes of weight 1/4, by the symmetry under `x_j -> -x_j`; `log_prob(0) = -218.14496`;
//! variance and log-evidence by quadrature in three dimensions: with `x = r (sin t cos p, sin t sin p, cos t n)`, `n` a unit
//! vector of the other `dim - 2` coordinates, the volume is `r^{dim-1} cos(t)^{dim-3} sin(t) dr dt dp dn`.
//! Reference: the tutorial of the flowMC package. The gradient of `|x|` at the origin, where there is none, is zero here.
//! Shapes: points are rows of `dim`.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::lanes::{self, Lanes};
use super::{Facts, Modes, Target};
use crate::{Batch, BatchMut, ConfigError, Points, range};
use mixwell_vector::elementary::exp_slice;

/// Settings of [`DualMoon`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DualMoonConfig {
    /// Number of coordinates.
    pub dim: usize,
    /// Radius of the shell.
    pub radius: f64,
    /// Thickness of the shell.
    pub width: f64,
    /// Where the first two coordinates are drawn to, up to their sign.
    pub centre: f64,
    /// How strongly they are drawn there: standard deviations.
    pub scales: [f64; 2],
}

impl Default for DualMoonConfig {
    fn default() -> Self {
        Self { dim: 5, radius: 2.0, width: 0.1, centre: 3.0, scales: [0.8, 0.6] }
    }
}

impl DualMoonConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::dim(self.dim, 2)?;
        range::positive("radius", self.radius)?;
        range::positive("width", self.width)?;
        range::finite("centre", self.centre)?;
        (0..2).try_for_each(|i| range::positive(&format!("scales[{i}]"), self.scales[i]))
    }

    /// The target.
    pub fn build(&self) -> Result<DualMoon, ConfigError> {
        self.check()?;
        Ok(DualMoon { config: self.clone(), facts: OnceLock::new() })
    }
}

/// The dual moon; see the module's head for its density.
#[derive(Clone, Debug)]
pub struct DualMoon {
    config: DualMoonConfig,
    facts: OnceLock<Facts>,
}

impl DualMoon {
    /// The maximum with both first coordinates positive; `None` when the ascent does not end inside the quadrant, or ends
    /// less than one nat above the axes that part the quadrants.
    fn mode(&self) -> Option<Vec<f64>> {
        let c = &self.config;
        let mut x = vec![0.0; c.dim];
        x[..2].fill(c.radius / 2f64.sqrt());
        let mut grad = vec![0.0; c.dim];
        // Gradient ascent with half the step that the stiffest direction allows.
        let step = 0.5 / (c.width.powi(-2) + c.scales[0].powi(-2) + c.scales[1].powi(-2));
        for _ in 0..20_000 {
            self.log_prob_and_grad(Batch::new(&x, c.dim), &mut [0.0], BatchMut::new(&mut grad, c.dim))
                .ok()?;
            x.iter_mut().zip(&grad).for_each(|(x, g)| *x += step * g);
            if grad.iter().all(|g| g.abs() < 1e-10) {
                break;
            }
        }
        let settled = grad.iter().all(|g| g.abs() < 1e-6);
        let mut heights = [0.0; 3];
        let mut points = Points::zeros(3, c.dim);
        points.row_mut(0).copy_from_slice(&x);
        points.row_mut(1)[0] = c.radius;
        points.row_mut(2)[1] = c.radius;
        self.log_prob(points.as_batch(), &mut heights).ok()?;
        let apart = heights[0] > 1.0 + heights[1].max(heights[2]);
        (settled && apart && x[..2].iter().all(|v| *v > 0.0)).then_some(x)
    }
}

impl Lanes for DualMoon {
    fn lanes_dim(&self) -> usize {
        self.config.dim
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        _: &mut [[f64; L]],
    ) -> [f64; L] {
        let c = &self.config;
        let (centre, inverse_width) = (c.centre.abs(), 1.0 / c.width);
        let mut square = [0.0; L];
        for column in x {
            for l in 0..L {
                square[l] += column[l] * column[l];
            }
        }
        let r = lanes::map(square, f64::sqrt);
        let mut out = [0.0; L];
        for l in 0..L {
            let off = (r[l] - c.radius) * inverse_width;
            out[l] = -0.5 * off * off;
        }
        if GRAD {
            let slope = lanes::map(r, |r| {
                if r == 0.0 { 0.0 } else { -(r - c.radius) * inverse_width * inverse_width / r }
            });
            for (g, x) in grad.iter_mut().zip(x) {
                for l in 0..L {
                    g[l] = slope[l] * x[l];
                }
            }
        }
        for j in 0..2 {
            let precision = 1.0 / (c.scales[j] * c.scales[j]);
            // The nearer peak taken out: -(|x| - c)^2/(2 s^2) + ln(1 + e), e = exp(-2 c |x| / s^2).
            let mut e = lanes::map(x[j], |x| -2.0 * centre * x.abs() * precision);
            exp_slice(&mut e);
            for l in 0..L {
                let off = x[j][l].abs() - centre;
                out[l] += e[l].ln_1p() - 0.5 * off * off * precision;
            }
            if GRAD {
                for l in 0..L {
                    let pull = centre * (1.0 - e[l]) / (1.0 + e[l]);
                    let pull = if x[j][l] < 0.0 { -pull } else { pull };
                    grad[j][l] -= (x[j][l] - pull) * precision;
                }
            }
        }
        out
    }
}

impl Target for DualMoon {
    lanes::evaluates!();

    fn facts(&self) -> Facts {
        let make = || {
            let modes = self.mode().map(|mode| {
                let mut centres = Points::zeros(4, self.config.dim);
                for (k, row) in centres.as_batch_mut().iter_mut().enumerate() {
                    row[0] = if k & 2 == 0 { mode[0] } else { -mode[0] };
                    row[1] = if k & 1 == 0 { mode[1] } else { -mode[1] };
                }
                Modes { centres, weights: Some(vec![0.25; 4]), deviations: None }
            });
            let (log_evidence, variance) = self.integrals().unzip();
            Facts {
                mean: Some(vec![0.0; self.config.dim]),
                variance,
                log_evidence,
                modes,
                ..Facts::default()
            }
        };
        self.facts.get_or_init(make).clone()
    }
}

impl DualMoon {
    /// Log-evidence, and the variance of every coordinate; not above 50 dimensions.
    fn integrals(&self) -> Option<(f64, Vec<f64>)> {
        let c = &self.config;
        // The volume pulls the radius outward by at most sqrt(dim - 1) widths, which must stay within the range below.
        if c.dim > 50 {
            return None;
        }
        let rest = c.dim - 2;
        // Integrands are analytic: midpoint sums converge geometrically in p, and Simpson's rule does for r and t.
        let (low, high) = ((c.radius - 12.0 * c.width).max(0.0), c.radius + 12.0 * c.width);
        let radii = simpson(low, high, 160);
        let tilts = if rest == 0 { vec![(FRAC_PI_2, 1.0)] } else { simpson(0.0, FRAC_PI_2, 96) };
        let turns = 48;
        let mut x = Points::zeros(turns, c.dim);
        let mut value = vec![0.0; turns];
        // At the top of the shell nothing is larger than this, so the exponentials stay in range.
        let top = self.log_prob_bound();
        let (mut mass, mut squares) = (0.0, [0.0; 3]);
        for (r, weight_r) in &radii {
            for (t, weight_t) in &tilts {
                let (sin, cos) = t.sin_cos();
                for (k, row) in x.as_batch_mut().iter_mut().enumerate() {
                    let (sin_p, cos_p) = (FRAC_PI_2 * (k as f64 + 0.5) / turns as f64).sin_cos();
                    row[0] = r * sin * cos_p;
                    row[1] = r * sin * sin_p;
                    if rest > 0 {
                        row[2] = r * cos;
                    }
                }
                self.log_prob(x.as_batch(), &mut value).expect("a formula does not fail");
                // In the plane there is no tilt, and its weight is one.
                let tilt = if rest == 0 { 1.0 } else { cos.powi(c.dim as i32 - 3) * sin };
                let volume = weight_r * weight_t * r.powi(c.dim as i32 - 1) * tilt / turns as f64;
                for (row, v) in x.as_batch().iter().zip(&value) {
                    let p = (v - top).exp() * volume;
                    mass += p;
                    squares[0] += p * row[0] * row[0];
                    squares[1] += p * row[1] * row[1];
                    squares[2] += p * (r * cos).powi(2);
                }
            }
        }
        let mut variance = vec![squares[2] / (mass * rest.max(1) as f64); c.dim];
        variance[0] = squares[0] / mass;
        variance[1] = squares[1] / mass;
        // Four quarter turns, and the unit sphere of the other coordinates: 2 pi^(k/2) / Gamma(k/2).
        let half = 0.5 * rest as f64;
        let sphere = if rest == 0 { 0.0 } else { 2f64.ln() + half * PI.ln() - libm::lgamma(half) };
        Some((top + mass.ln() + (2.0 * PI).ln() + sphere, variance))
    }

    /// No point has a larger log-density: the shell's term is not positive, each pair of peaks adds at most `ln 2`.
    fn log_prob_bound(&self) -> f64 {
        let c = &self.config;
        let reach = c.radius + 12.0 * c.width;
        let gap = (c.centre.abs() - reach).max(0.0);
        2.0 * 2f64.ln() - 0.5 * c.scales.iter().map(|s| (gap / s).powi(2)).sum::<f64>()
    }
}

/// Nodes and weights of Simpson's rule with `2 n` intervals.
fn simpson(low: f64, high: f64, n: usize) -> Vec<(f64, f64)> {
    let step = (high - low) / (2 * n) as f64;
    (0..=2 * n)
        .map(|i| {
            let weight = if i == 0 || i == 2 * n {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            };
            (low + i as f64 * step, weight * step / 3.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_prob_at_the_origin() {
        // -(2/0.1)^2/2 + ln 2 - (3/0.8)^2/2 + ln 2 - (3/0.6)^2/2 = -200 - 7.03125 - 12.5 + 1.38629436.
        let (mut out, mut grad) = ([0.0], [1.0; 5]);
        let target = DualMoonConfig::default().build().unwrap();
        target.log_prob_and_grad(Batch::new(&[0.0; 5], 5), &mut out, BatchMut::new(&mut grad, 5)).unwrap();
        assert!((out[0] + 218.144_955_638_880_1).abs() < 1e-9, "{}", out[0]);
        assert_eq!(grad, [0.0; 5]);
    }

    #[test]
    fn far_from_the_peaks_the_two_peak_sum_does_not_underflow() {
        let mut out = [0.0];
        DualMoonConfig::default()
            .build()
            .unwrap()
            .log_prob(Batch::new(&[1e3, 0.0, 0.0, 0.0, 0.0], 5), &mut out)
            .unwrap();
        // -(998/0.1)^2/2 - (997/0.8)^2/2 + ln 2 - 12.5.
        assert!((out[0] / -50_576_575.938_1 - 1.0).abs() < 1e-3 && out[0].is_finite(), "{}", out[0]);
    }

    #[test]
    fn merged_caps_have_no_stated_modes() {
        let modes = |c: DualMoonConfig| c.build().unwrap().facts().modes;
        assert!(modes(DualMoonConfig { scales: [5.0, 5.0], ..Default::default() }).is_none());
        assert!(modes(DualMoonConfig { centre: 0.0, ..Default::default() }).is_none());
        assert_eq!(modes(DualMoonConfig::default()).unwrap().centres.rows(), 4);
    }

    #[test]
    fn integrals_in_four_dimensions_match_a_plain_grid() {
        let config = DualMoonConfig { dim: 4, radius: 1.2, width: 0.4, centre: 1.5, scales: [0.9, 0.7] };
        let target = config.build().unwrap();
        let (n, half) = (44, 3.3);
        let step = 2.0 * half / n as f64;
        let at = |k: usize| (k as f64 + 0.5) * step - half;
        let mut row = Points::zeros(n, 4);
        let mut value = vec![0.0; n];
        let (mut mass, mut squares) = (0.0, [0.0; 4]);
        for outer in 0..n * n * n {
            let fixed = [at(outer % n), at(outer / n % n), at(outer / n / n)];
            for (k, r) in row.as_batch_mut().iter_mut().enumerate() {
                r[..3].copy_from_slice(&fixed);
                r[3] = at(k);
            }
            target.log_prob(row.as_batch(), &mut value).unwrap();
            for (r, v) in row.as_batch().iter().zip(&value) {
                let p = v.exp();
                mass += p;
                (0..4).for_each(|j| squares[j] += p * r[j] * r[j]);
            }
        }
        let facts = target.facts();
        // The shell reaches the origin here, where |x| is not smooth: that limits the plain grid.
        assert!((facts.log_evidence.unwrap() - (mass * step.powi(4)).ln()).abs() < 1e-4);
        for (stated, square) in facts.variance.unwrap().iter().zip(squares) {
            assert!((stated - square / mass).abs() < 1e-4, "{stated} {}", square / mass);
        }
    }

    #[test]
    fn bad_settings_are_named() {
        assert_eq!(DualMoonConfig { dim: 1, ..Default::default() }.check().unwrap_err().key, "dim");
        assert_eq!(DualMoonConfig { width: 0.0, ..Default::default() }.check().unwrap_err().key, "width");
        let c = DualMoonConfig { scales: [1.0, f64::NAN], ..Default::default() };
        assert_eq!(c.check().unwrap_err().key, "scales[1]");
    }
}
