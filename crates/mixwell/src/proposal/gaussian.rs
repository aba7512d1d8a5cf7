//! A fixed Gaussian `N(m, L L')`: the simplest proposal, and the simplest transport.
//!
//! forward: `x = m + L z`, `log_det = ln det L`; inverse: `z = L^-1 (x - m)`, `log_det = -ln det L`.

use serde::{Deserialize, Serialize};

use super::scale::Scale;
use super::{Differentiable, Proposal, Transport, Upstream, content_version};
use crate::math::standard_normal_log_prob;
use crate::{Batch, BatchMut, ConfigError, Points};

/// Settings of a [`Gaussian`]. A list of one number stands for the same number in every coordinate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianProposalConfig {
    /// Mean: one number, or one per coordinate.
    pub mean: Vec<f64>,
    /// Standard deviations: one number, or one per coordinate. Ignored when `covariance` is given.
    pub sd: Vec<f64>,
    /// Full covariance, one row per coordinate; empty for independent coordinates.
    pub covariance: Vec<Vec<f64>>,
}

impl Default for GaussianProposalConfig {
    fn default() -> Self {
        Self { mean: vec![0.0], sd: vec![1.0], covariance: Vec::new() }
    }
}

impl GaussianProposalConfig {
    /// Checks every value that can be judged without knowing the dimension.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.mean.is_empty() || !self.mean.iter().all(|m| m.is_finite()) {
            let reason = "a mean is one finite number, or one per coordinate";
            return Err(ConfigError::new("mean", format!("{:?}", self.mean), reason));
        }
        if self.sd.is_empty() || !self.sd.iter().all(|s| s.is_finite() && *s > 0.0) {
            let reason = "standard deviations are one positive number, or one per coordinate";
            return Err(ConfigError::new("sd", format!("{:?}", self.sd), reason));
        }
        Ok(())
    }

    /// The Gaussian in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Gaussian, ConfigError> {
        self.check()?;
        let mean = spread("mean", &self.mean, dim)?;
        if self.covariance.is_empty() {
            return Ok(Gaussian::new(mean, Scale::Diagonal(spread("sd", &self.sd, dim)?)));
        }
        let symmetric = self.covariance.len() == dim
            && self.covariance.iter().all(|row| row.len() == dim)
            && (0..dim).all(|i| (0..i).all(|j| self.covariance[i][j] == self.covariance[j][i]));
        let scale = if symmetric { Scale::from_covariance(&self.covariance.concat(), dim) } else { None };
        let scale = scale.ok_or_else(|| {
            let reason = format!("a covariance must be {dim} x {dim}, symmetric and positive definite");
            ConfigError::new("covariance", format!("{} rows", self.covariance.len()), reason)
        })?;
        Ok(Gaussian::new(mean, scale))
    }
}

fn spread(key: &str, values: &[f64], dim: usize) -> Result<Vec<f64>, ConfigError> {
    match values.len() {
        1 => Ok(vec![values[0]; dim]),
        n if n == dim => Ok(values.to_vec()),
        n => Err(ConfigError::new(
            key,
            format!("a list of {n}"),
            format!("the target has {dim} coordinates: give 1 or {dim} numbers"),
        )),
    }
}

/// The Gaussian `N(mean, L L')`.
///
/// ```
/// use mixwell::proposal::{Gaussian, Proposal, Scale};
/// let wide = Gaussian::new(vec![1.0, 2.0], Scale::Diagonal(vec![3.0, 4.0]));
/// assert_eq!(wide.dim(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Gaussian {
    mean: Vec<f64>,
    scale: Scale,
    log_det: f64,
    version: u64,
}

impl Gaussian {
    /// The Gaussian with this mean and this square root of the covariance.
    ///
    /// # Panics
    /// When their dimensions differ or are zero.
    pub fn new(mean: Vec<f64>, scale: Scale) -> Self {
        assert!(!mean.is_empty() && mean.len() == scale.dim(), "mean and scale differ in dimension");
        let numbers = mean.iter().chain(scale.numbers()).map(|v| v.to_bits());
        let version = content_version(numbers.chain([mean.len() as u64]));
        Self { log_det: scale.log_det(), version, mean, scale }
    }

