//! Gaussian processes on a line with squared-exponential covariance, observed with normal noise or as counts.
//!
//! `C_ij = exp(-(x_i - x_j)^2/(2 rho^2))`, `rho ~ Gamma(25, 4)`, `alpha` half-normal of scale 2.
//! Regression: `y ~ N(0, alpha^2 C + sigma I)` (sigma is a variance), `sigma` half-normal of scale 1.
//! Counts: `f = L f_tilde`, `L L' = alpha^2 C + 1e-10 I`, `f_tilde ~ N(0, I)`, `k_i ~ Poisson(exp(f_i))`; reported as
//! `rho, alpha, f`. Constants dropped.
//! The gradient goes from the factor to the covariance by `cholesky.rs`. Where rounding leaves the covariance without a
//! factor, the density counts as zero, as Stan has it.
//! Shapes: a natural point is `rho, alpha, sigma`, or `rho, alpha, f_tilde[n]`.

use crate::density::cholesky::{factorise, pull_back, solve_lower, solve_upper};
use crate::density::{Constraint, Model, Parameter, PointError, Prior, TargetError, Variable};
use crate::scratch::scratch;

const RHO: Prior = Prior::Gamma { shape: 25.0, rate: 4.0 };
const ALPHA: Prior = Prior::normal(2.0);
const SIGMA: Prior = Prior::normal(1.0);
/// What keeps the covariance of the counts' process positive definite.
const JITTER: f64 = 1e-10;

/// The covariance of a process at given places.
#[derive(Clone, Debug, PartialEq)]
struct Covariance {
    n: usize,
    /// Squared distances, `n x n`.
    squares: Vec<f64>,
}

impl Covariance {
    fn new(x: &[f64]) -> Self {
        let squares = x.iter().flat_map(|a| x.iter().map(move |b| (a - b) * (a - b))).collect();
        Self { n: x.len(), squares }
    }

    /// Writes the correlations, and the factor of `alpha^2 C + diagonal I`; false when there is none.
    fn factor(&self, rho: f64, alpha: f64, diagonal: f64, correlation: &mut [f64], l: &mut [f64]) -> bool {
        let (n, scale) = (self.n, -0.5 / (rho * rho));
        for i in 0..n {
            for ij in i * n..i * n + i {
                correlation[ij] = (self.squares[ij] * scale).exp();
                l[ij] = alpha * alpha * correlation[ij];
            }
            correlation[i * n + i] = 1.0;
            l[i * n + i] = alpha * alpha + diagonal;
        }
        factorise(l, n)
    }

    /// Slopes in rho, alpha and the diagonal from those in the covariance.
    fn slopes(&self, rho: f64, alpha: f64, correlation: &[f64], g: &[f64]) -> [f64; 3] {
        let n = self.n;
        let (mut by_rho, mut by_alpha, mut by_diagonal) = (0.0, 0.0, 0.0);
        for i in 0..n {
            for ij in i * n..=i * n + i {
                // Correlations that vanished no longer move, however steep the exponent.
                if correlation[ij] > 0.0 {
                    by_rho += g[ij] * correlation[ij] * self.squares[ij];
                }
                by_alpha += g[ij] * correlation[ij];
            }
            by_diagonal += g[i * n + i];
        }
        let by_rho = if by_rho == 0.0 { 0.0 } else { by_rho * (alpha * alpha) / (rho * rho * rho) };
        [by_rho, 2.0 * alpha * by_alpha, by_diagonal]
    }
}

fn outside(grad: Option<&mut [f64]>) -> f64 {
    if let Some(grad) = grad {
        grad.fill(0.0);
    }
    f64::NEG_INFINITY
}

/// Normal noise around a process; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianProcessRegression {
    covariance: Covariance,
    y: Vec<f64>,
}

