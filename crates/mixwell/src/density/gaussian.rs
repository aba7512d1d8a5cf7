//! Gaussians with any mean and covariance. Named ones: [`super::gaussians`].
//!
//! `log_prob(x) = -|W (x - m)|^2 / 2 + ln det W - (d/2) ln(2 pi)`, with `W = C^-1` and `C C' = covariance` (Cholesky);
//! normalised, so the log-evidence is zero. `W` is diagonal or lower triangular and is applied, not solved with.
//! Shapes: points are rows of `dim`; matrices are rows, `dim x dim`.

use std::f64::consts::TAU;

use super::lanes::{self, Lanes};
use super::{ExactSampler, Facts, Modes, Target};
use crate::{ConfigError, Points, Stream, range};
use nalgebra::DMatrix;

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

    /// Its covariance as it stands in settings, row after row; an error when it is not square, symmetric and positive definite.
    pub(crate) fn from_rows(mean: Vec<f64>, covariance: &[Vec<f64>]) -> Result<Self, ConfigError> {
        let dim = mean.len();
        range::square("covariance", covariance, dim)?;
        Self::full(mean, &DMatrix::from_fn(dim, dim, |i, j| covariance[i][j]))
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The variance of every coordinate.
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// The standard deviation in every direction, where it is one.
    pub(crate) fn deviation(&self) -> Option<f64> {
        match &self.shape {
            Shape::Diagonal { scale, .. } => {
                scale.first().copied().filter(|first| scale.iter().all(|sd| sd == first))
            }
            Shape::Full { .. } => None,
        }
    }

    /// One over the standard deviations, when there are no correlations.
    pub(crate) fn inverse_scale(&self) -> Option<&[f64]> {
        match &self.shape {
            Shape::Diagonal { inverse_scale, .. } => Some(inverse_scale),
            Shape::Full { .. } => None,
        }
    }

    /// Log-density at the mean.
    pub(crate) fn log_norm(&self) -> f64 {
        self.log_norm
    }

    /// The covariance, row after row.
    pub fn covariance(&self) -> Vec<f64> {
        let dim = self.mean.len();
        let mut covariance = vec![0.0; dim * dim];
        for i in 0..dim {
            covariance[i * dim + i] = self.variance[i];
            if let Shape::Full { colour, .. } = &self.shape {
                for j in 0..i {
                    // Row j of the triangle is the shorter one.
                    let product =
                        packed(colour, i).iter().zip(packed(colour, j)).map(|(a, b)| a * b).sum::<f64>();
                    (covariance[i * dim + j], covariance[j * dim + i]) = (product, product);
                }
            }
        }
        covariance
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
    lanes::evaluates!();

    fn facts(&self) -> Facts {
        Facts {
            mean: Some(self.mean.clone()),
            variance: Some(self.variance.clone()),
            covariance: Some(self.covariance()),
            log_evidence: Some(0.0),
            modes: Some(Modes {
                centres: Points::from_rows(&[&self.mean]),
                weights: Some(vec![1.0]),
                deviations: self.deviation().map(|sd| vec![sd]),
            }),
            ..Facts::default()
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
    use crate::{Batch, BatchMut};

    #[test]
    fn the_covariance_is_the_one_it_was_made_of() {
        let given = DMatrix::from_row_slice(3, 3, &[4.0, 2.0, 0.5, 2.0, 5.0, -1.0, 0.5, -1.0, 3.0]);
        let full = Gaussian::full(vec![0.0; 3], &given).unwrap().covariance();
        for (found, given) in full.iter().zip(given.iter()) {
            assert!((found - given).abs() < 1e-14, "{full:?}");
        }
        let diagonal = Gaussian::diagonal(vec![0.0; 2], vec![2.0, 3.0]).covariance();
        assert_eq!(diagonal, [4.0, 0.0, 0.0, 9.0]);
    }
    use crate::density::GaussianConfig;

    #[test]
    fn full_covariance_by_hand() {
        // Covariance [[2, 1], [1, 2]]: determinant 3, inverse [[2, -1], [-1, 2]]/3. At x - m = (1, 0) the square is 2/3.
        let g = GaussianConfig { mean: vec![1.0, 1.0], covariance: vec![vec![2.0, 1.0], vec![1.0, 2.0]] };
        let (mut value, mut grad) = ([0.0], [0.0; 2]);
        g.build()
            .unwrap()
            .log_prob_and_grad(Batch::new(&[2.0, 1.0], 2), &mut value, BatchMut::new(&mut grad, 2))
            .unwrap();
        assert!((value[0] - (-1.0 / 3.0 - 0.5 * 3f64.ln() - TAU.ln())).abs() < 1e-14);
        assert!((grad[0] + 2.0 / 3.0).abs() < 1e-14 && (grad[1] - 1.0 / 3.0).abs() < 1e-14);
    }
}
