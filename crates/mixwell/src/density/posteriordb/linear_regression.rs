//! Linear regression with independent priors on the coefficients and on the noise.
//!
//! `log_prob(beta, sigma) = -n ln sigma - |y - X beta|^2/(2 sigma^2) + sum_j prior_j(beta_j) + prior(sigma)`; every prior is
//! flat unless given. With `X = Q R` the square is `|R (beta - b)|^2 + S`, `b` the least-squares fit and `S` its residual:
//! no data is touched after construction, and no digits are lost to cancellation, as they would be with `X'X`.

use nalgebra::{DMatrix, DVector};

use super::data::same_length;
use crate::ConfigError;
use crate::density::{Constraint, Model, Parameter, PointError, Prior, TargetError, Variable, with_scratch};

/// The posterior of `beta` and `sigma`; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearRegression {
    observations: f64,
    width: usize,
    /// Upper triangle `R`, row after row, full rows.
    triangle: Vec<f64>,
    fit: Vec<f64>,
    residual: f64,
    /// One per coefficient, or none when all are flat.
    priors: Vec<Prior>,
    sigma_prior: Prior,
    names: Vec<Variable>,
}

impl LinearRegression {
    /// Regression of `response` on `columns` with flat priors; the coefficients are called `beta`.
    ///
    /// An error when lengths differ, or the columns do not determine the coefficients.
    pub fn new(columns: &[(&str, &[f64])], response: &[f64]) -> Result<Self, TargetError> {
        let all: Vec<(&str, &[f64])> =
            std::iter::once(("response", response)).chain(columns.iter().copied()).collect();
        same_length(&all)?;
        let (rows, width) = (response.len(), columns.len());
        let singular = |column| TargetError::ConstantColumn { column };
        if rows <= width || width == 0 {
            return Err(TargetError::Empty { rows, columns: width });
        }
        let design = DMatrix::from_fn(rows, width, |i, j| columns[j].1[i]);
        let y = DVector::from_column_slice(response);
        let (q, r) = design.clone().qr().unpack();
        let largest = r.diagonal().amax();
        if let Some(j) = (0..width).find(|j| r[(*j, *j)].abs() <= 1e-13 * largest) {
            return Err(singular(j));
        }
        let fit = r.solve_upper_triangular(&(q.transpose() * &y)).ok_or_else(|| singular(width - 1))?;
        Ok(Self {
            observations: rows as f64,
            width,
            triangle: (0..width).flat_map(|i| (0..width).map(move |j| (i, j))).map(|ij| r[ij]).collect(),
            residual: (&y - design * &fit).norm_squared(),
            fit: fit.iter().copied().collect(),
            priors: Vec::new(),
            sigma_prior: Prior::Flat,
            names: vec![Variable::new("beta", &[width])],
        })
    }

    /// Priors of the coefficients, one each, and of sigma.
    pub fn with_priors(mut self, coefficients: Vec<Prior>, sigma: Prior) -> Result<Self, ConfigError> {
        if coefficients.len() != self.width {
            let reason = format!("there are {} coefficients", self.width);
            return Err(ConfigError::new("coefficients", coefficients.len(), reason));
        }
        self.priors = coefficients;
        self.sigma_prior = sigma;
        Ok(self)
    }

    /// The prior of sigma.
    pub fn with_sigma_prior(mut self, sigma: Prior) -> Self {
        self.sigma_prior = sigma;
        self
    }

    /// Names the coefficients; the sizes of the variables must add up to their number.
    pub fn named(mut self, names: Vec<Variable>) -> Result<Self, ConfigError> {
        let total: usize = names.iter().map(Variable::len).sum();
        if total != self.width {
            let reason = format!("there are {} coefficients", self.width);
            return Err(ConfigError::new("variables", total, reason));
        }
        self.names = names;
        Ok(self)
    }

