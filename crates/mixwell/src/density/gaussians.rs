//! Gaussians as settings: standard, with scales over several decades, and with any covariance.
//!
//! Each config only says which covariance is meant; the target is a normalised [`Gaussian`] with exact moments and draws.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::gaussian::Gaussian;
use crate::footprint::{Footprint, numbers};
use crate::{ConfigError, range};

/// Matrices of `dim x dim` that are held while a full covariance is factorised.
const SQUARES: usize = 4;

/// `N(mean, scale^2 I)` with the same mean in every coordinate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
        range::dim(self.dim, 1)?;
        range::finite("mean", self.mean)?;
        range::positive("scale", self.scale)
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
        range::dim(self.dim, 2)?;
        for (key, v) in [("log10_scale_min", self.log10_scale_min), ("log10_scale_max", self.log10_scale_max)]
        {
            // Variances beyond this lose the smaller ones to rounding.
            range::within(key, v, -6.0, 6.0)?;
        }
        range::finite("rotation", self.rotation)
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
        let mut memory = Footprint::default();
        memory.pass(numbers(&[SQUARES, self.dim, self.dim]), &[("dim", self.dim)]);
        memory.check()?;
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
        range::vector("mean", &self.mean)?;
        Gaussian::from_rows(self.mean.clone(), &self.covariance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_covariance_that_does_not_fit_is_refused_before_it_is_made() {
        let c = IllConditionedGaussianConfig { dim: 1_000_000, rotation: 0.3, ..Default::default() };
        let e = c.build().unwrap_err();
        assert!(e.key == "dim" && e.reason.contains("of memory"), "{e}");
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
