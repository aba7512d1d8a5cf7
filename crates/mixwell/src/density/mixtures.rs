//! The Gaussian mixtures the papers use, by name; each config only says where the components lie.
//!
//! All are normalised [`GaussianMixture`]s with exact moments, mode weights and draws.
//! Reference: the comment of each config names the experiment. Where a source states two versions, the field says which.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::mixture::GaussianMixture;
use crate::{ConfigError, range};

/// Three equal modes at the corners of a triangle in the plane, `radius (0, 1)` first: the single-chain mixing example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThreeModesConfig {
    /// Distance of the modes from the origin.
    pub radius: f64,
    /// Standard deviation of each mode.
    pub scale: f64,
}

impl Default for ThreeModesConfig {
    fn default() -> Self {
        Self { radius: 4.0, scale: 1.0 }
    }
}

impl ThreeModesConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::finite("radius", self.radius)?;
        range::positive("scale", self.scale)
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        let (r, h) = (self.radius, 0.75f64.sqrt());
        let corners = [[0.0, r], [h * r, -0.5 * r], [-h * r, -0.5 * r]];
        Ok(GaussianMixture::isotropic(corners.map(|c| (1.0, c.to_vec(), self.scale))))
    }
}

/// Two modes at `-centre` and `+centre` in every coordinate; the defaults are the two-mode experiment on EBM weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TwoModesConfig {
    /// Number of coordinates.
    pub dim: usize,
    /// Value of every coordinate of the second mode; the first mode lies opposite.
    pub centre: f64,
    /// Variances of the two modes.
    pub variances: [f64; 2],
    /// Weights of the two modes; they need not add up to one.
    pub weights: [f64; 2],
    /// Whether both modes have zero as their last coordinate, so that it tells nothing.
    pub last_at_zero: bool,
}

impl Default for TwoModesConfig {
    fn default() -> Self {
        Self { dim: 2, centre: 1.5, variances: [0.05, 0.1], weights: [1.0, 2.0], last_at_zero: false }
    }
}

impl TwoModesConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::dim(self.dim, 1)?;
        range::finite("centre", self.centre)?;
        for (key, pair) in [("variances", self.variances), ("weights", self.weights)] {
            for (i, v) in pair.iter().enumerate() {
                range::positive(&format!("{key}[{i}]"), *v)?;
            }
        }
        Ok(())
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        Ok(GaussianMixture::isotropic([0, 1].map(|k| {
            let mut mean = vec![if k == 0 { -self.centre } else { self.centre }; self.dim];
            if self.last_at_zero {
                mean[self.dim - 1] = 0.0;
            }
            (self.weights[k], mean, self.variances[k].sqrt())
        })))
    }
}

/// Two modes of weights 1 and 3 in 100 dimensions, which differ in all coordinates but the last: the mixture on which
/// FlEx2MCMC is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlexMixtureConfig {
    /// Number of coordinates, at least 2.
    pub dim: usize,
    /// Value of every coordinate but the last in the second mode; the first mode lies opposite.
    pub centre: f64,
    /// Variance of both modes.
    pub variance: f64,
    /// Weights of the two modes; they need not add up to one.
    pub weights: [f64; 2],
}

impl Default for FlexMixtureConfig {
    fn default() -> Self {
        Self { dim: 100, centre: 2.5, variance: 0.5, weights: [1.0, 3.0] }
    }
}

impl FlexMixtureConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::dim(self.dim, 2)?;
        range::positive("variance", self.variance)?;
        self.two_modes().check()
    }

    fn two_modes(&self) -> TwoModesConfig {
        TwoModesConfig {
            dim: self.dim,
            centre: self.centre,
            variances: [self.variance; 2],
            weights: self.weights,
            last_at_zero: true,
        }
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        self.two_modes().build()
    }
}

/// Eight equal modes on a circle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EightGaussiansConfig {
    /// Radius of the circle.
    pub radius: f64,
    /// Standard deviation of each mode.
    pub scale: f64,
}

impl Default for EightGaussiansConfig {
    fn default() -> Self {
        Self { radius: 1.0, scale: 0.15 }
    }
}

impl EightGaussiansConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::finite("radius", self.radius)?;
        range::positive("scale", self.scale)
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        Ok(GaussianMixture::isotropic((0..8).map(|k| {
            let (sin, cos) = (f64::from(k) * TAU / 8.0).sin_cos();
            (1.0, vec![self.radius * cos, self.radius * sin], self.scale)
        })))
    }
}