    #[inline(always)]
    fn value(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        let (beta, sigma) = (&x[..self.width], x[self.width]);
        with_scratch(self.width, |turned| {
            let mut square = self.residual;
            for (i, t) in turned.iter_mut().enumerate() {
                let row = &self.triangle[i * self.width..(i + 1) * self.width];
                *t = (i..self.width).map(|j| row[j] * (beta[j] - self.fit[j])).sum();
                square += *t * *t;
            }
            let precision = 1.0 / (sigma * sigma);
            let (mut value, sigma_slope) = self.sigma_prior.log_prob_and_slope(sigma);
            let sigma_slope = sigma_slope + (square * precision - self.observations) / sigma;
            match grad {
                None => value += self.add_priors(beta, |_, _| {}),
                Some(grad) => {
                    grad.fill(0.0);
                    for (i, t) in turned.iter().enumerate() {
                        let pull = *t * precision;
                        for j in i..self.width {
                            grad[j] -= self.triangle[i * self.width + j] * pull;
                        }
                    }
                    value += self.add_priors(beta, |j, slope| grad[j] += slope);
                    grad[self.width] = sigma_slope;
                }
            }
            value - self.observations * sigma.ln() - 0.5 * square * precision
        })
    }

    /// Sum of the coefficients' priors, whose slopes go to `each`.
    #[inline(always)]
    fn add_priors(&self, beta: &[f64], mut each: impl FnMut(usize, f64)) -> f64 {
        let mut sum = 0.0;
        for (j, (prior, beta)) in self.priors.iter().zip(beta).enumerate() {
            let (value, slope) = prior.log_prob_and_slope(*beta);
            sum += value;
            each(j, slope);
        }
        sum
    }
}

impl Model for LinearRegression {
    fn parameters(&self) -> Vec<Parameter> {
        let coefficients =
            self.names.iter().map(|v| Parameter { variable: v.clone(), constraint: Constraint::Real });
        coefficients.chain([Parameter::new("sigma", &[], Constraint::Positive)]).collect()
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        Ok(self.value(x, grad))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_formula_written_plainly() {
        let x = [0.3, 1.0, -2.0, 0.7, 5.0];
        let y = [1.0, 0.2, 3.0, 2.0, -4.0];
        let one = [1.0; 5];
        let priors = vec![Prior::Normal { mean: 1.0, scale: 2.0 }, Prior::Flat];
        let m = LinearRegression::new(&[("one", &one), ("x", &x)], &y).unwrap();
        let m = m.with_priors(priors, Prior::cauchy(2.5)).unwrap();
        let (beta, sigma) = ([0.4, -0.9], 1.7f64);
        let square: f64 = x.iter().zip(y).map(|(x, y)| (y - beta[0] - beta[1] * x).powi(2)).sum();
        let priors = -(sigma * sigma / 6.25).ln_1p() - 0.5 * 0.09;
        let expected = -5.0 * f64::ln(sigma) - square / (2.0 * sigma * sigma) + priors;
        assert!((m.log_prob(&[beta[0], beta[1], sigma]).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn priors_and_names_must_fit_the_coefficients() {
        let (one, y) = ([1.0; 3], [1.0, 2.0, 3.0]);
        let m = LinearRegression::new(&[("one", &one)], &y).unwrap();
        assert_eq!(m.clone().with_priors(vec![], Prior::Flat).unwrap_err().key, "coefficients");
        assert!(m.clone().named(vec![Variable::new("b", &[2])]).is_err());
        let m = m.named(vec![Variable::new("alpha", &[])]).unwrap();
        assert_eq!(m.reported(), vec![Variable::new("alpha", &[]), Variable::new("sigma", &[])]);
    }

    #[test]
    fn coefficients_that_are_not_determined_are_an_error() {
        let (one, two, y) = ([1.0; 4], [2.0; 4], [1.0, 2.0, 3.0, 4.0]);
        let e = LinearRegression::new(&[("a", &one), ("b", &two)], &y).unwrap_err();
        assert_eq!(e, TargetError::ConstantColumn { column: 1 });
        assert!(LinearRegression::new(&[("a", &one[..1])], &y[..1]).is_err());
        let e = LinearRegression::new(&[("a", &one[..3])], &y).unwrap_err();
        assert!(matches!(e, TargetError::Length { found: 3, expected: 4, .. }));
    }
}
