//! Linear regression with a flat prior on the coefficients and a flat or half-Cauchy prior on the noise.
//!
//! `log_prob(beta, sigma) = -n ln sigma - |y - X beta|^2/(2 sigma^2) - ln(1 + (sigma/s)^2)`, the last term only with a
//! prior scale `s`. With `X = Q R` the square is `|R (beta - b)|^2 + S`, `b` the least-squares fit and `S` its residual:
//! no data is touched after construction, and no digits are lost to cancellation, as they would be with `X'X`.

use nalgebra::{DMatrix, DVector};
use serde_json::Value;

use super::{column, same_length};
use crate::target::{Constraint, Model, Parameter, TargetError, with_scratch};

/// The posterior of `beta` and `sigma`; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearRegression {
    observations: f64,
    width: usize,
    /// Upper triangle `R`, row after row, full rows.
    triangle: Vec<f64>,
    fit: Vec<f64>,
    residual: f64,
    sigma_scale: Option<f64>,
}

impl LinearRegression {
    /// Regression of `response` on `columns`; `sigma_scale` is the scale of sigma's half-Cauchy prior, flat without.
    ///
    /// An error when lengths differ, or the columns do not determine the coefficients.
    pub fn new(
        columns: &[(&str, &[f64])],
        response: &[f64],
        sigma_scale: Option<f64>,
    ) -> Result<Self, TargetError> {
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
            sigma_scale,
        })
    }

    /// Children's test scores on their mothers' IQ.
    pub fn kidscore_momiq(data: &Value) -> Result<Self, TargetError> {
        let (score, iq) = (column(data, "kid_score")?, column(data, "mom_iq")?);
        let one = vec![1.0; score.len()];
        Self::new(&[("constant", &one), ("mom_iq", &iq)], &score, Some(2.5))
    }

    /// The same on whether the mother finished high school, her IQ, and the product of both.
    pub fn kidscore_interaction(data: &Value) -> Result<Self, TargetError> {
        let [score, iq, school] =
            [column(data, "kid_score")?, column(data, "mom_iq")?, column(data, "mom_hs")?];
        let one = vec![1.0; score.len()];
        let product: Vec<f64> = iq.iter().zip(&school).map(|(a, b)| a * b).collect();
        let columns: [(&str, &[f64]); 4] =
            [("constant", &one), ("mom_hs", &school), ("mom_iq", &iq), ("mom_hs * mom_iq", &product)];
        Self::new(&columns, &score, Some(2.5))
    }

    /// Leaf weight of mesquite bushes on six measurements.
    pub fn mesquite(data: &Value) -> Result<Self, TargetError> {
        Self::mesquite_with(data, |v| v)
    }

    /// The same in logarithms, except for the group.
    pub fn logmesquite(data: &Value) -> Result<Self, TargetError> {
        Self::mesquite_with(data, f64::ln)
    }

    fn mesquite_with(data: &Value, scale: impl Fn(f64) -> f64) -> Result<Self, TargetError> {
        let names = ["weight", "diam1", "diam2", "canopy_height", "total_height", "density"];
        let mut scaled = Vec::with_capacity(names.len());
        for name in names {
            let values: Vec<f64> = column(data, name)?.into_iter().map(&scale).collect();
            if values.iter().any(|v| !v.is_finite()) {
                return Err(TargetError::Type {
                    name: name.to_string(),
                    expected: "an array of positive numbers",
                });
            }
            scaled.push(values);
        }
        let group = column(data, "group")?;
        let one = vec![1.0; scaled[0].len()];
        let mut columns: Vec<(&str, &[f64])> = vec![("constant", &one)];
        columns.extend(names.iter().copied().zip(scaled.iter().map(Vec::as_slice)).skip(1));
        columns.push(("group", &group));
        Self::new(&columns, &scaled[0], None)
    }

    #[inline(always)]
    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        let (beta, sigma) = (&x[..self.width], x[self.width]);
        with_scratch(self.width, |turned| {
            let mut square = self.residual;
            for (i, t) in turned.iter_mut().enumerate() {
                let row = &self.triangle[i * self.width..(i + 1) * self.width];
                *t = (i..self.width).map(|j| row[j] * (beta[j] - self.fit[j])).sum();
                square += *t * *t;
            }
            let precision = 1.0 / (sigma * sigma);
            let prior = self.sigma_scale.map_or(0.0, |s| (sigma / s).powi(2));
            if let Some(grad) = grad {
                grad.fill(0.0);
                for (i, t) in turned.iter().enumerate() {
                    for j in i..self.width {
                        grad[j] -= self.triangle[i * self.width + j] * *t * precision;
                    }
                }
                grad[self.width] =
                    (square * precision - self.observations - 2.0 * prior / (1.0 + prior)) / sigma;
            }
            -self.observations * sigma.ln() - 0.5 * square * precision - prior.ln_1p()
        })
    }
}

impl Model for LinearRegression {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("beta", &[self.width], Constraint::Real),
            Parameter::new("sigma", &[], Constraint::Positive),
        ]
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        self.evaluate(x, None)
    }

    fn log_prob_and_grad(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        self.evaluate(x, Some(grad))
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
        let m = LinearRegression::new(&[("one", &one), ("x", &x)], &y, Some(2.5)).unwrap();
        let (beta, sigma) = ([0.4, -0.9], 1.7);
        let square: f64 = x.iter().zip(y).map(|(x, y)| (y - beta[0] - beta[1] * x).powi(2)).sum();
        let expected =
            -5.0 * f64::ln(sigma) - square / (2.0 * sigma * sigma) - (sigma * sigma / 6.25).ln_1p();
        assert!((m.log_prob(&[beta[0], beta[1], sigma]) - expected).abs() < 1e-12);
    }

    #[test]
    fn coefficients_that_are_not_determined_are_an_error() {
        let (one, two, y) = ([1.0; 4], [2.0; 4], [1.0, 2.0, 3.0, 4.0]);
        let e = LinearRegression::new(&[("a", &one), ("b", &two)], &y, None).unwrap_err();
        assert_eq!(e, TargetError::ConstantColumn { column: 1 });
        assert!(LinearRegression::new(&[("a", &one[..1])], &y[..1], None).is_err());
        let e = LinearRegression::new(&[("a", &one[..3])], &y, None).unwrap_err();
        assert!(matches!(e, TargetError::Length { found: 3, expected: 4, .. }));
    }
}