    /// `N(0, I)`.
    pub fn standard(dim: usize) -> Self {
        Self::new(vec![0.0; dim], Scale::Unit(dim))
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The square root of the covariance.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Writes the log-density of each row of `x` and its gradient `-(L L')^-1 (x - m)`.
    pub fn log_prob_and_grad(&self, x: Batch<'_>, log_q: &mut [f64], mut grad: BatchMut<'_>) {
        for ((q, x), g) in log_q.iter_mut().zip(x.iter()).zip(grad.iter_mut()) {
            self.whiten(x, g);
            *q = standard_normal_log_prob(g) - self.log_det;
            self.scale.solve_transposed(g);
            g.iter_mut().for_each(|g| *g = -*g);
        }
    }

    /// `z <- L^-1 (x - m)` for one point.
    fn whiten(&self, x: &[f64], z: &mut [f64]) {
        for ((z, x), m) in z.iter_mut().zip(x).zip(&self.mean) {
            *z = x - m;
        }
        self.scale.solve(z);
    }
}

impl Proposal for Gaussian {
    fn dim(&self) -> usize {
        self.mean.len()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn push(&self, noise: Batch<'_>, x: BatchMut<'_>, log_q: &mut [f64]) {
        self.forward(noise, x, log_q);
        for (q, z) in log_q.iter_mut().zip(noise.iter()) {
            *q = standard_normal_log_prob(z) - *q;
        }
    }

    fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]) {
        let mut z = vec![0.0; self.dim()];
        for (q, x) in log_q.iter_mut().zip(x.iter()) {
            self.whiten(x, &mut z);
            *q = standard_normal_log_prob(&z) - self.log_det;
        }
    }

    fn as_transport(&self) -> Option<&dyn Transport> {
        Some(self)
    }
}

impl Differentiable for Gaussian {
    fn log_prob_and_grad(&self, x: Batch<'_>, log_q: &mut [f64], mut grad: BatchMut<'_>) {
        // With z = L^-1 (x - m) the gradient is -L'^-1 z.
        for ((q, x), g) in log_q.iter_mut().zip(x.iter()).zip(grad.iter_mut()) {
            self.whiten(x, g);
            *q = standard_normal_log_prob(g) - self.log_det;
            self.scale.solve_transposed(g);
            g.iter_mut().for_each(|g| *g = -*g);
        }
    }
}

impl Transport for Gaussian {
    fn forward(&self, z: Batch<'_>, mut x: BatchMut<'_>, log_det: &mut [f64]) {
        for (x, z) in x.iter_mut().zip(z.iter()) {
            x.copy_from_slice(&self.mean);
            self.scale.add(1.0, z, x);
        }
        log_det.fill(self.log_det);
    }

    fn inverse(&self, x: Batch<'_>, mut z: BatchMut<'_>, log_det: &mut [f64]) {
        for (z, x) in z.iter_mut().zip(x.iter()) {
            self.whiten(x, z);
        }
        log_det.fill(-self.log_det);
    }