/// Equal modes on a 5 x 5 grid around the origin: the data of the 25-Gaussian GANs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grid25Config {
    /// Distance between neighbours.
    pub spacing: f64,
    /// Standard deviation of each mode.
    pub scale: f64,
    /// Whether each coordinate is divided by its standard deviation, `sqrt(2 spacing^2 + scale^2)`.
    pub standardise: bool,
}

impl Default for Grid25Config {
    fn default() -> Self {
        Self { spacing: 1.0, scale: 0.05, standardise: false }
    }
}

impl Grid25Config {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::finite("spacing", self.spacing)?;
        range::positive("scale", self.scale)
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        let sd = (2.0 * self.spacing * self.spacing + self.scale * self.scale).sqrt();
        let unit = if self.standardise { 1.0 / sd } else { 1.0 };
        Ok(GaussianMixture::isotropic((0..25).map(|k| {
            let centre = [k / 5 - 2, k % 5 - 2].map(|i| f64::from(i) * self.spacing * unit);
            (1.0, centre.to_vec(), self.scale * unit)
        })))
    }
}

/// Equal modes at every point of a grid in any number of dimensions: by default the 3^5 = 243 modes of the 5-D GANs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GridMixtureConfig {
    /// Number of coordinates.
    pub dim: usize,
    /// The values that every coordinate of a mode can have.
    pub values: Vec<f64>,
    /// Standard deviation of each mode.
    pub scale: f64,
}

/// Modes of a grid at most.
const MOST_MODES: usize = 100_000;

impl Default for GridMixtureConfig {
    fn default() -> Self {
        Self { dim: 5, values: vec![-2.0, 0.0, 2.0], scale: 0.05 }
    }
}

impl GridMixtureConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::dim(self.dim, 1)?;
        range::at_least("values", self.values.len(), 1)?;
        range::vector("values", &self.values)?;
        range::positive("scale", self.scale)?;
        let n = u32::try_from(self.dim).ok().and_then(|dim| self.values.len().checked_pow(dim));
        if n.is_none_or(|n| n > MOST_MODES) {
            let reason = format!("{} values of each make more than {MOST_MODES} modes", self.values.len());
            return Err(ConfigError::new("dim", self.dim, reason));
        }
        Ok(())
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        let n = self.values.len();
        let centre = |k: usize| {
            let place = |i: usize| k / n.pow(i as u32) % n;
            (0..self.dim).map(|i| self.values[place(i)]).collect::<Vec<_>>()
        };
        Ok(GaussianMixture::isotropic((0..n.pow(self.dim as u32)).map(|k| (1.0, centre(k), self.scale))))
    }
}

/// Four modes of weights 1, 2, 3, 4 on a line in the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FourOnALineConfig {
    /// Distance between neighbours.
    pub spacing: f64,
    /// Variance of each mode.
    pub variance: f64,
    /// Weights from left to right; they need not add up to one.
    pub weights: [f64; 4],
}

impl Default for FourOnALineConfig {
    fn default() -> Self {
        Self { spacing: 2.0, variance: 0.05, weights: [0.1, 0.2, 0.3, 0.4] }
    }
}

impl FourOnALineConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::finite("spacing", self.spacing)?;
        range::positive("variance", self.variance)?;
        (0..4).try_for_each(|i| range::positive(&format!("weights[{i}]"), self.weights[i]))
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        Ok(GaussianMixture::isotropic((0..4).map(|k| {
            let mean = vec![(k as f64 - 1.5) * self.spacing, 0.0];
            (self.weights[k], mean, self.variance.sqrt())
        })))
    }
}

/// Four equal unit Gaussians at the corners of a rectangle in many dimensions: `a (1,..,1)`, `a (-1,..,-1, 1,..,1)` and
/// their opposites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FourCornersConfig {
    /// Number of coordinates, even.
    pub dim: usize,
    /// The size `a` of every coordinate of every mean; by default `0.591 sqrt(2 ln dim)`, as in the code of the
    /// experiments. The paper prints 0.5919, with which the modes overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
}

impl Default for FourCornersConfig {
    fn default() -> Self {
        Self { dim: 16, offset: None }
    }
}

