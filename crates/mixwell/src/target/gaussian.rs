//! Gaussians: standard, with scales over several decades, and with any covariance.
//!
//! `log_prob(x) = -|W (x - m)|^2 / 2 + ln det W - (d/2) ln(2 pi)`, with `W = C^-1` and `C C' = covariance` (Cholesky);
//! normalised, so the log-evidence is zero. `W` is diagonal or lower triangular and is applied, not solved with.
//! Shapes: points are rows of `dim`; matrices are rows, `dim x dim`.

use std::f64::consts::TAU;

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::check::{check_dim, check_finite, check_matrix, check_positive, check_vector};
use super::lanes::{self, Lanes};
use super::{ExactSampler, Facts, Modes, Target};
use crate::{Batch, BatchMut, ConfigError, Points, Stream};

/// `N(mean, scale^2 I)` with the same mean in every coordinate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StandardGaussianConfig {
    /// Number of coordinates.
    pub dim: usize,
    /// Mean of every coordinate.
    pub mean: f64,
    /// Standard deviation of every coordinate.
    pub scale: f64,
}

impl Default for StandardGaussianConfig {
    fn default() -> Self {
        Self { dim: 30, mean: 0.0, scale: 1.0 }
    }
}

impl StandardGaussianConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_dim(self.dim, 1)?;
        check_finite("mean", self.mean)?;
        check_positive("scale", self.scale)
    }

    /// The target.
    pub fn build(&self) -> Result<Gaussian, ConfigError> {
        self.check()?;
        Ok(Gaussian::diagonal(vec![self.mean; self.dim], vec![self.scale; self.dim]))
    }
}

/// A centred Gaussian whose standard deviations are spaced evenly in their logarithm, rotated in one plane if wanted.
///
/// The defaults are the scales of the talk's code. For the covariance `R diag(logspace(-1, 1)) R'` set
/// `log10_scale_min = -0.5`, `log10_scale_max = 0.5`, `rotation = 0.7853981633974483`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IllConditionedGaussianConfig {
    /// Number of coordinates, at least 2.
    pub dim: usize,
    /// Decimal logarithm of the first coordinate's standard deviation.
    pub log10_scale_min: f64,
    /// Decimal logarithm of the last coordinate's standard deviation.
    pub log10_scale_max: f64,
    /// Angle in radians by which the plane of the first and the last coordinate is turned.
    pub rotation: f64,
}

impl Default for IllConditionedGaussianConfig {
    fn default() -> Self {
        Self { dim: 50, log10_scale_min: -2.0, log10_scale_max: 2.0, rotation: 0.0 }
    }
}

impl IllConditionedGaussianConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_dim(self.dim, 2)?;
        for (key, v) in [("log10_scale_min", self.log10_scale_min), ("log10_scale_max", self.log10_scale_max)]
        {
            // Variances beyond this lose the smaller ones to rounding.
            if !(v.abs() <= 6.0) {
                return Err(ConfigError::new(key, v, "it must lie between -6 and 6"));
            }
        }
        check_finite("rotation", self.rotation)
    }

    /// The target.
    pub fn build(&self) -> Result<Gaussian, ConfigError> {
        self.check()?;
        let step = (self.log10_scale_max - self.log10_scale_min) / (self.dim - 1) as f64;
        let scales: Vec<f64> =
            (0..self.dim).map(|i| 10f64.powf(self.log10_scale_min + i as f64 * step)).collect();
        if self.rotation == 0.0 {
            return Ok(Gaussian::diagonal(vec![0.0; self.dim], scales));
        }
        let (sin, cos) = self.rotation.sin_cos();
        let last = self.dim - 1;
        let (first_variance, last_variance) = (scales[0] * scales[0], scales[last] * scales[last]);
        let mut covariance =
            DMatrix::from_fn(self.dim, self.dim, |i, j| if i == j { scales[i] * scales[i] } else { 0.0 });
        covariance[(0, 0)] = cos * cos * first_variance + sin * sin * last_variance;
        covariance[(last, last)] = sin * sin * first_variance + cos * cos * last_variance;
        covariance[(0, last)] = cos * sin * (first_variance - last_variance);
        covariance[(last, 0)] = covariance[(0, last)];
        Gaussian::full(vec![0.0; self.dim], &covariance)
    }
}

/// A Gaussian with any mean and covariance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianConfig {
    /// Mean, one number per coordinate.
    pub mean: Vec<f64>,
    /// Covariance, as rows; symmetric and positive definite.
    pub covariance: Vec<Vec<f64>>,
}

impl Default for GaussianConfig {
    fn default() -> Self {
        Self { mean: vec![0.0, 0.0], covariance: vec![vec![1.0, 0.9], vec![0.9, 1.0]] }
    }
}