impl GaussianProcessRegression {
    /// The posterior given values `y` at places `x`.
    pub fn new(x: &[f64], y: Vec<f64>) -> Result<Self, TargetError> {
        super::data::same_length(&[("x", x), ("y", &y)])?;
        Ok(Self { covariance: Covariance::new(x), y })
    }

    #[inline(always)]
    fn value(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        let [rho, alpha, sigma] = [x[0], x[1], x[2]];
        let priors = [(RHO, rho), (ALPHA, alpha), (SIGMA, sigma)].map(|(p, v)| p.log_prob_and_slope(v));
        let mut value = priors.iter().map(|p| p.0).sum();
        if value == f64::NEG_INFINITY {
            return outside(grad);
        }
        let n = self.covariance.n;
        let mut memory = scratch(3 * n * n + 2 * n);
        let (correlation, rest) = memory.split_at_mut(n * n);
        let (l, rest) = rest.split_at_mut(n * n);
        let (g, rest) = rest.split_at_mut(n * n);
        let (w, b) = rest.split_at_mut(n);
        if !self.covariance.factor(rho, alpha, sigma, correlation, l) {
            return outside(grad);
        }
        w.copy_from_slice(&self.y);
        solve_lower(l, w);
        for i in 0..n {
            value -= 0.5 * w[i] * w[i] + l[i * n + i].ln();
        }
        if value == f64::NEG_INFINITY {
            return outside(grad);
        }
        if let Some(grad) = grad {
            // d(-|w|^2/2) = b' dL w with L' b = w.
            b.copy_from_slice(w);
            solve_upper(l, b);
            for i in 0..n {
                for j in 0..=i {
                    g[i * n + j] = b[i] * w[j];
                }
                g[i * n + i] -= 1.0 / l[i * n + i];
            }
            pull_back(l, g, n);
            let slopes = self.covariance.slopes(rho, alpha, correlation, g);
            (0..3).for_each(|i| grad[i] = slopes[i] + priors[i].1);
        }
        value
    }
}

impl Model for GaussianProcessRegression {
    fn parameters(&self) -> Vec<Parameter> {
        ["rho", "alpha", "sigma"].iter().map(|n| Parameter::new(*n, &[], Constraint::Positive)).collect()
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        Ok(self.value(x, grad))
    }
}

/// Counts whose log-rate is a process; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianProcessCounts {
    covariance: Covariance,
    counts: Vec<f64>,
}

impl GaussianProcessCounts {
    /// The posterior given `counts` at places `x`.
    pub fn new(x: &[f64], counts: Vec<f64>) -> Result<Self, TargetError> {
        super::data::same_length(&[("x", x), ("k", &counts)])?;
        if counts.iter().any(|k| *k < 0.0) {
            return Err(TargetError::Type { name: "k".to_string(), expected: "an array of counts" });
        }
        Ok(Self { covariance: Covariance::new(x), counts })
    }

    #[inline(always)]
    fn value(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        let (rho, alpha, tilde) = (x[0], x[1], &x[2..]);
        let priors = [(RHO, rho), (ALPHA, alpha)].map(|(p, v)| p.log_prob_and_slope(v));
        let mut value = priors[0].0 + priors[1].0 - 0.5 * tilde.iter().map(|v| v * v).sum::<f64>();
        if value == f64::NEG_INFINITY {
            return outside(grad);
        }
        let n = self.covariance.n;
        let mut memory = scratch(3 * n * n + n);
        let (correlation, rest) = memory.split_at_mut(n * n);
        let (l, rest) = rest.split_at_mut(n * n);
        let (g, pull) = rest.split_at_mut(n * n);
        if !self.covariance.factor(rho, alpha, JITTER, correlation, l) {
            return outside(grad);
        }
        for i in 0..n {
            let f: f64 = (0..=i).map(|j| l[i * n + j] * tilde[j]).sum();
            let rate = f.exp();
            value += self.counts[i] * f - rate;
            pull[i] = self.counts[i] - rate;
        }
        if value == f64::NEG_INFINITY {
            return outside(grad);
        }
        if let Some(grad) = grad {
            for j in 0..n {
                grad[2 + j] = (j..n).map(|i| l[i * n + j] * pull[i]).sum::<f64>() - tilde[j];
            }
            for i in 0..n {
                for j in 0..=i {
                    g[i * n + j] = pull[i] * tilde[j];
                }
            }
            pull_back(l, g, n);
            let slopes = self.covariance.slopes(rho, alpha, correlation, g);
            (0..2).for_each(|i| grad[i] = slopes[i] + priors[i].1);
        }
        value
    }
}