impl FourCornersConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::dim(self.dim, 2)?;
        if !self.dim.is_multiple_of(2) {
            return Err(ConfigError::new("dim", self.dim, "it must be even"));
        }
        self.offset.map_or(Ok(()), |a| range::finite("offset", a))
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        self.check()?;
        let a = self.offset.unwrap_or_else(|| 0.591 * (2.0 * (self.dim as f64).ln()).sqrt());
        let signs = [[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]];
        Ok(GaussianMixture::isotropic(signs.map(|[first, second]| {
            let half = self.dim / 2;
            let mean = (0..self.dim).map(|j| if j < half { first * a } else { second * a }).collect();
            (1.0, mean, 1.0)
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::density::Target;

    /// `E log p` of a two-dimensional target by the trapezoid rule on a square, which converges geometrically here.
    fn mean_log_prob(target: &dyn Target, half_width: f64, points: usize) -> (f64, f64) {
        let step = 2.0 * half_width / points as f64;
        let mut row = Points::zeros(points, 2);
        let mut value = vec![0.0; points];
        let (mut mass, mut sum) = (0.0, 0.0);
        for i in 0..points {
            for j in 0..points {
                let at = |k: usize| (k as f64 + 0.5) * step - half_width;
                row.row_mut(j).copy_from_slice(&[at(i), at(j)]);
            }
            target.log_prob(row.as_batch(), &mut value).unwrap();
            for v in &value {
                let p = v.exp() * step * step;
                mass += p;
                sum += if p > 0.0 { p * v } else { 0.0 };
            }
        }
        (mass, sum)
    }

    #[test]
    fn entropies_match_the_table() {
        // E log p of the four planar mixtures, by an independent computation.
        let cases: [(GaussianMixture, f64, f64); 3] = [
            (TwoModesConfig::default().build().unwrap(), 4.5, -0.940_757),
            (FourOnALineConfig::default().build().unwrap(), 5.0, -1.121_982),
            (EightGaussiansConfig::default().build().unwrap(), 2.5, -1.093_234),
        ];
        for (target, half_width, expected) in cases {
            let (mass, entropy) = mean_log_prob(&target, half_width, 400);
            assert!((mass - 1.0).abs() < 1e-9, "{mass}");
            assert!((entropy - expected).abs() < 1e-6, "{entropy} {expected}");
        }
    }

    #[test]
    fn moments_match_hand_counts() {
        let variance = |t: GaussianMixture| t.facts().variance.unwrap();
        // Radius^2/2 + scale^2; (1 + 4)/2 spacing^2 + scale^2 with the middle column counted; 4.05 = 4 + 0.05.
        assert!((variance(EightGaussiansConfig::default().build().unwrap())[0] - 0.5225).abs() < 1e-12);
        assert!((variance(Grid25Config::default().build().unwrap())[1] - 2.0025).abs() < 1e-12);
        let standard = Grid25Config { standardise: true, ..Default::default() };
        assert!((variance(standard.build().unwrap())[0] - 1.0).abs() < 1e-12);
        assert!((variance(FourOnALineConfig::default().build().unwrap())[0] - 4.05).abs() < 1e-12);
        // a^2 + 1 with a^2 = 0.591^2 * 2 ln 16 = 1.936825.
        assert!((variance(FourCornersConfig::default().build().unwrap())[7] - 2.936_825).abs() < 1e-5);
        let flex = FlexMixtureConfig::default().build().unwrap().facts();
        // Mean 2.5 (3/4 - 1/4), variance 0.5 + 2.5^2 - 1.25^2; the last coordinate is N(0, 0.5).
        let (mean, variance) = (flex.mean.unwrap(), flex.variance.unwrap());
        assert_eq!((mean[0], mean[99]), (1.25, 0.0));
        assert!((variance[0] - 5.1875).abs() < 1e-12 && (variance[99] - 0.5).abs() < 1e-12);
        let corner = ThreeModesConfig::default().build().unwrap().facts().modes.unwrap().centres;
        assert!((corner.row(1)[0] - 4.0 * 3f64.sqrt() / 2.0).abs() < 1e-14 && corner.row(1)[1] == -2.0);
    }

    #[test]
    fn bad_settings_are_named() {
        let c = FourCornersConfig { dim: 3, offset: None };
        assert_eq!(c.check().unwrap_err().to_string(), "`dim` is 3, but it must be even");
        let c = TwoModesConfig { weights: [1.0, f64::NAN], ..Default::default() };
        assert_eq!(c.check().unwrap_err().key, "weights[1]");
        assert_eq!(
            FlexMixtureConfig { variance: 0.0, ..Default::default() }.check().unwrap_err().key,
            "variance"
        );
        let many = GridMixtureConfig { dim: 11, ..Default::default() };
        assert!(many.check().unwrap_err().to_string().contains("more than 100000 modes"));
        let grid = GridMixtureConfig::default().build().unwrap().facts().modes.unwrap().centres;
        assert_eq!(
            (grid.rows(), grid.row(242), grid.row(5)),
            (243, &[2.0; 5][..], &[2.0, 0.0, -2.0, -2.0, -2.0][..])
        );
        assert_eq!(Grid25Config { scale: -1.0, ..Default::default() }.check().unwrap_err().key, "scale");
    }
}