impl GaussianConfig {
    /// Checks shapes, symmetry and definiteness.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.build().map(|_| ())
    }

    /// The target.
    pub fn build(&self) -> Result<Gaussian, ConfigError> {
        let mean = check_vector("mean", &self.mean)?;
        let covariance = check_matrix("covariance", &self.covariance, mean.len())?;
        Gaussian::full(mean, &covariance)
    }
}

/// A Gaussian; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    mean: Vec<f64>,
    variance: Vec<f64>,
    shape: Shape,
    log_norm: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Diagonal {
        inverse_scale: Vec<f64>,
        scale: Vec<f64>,
    },
    /// Lower triangles, row after row: row `i` has `i + 1` numbers.
    Full {
        whiten: Vec<f64>,
        colour: Vec<f64>,
    },
}

/// Row `i` of a packed lower triangle.
fn packed(triangle: &[f64], i: usize) -> &[f64] {
    &triangle[i * (i + 1) / 2..(i + 1) * (i + 2) / 2]
}

impl Gaussian {
    /// Independent coordinates with these standard deviations, which must be positive.
    pub(crate) fn diagonal(mean: Vec<f64>, scale: Vec<f64>) -> Self {
        let variance = scale.iter().map(|s| s * s).collect();
        let log_norm = -scale.iter().map(|s| s.ln()).sum::<f64>() - 0.5 * scale.len() as f64 * TAU.ln();
        let inverse_scale = scale.iter().map(|s| 1.0 / s).collect();
        Self { mean, variance, shape: Shape::Diagonal { inverse_scale, scale }, log_norm }
    }

    /// Any covariance; an error when it is not symmetric positive definite.
    pub(crate) fn full(mean: Vec<f64>, covariance: &DMatrix<f64>) -> Result<Self, ConfigError> {
        let dim = mean.len();
        let refuse = |reason: &str| ConfigError::new("covariance", format!("a {dim} x {dim} matrix"), reason);
        let scale = covariance.amax();
        if (covariance - covariance.transpose()).amax() > 1e-12 * scale {
            return Err(refuse("it must be symmetric"));
        }
        let factor = nalgebra::Cholesky::new(covariance.clone())
            .ok_or_else(|| refuse("it must be positive definite"))?
            .unpack();
        let inverse = factor
            .solve_lower_triangular(&DMatrix::identity(dim, dim))
            .ok_or_else(|| refuse("it must be positive definite"))?;
        let lower =
            |m: &DMatrix<f64>| (0..dim).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|ij| m[ij]).collect();
        let log_norm = -factor.diagonal().iter().map(|v| v.ln()).sum::<f64>() - 0.5 * dim as f64 * TAU.ln();
        Ok(Self {
            variance: covariance.diagonal().iter().copied().collect(),
            shape: Shape::Full { whiten: lower(&inverse), colour: lower(&factor) },
            mean,
            log_norm,
        })
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The variance of every coordinate.
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// Log-density of `L` rows; leaves `W (x - mean)` in `white` for [`Gaussian::add_gradient`].
    #[inline(always)]
    pub(crate) fn whiten<const L: usize>(&self, x: &[[f64; L]], white: &mut [[f64; L]]) -> [f64; L] {
        for ((w, x), m) in white.iter_mut().zip(x).zip(&self.mean) {
            for l in 0..L {
                w[l] = x[l] - m;
            }
        }
        match &self.shape {
            Shape::Diagonal { inverse_scale, .. } => {
                for (w, s) in white.iter_mut().zip(inverse_scale) {
                    for v in w {
                        *v *= s;
                    }
                }
            }
            Shape::Full { whiten, .. } => {
                // From the last row up: row i needs only the differences up to i, which are still there.
                for i in (0..white.len()).rev() {
                    let mut sum = [0.0; L];
                    for (w, a) in white.iter().zip(packed(whiten, i)) {
                        for l in 0..L {
                            sum[l] += a * w[l];
                        }
                    }
                    white[i] = sum;
                }
            }
        }
        let mut square = [0.0; L];
        for w in white.iter() {
            for l in 0..L {
                square[l] += w[l] * w[l];
            }
        }
        lanes::map(square, |q| self.log_norm - 0.5 * q)
    }

    /// Adds `weight` times the gradient of the log-density to `grad`.
    #[inline(always)]
    pub(crate) fn add_gradient<const L: usize>(
        &self,
        white: &[[f64; L]],
        weight: [f64; L],
        grad: &mut [[f64; L]],
    ) {
        match &self.shape {
            Shape::Diagonal { inverse_scale, .. } => {
                for ((g, w), s) in grad.iter_mut().zip(white).zip(inverse_scale) {
                    for l in 0..L {
                        g[l] -= weight[l] * (w[l] * s);
                    }
                }
            }
            Shape::Full { whiten, .. } => {
                for (i, w) in white.iter().enumerate() {
                    let mut scaled = [0.0; L];
                    for l in 0..L {
                        scaled[l] = weight[l] * w[l];
                    }
                    for (g, a) in grad.iter_mut().zip(packed(whiten, i)) {
                        for l in 0..L {
                            g[l] -= a * scaled[l];
                        }
                    }
                }
            }
        }
    }
}