impl Model for GaussianProcessCounts {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("rho", &[], Constraint::Positive),
            Parameter::new("alpha", &[], Constraint::Positive),
            Parameter::new("f_tilde", &[self.covariance.n], Constraint::Real),
        ]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        Ok(self.value(x, grad))
    }

    fn reported(&self) -> Vec<Variable> {
        let f = Variable::new("f", &[self.covariance.n]);
        vec![Variable::new("rho", &[]), Variable::new("alpha", &[]), f]
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        let n = self.covariance.n;
        let mut memory = scratch(2 * n * n);
        let (correlation, l) = memory.split_at_mut(n * n);
        let fits = self.covariance.factor(x[0], x[1], JITTER, correlation, l);
        out[..2].copy_from_slice(&x[..2]);
        for i in 0..n {
            let f: f64 = (0..=i).map(|j| l[i * n + j] * x[2 + j]).sum();
            // Chains are never where there is no factor.
            out[2 + i] = if fits { f } else { f64::NAN };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    const X: [f64; 4] = [-2.0, 0.0, 1.0, 3.5];

    fn covariance(rho: f64, alpha: f64, diagonal: f64) -> DMatrix<f64> {
        DMatrix::from_fn(4, 4, |i, j| {
            let c = alpha * alpha * (-(X[i] - X[j]).powi(2) / (2.0 * rho * rho)).exp();
            if i == j { c + diagonal } else { c }
        })
    }

    #[test]
    fn regression_agrees_with_the_normal_density() {
        let y = [0.3, -1.0, 2.0, 0.7];
        let m = GaussianProcessRegression::new(&X, y.to_vec()).unwrap();
        let (rho, alpha, sigma) = (1.7, 1.3, 0.6);
        let s = covariance(rho, alpha, sigma);
        let y = DVector::from_column_slice(&y);
        let quadratic = (y.transpose() * s.clone().try_inverse().unwrap() * &y)[0];
        let priors = 24.0 * f64::ln(rho) - 4.0 * rho - alpha * alpha / 8.0 - sigma * sigma / 2.0;
        let expected = -0.5 * (quadratic + s.determinant().ln()) + priors;
        assert!((m.log_prob(&[rho, alpha, sigma]).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn counts_agree_with_the_poisson_density_and_report_the_process() {
        let k = [3.0, 0.0, 7.0, 1.0];
        let m = GaussianProcessCounts::new(&X, k.to_vec()).unwrap();
        let x = [1.7, 1.3, 0.4, -0.8, 1.1, 0.2];
        let l = covariance(x[0], x[1], JITTER).cholesky().unwrap().l();
        let f = l * DVector::from_column_slice(&x[2..]);
        let mut out = [0.0; 6];
        m.report(&x, &mut out);
        assert!((0..4).all(|i| (out[2 + i] - f[i]).abs() < 1e-12));
        let likelihood: f64 = f.iter().zip(k).map(|(f, k)| k * f - f.exp()).sum();
        let squares: f64 = x[2..].iter().map(|v| v * v).sum();
        let expected = 24.0 * x[0].ln() - 4.0 * x[0] - x[1] * x[1] / 8.0 - 0.5 * squares + likelihood;
        assert!((m.log_prob(&x).unwrap() - expected).abs() < 1e-11);
        assert!(GaussianProcessCounts::new(&X, vec![-1.0; 4]).is_err());
    }
}