    fn forward_pullback(&self, z: Batch<'_>, upstream: &mut Upstream<'_>, mut dz: BatchMut<'_>) {
        let (n, dim) = (z.rows(), self.dim());
        let (mut x, mut dx) = (Points::zeros(n, dim), Points::zeros(n, dim));
        let (mut log_det, mut d_log_det) = (vec![0.0; n], vec![0.0; n]);
        self.forward(z, x.as_batch_mut(), &mut log_det);
        upstream(0..n, x.as_batch(), &log_det, dx.as_batch_mut(), &mut d_log_det);
        // ln det L is constant, so only the points carry a derivative: dz = L' dx.
        for (dz, dx) in dz.iter_mut().zip(dx.as_batch().iter()) {
            dz.fill(0.0);
            self.scale.add_transposed(1.0, dx, dz);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oblique() -> Gaussian {
        let covariance = vec![vec![4.0, 2.0], vec![2.0, 5.0]];
        GaussianProposalConfig { mean: vec![1.0, -1.0], covariance, ..Default::default() }.build(2).unwrap()
    }

    #[test]
    fn gradients_match_the_formula() {
        // At (2, 0): -S^-1 d with d = (1, 1) is -(3, 2) / 16.
        let (mut q, mut alone, mut grad) = ([0.0], [0.0], [0.0; 2]);
        let x = Batch::new(&[2.0, 0.0], 2);
        oblique().log_prob_and_grad(x, &mut q, BatchMut::new(&mut grad, 2));
        oblique().log_prob(x, &mut alone);
        assert_eq!(q, alone);
        assert!((grad[0] + 3.0 / 16.0).abs() < 1e-15 && (grad[1] + 2.0 / 16.0).abs() < 1e-15, "{grad:?}");
    }

    #[test]
    fn density_matches_the_formula() {
        // At (2, 0): d = (1, 1), S^-1 = [[5, -2], [-2, 4]] / 16, d' S^-1 d = 5/16; log q = -5/32 - ln(2 pi) - ln 4.
        let mut q = [0.0];
        oblique().log_prob(Batch::new(&[2.0, 0.0], 2), &mut q);
        let expected = -5.0 / 32.0 - std::f64::consts::TAU.ln() - 4f64.ln();
        assert!((q[0] - expected).abs() < 1e-14, "{} {expected}", q[0]);
        // The gradient is -S^-1 d = -(3, 2) / 16.
        let (mut again, mut grad) = ([0.0], Points::zeros(1, 2));
        oblique().log_prob_and_grad(Batch::new(&[2.0, 0.0], 2), &mut again, grad.as_batch_mut());
        assert_eq!(again, q);
        assert!((grad.row(0)[0] + 3.0 / 16.0).abs() < 1e-15 && (grad.row(0)[1] + 2.0 / 16.0).abs() < 1e-15);
    }

    #[test]
    fn push_and_log_prob_agree_and_inverse_undoes_forward() {
        let g = oblique();
        let noise = Points::from_rows(&[[0.3, -1.2], [2.0, 0.1]]);
        let (mut x, mut q, mut again) = (Points::zeros(2, 2), [0.0; 2], [0.0; 2]);
        g.push(noise.as_batch(), x.as_batch_mut(), &mut q);
        g.log_prob(x.as_batch(), &mut again);
        let mut z = Points::zeros(2, 2);
        let mut ld = [0.0; 2];
        g.inverse(x.as_batch(), z.as_batch_mut(), &mut ld);
        for i in 0..2 {
            assert!((q[i] - again[i]).abs() < 1e-14);
            assert!((z.row(i)[1] - noise.row(i)[1]).abs() < 1e-14);
        }
    }

    #[test]
    fn versions_name_the_content() {
        assert_eq!(oblique().version(), oblique().version());
        assert_ne!(oblique().version(), Gaussian::standard(2).version());
        assert_ne!(Gaussian::standard(3).version(), Gaussian::standard(2).version());
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: GaussianProposalConfig| c.build(2).unwrap_err().key;
        assert_eq!(bad(GaussianProposalConfig { sd: vec![0.0], ..Default::default() }), "sd");
        assert_eq!(bad(GaussianProposalConfig { sd: vec![1.0; 3], ..Default::default() }), "sd");
        assert_eq!(bad(GaussianProposalConfig { mean: vec![f64::NAN], ..Default::default() }), "mean");
        let covariance = vec![vec![1.0, 2.0], vec![2.0, 1.0]];
        assert_eq!(bad(GaussianProposalConfig { covariance, ..Default::default() }), "covariance");
    }
}