impl Lanes for Gaussian {
    fn lanes_dim(&self) -> usize {
        self.mean.len()
    }

    fn scratch(&self) -> usize {
        self.mean.len()
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        scratch: &mut [[f64; L]],
    ) -> [f64; L] {
        let value = self.whiten(x, scratch);
        if GRAD {
            grad.fill([0.0; L]);
            self.add_gradient(scratch, [1.0; L], grad);
        }
        value
    }
}

impl Target for Gaussian {
    fn dim(&self) -> usize {
        self.mean.len()
    }

    fn log_prob(&self, x: Batch<'_>, log_prob: &mut [f64]) {
        lanes::log_prob(self, x, log_prob);
    }

    fn log_prob_and_grad(&self, x: Batch<'_>, log_prob: &mut [f64], grad: BatchMut<'_>) {
        lanes::log_prob_and_grad(self, x, log_prob, grad);
    }

    fn facts(&self) -> Facts {
        Facts {
            mean: Some(self.mean.clone()),
            variance: Some(self.variance.clone()),
            log_evidence: Some(0.0),
            modes: Some(Modes { centres: Points::from_rows(&[&self.mean]), weights: Some(vec![1.0]) }),
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for Gaussian {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        stream.fill_normal(x);
        match &self.shape {
            Shape::Diagonal { scale, .. } => {
                for (v, s) in x.iter_mut().zip(scale) {
                    *v *= s;
                }
            }
            Shape::Full { colour, .. } => {
                for i in (0..x.len()).rev() {
                    x[i] = x.iter().zip(packed(colour, i)).map(|(z, c)| z * c).sum();
                }
            }
        }
        for (v, m) in x.iter_mut().zip(&self.mean) {
            *v += m;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_covariance_by_hand() {
        // Covariance [[2, 1], [1, 2]]: determinant 3, inverse [[2, -1], [-1, 2]]/3. At x - m = (1, 0) the square is 2/3.
        let g = GaussianConfig { mean: vec![1.0, 1.0], covariance: vec![vec![2.0, 1.0], vec![1.0, 2.0]] };
        let (mut value, mut grad) = ([0.0], [0.0; 2]);
        g.build().unwrap().log_prob_and_grad(
            Batch::new(&[2.0, 1.0], 2),
            &mut value,
            BatchMut::new(&mut grad, 2),
        );
        assert!((value[0] - (-1.0 / 3.0 - 0.5 * 3f64.ln() - TAU.ln())).abs() < 1e-14);
        assert!((grad[0] + 2.0 / 3.0).abs() < 1e-14 && (grad[1] - 1.0 / 3.0).abs() < 1e-14);
    }

    #[test]
    fn rotation_by_a_quarter_turn_swaps_the_ends() {
        let c = IllConditionedGaussianConfig {
            dim: 5,
            rotation: std::f64::consts::FRAC_PI_2,
            ..Default::default()
        };
        let v = c.build().unwrap().variance().to_vec();
        assert!(
            (v[0] - 1e4).abs() < 1e-8 && (v[4] - 1e-4).abs() < 1e-8 && (v[2] - 1.0).abs() < 1e-15,
            "{v:?}"
        );
    }

    #[test]
    fn bad_settings_are_named() {
        let key = |c: GaussianConfig| c.check().unwrap_err().key;
        let two = |c: [[f64; 2]; 2]| GaussianConfig {
            covariance: c.iter().map(|r| r.to_vec()).collect(),
            ..Default::default()
        };
        assert_eq!(key(two([[1.0, 0.0], [0.5, 1.0]])), "covariance");
        assert_eq!(key(two([[1.0, 2.0], [2.0, 1.0]])), "covariance");
        assert_eq!(key(two([[1.0, f64::NAN], [0.0, 1.0]])), "covariance[0][1]");
        assert_eq!(key(GaussianConfig { mean: vec![], ..Default::default() }), "mean");
        assert_eq!(key(GaussianConfig { mean: vec![0.0; 3], ..Default::default() }), "covariance");
        assert_eq!(
            StandardGaussianConfig { scale: f64::NAN, ..Default::default() }.check().unwrap_err().key,
            "scale"
        );
        assert_eq!(StandardGaussianConfig { dim: 0, ..Default::default() }.check().unwrap_err().key, "dim");
        let c = IllConditionedGaussianConfig { log10_scale_max: 7.0, ..Default::default() };
        assert_eq!(c.check().unwrap_err().key, "log10_scale_max");
    }
}
