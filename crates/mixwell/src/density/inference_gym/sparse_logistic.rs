//! Logistic regression whose weights are mostly near zero: each is a product of three numbers.
//!
//! `w_j = u_j l_j g`, `u_j ~ N(0, 1)`, `l_j, g ~ Gamma(1/2, rate 1/2)`,
//! `log_prob = -sum_i ln(1 + exp(-s_i x_i . w)) + priors`, constants dropped. Features are standardised (population
//! standard deviation), a constant 1 comes last.
//! Shapes: a natural point is `unscaled_weights[d], local_scales[d], global_scale`.

use crate::density::logistic_likelihood::Likelihood;
use crate::density::{Constraint, Model, Parameter, PointError, Prior, TargetError};
use crate::scratch::scratch;
use crate::{Batch, BatchMut};

const SCALE: Prior = Prior::Gamma { shape: 0.5, rate: 0.5 };
const UNIT: Prior = Prior::normal(1.0);

/// The posterior of weights and scales; see the module's head for its density.
#[derive(Clone, Debug)]
pub struct SparseLogisticRegression {
    width: usize,
    likelihood: Likelihood,
}

impl SparseLogisticRegression {
    /// The posterior given columns of features and the class of each row.
    pub fn new(features: &[Vec<f64>], positive: &[bool]) -> Result<Self, TargetError> {
        let (rows, width) = (positive.len(), features.len() + 1);
        if rows == 0 || features.is_empty() {
            return Err(TargetError::Empty { rows, columns: features.len() });
        }
        let mut signed = vec![0.0; rows * width];
        for (column, values) in features.iter().enumerate() {
            if values.len() != rows {
                let name = format!("column {column}");
                return Err(TargetError::Length { name, found: values.len(), expected: rows });
            }
            let mean = values.iter().sum::<f64>() / rows as f64;
            let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / rows as f64).sqrt();
            if sd.is_nan() || sd <= 0.0 {
                return Err(TargetError::ConstantColumn { column });
            }
            for (row, v) in values.iter().enumerate() {
                signed[row * width + column] = (v - mean) / sd;
            }
        }
        for (row, positive) in signed.chunks_exact_mut(width).zip(positive) {
            row[width - 1] = 1.0;
            if !positive {
                row.iter_mut().for_each(|v| *v = -*v);
            }
        }
        Ok(Self { width, likelihood: Likelihood::new(&signed, width) })
    }

    #[inline(always)]
    fn value(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        let d = self.width;
        let (unscaled, local, global) = (&x[..d], &x[d..2 * d], x[2 * d]);
        let mut memory = scratch(2 * d);
        let (weights, pull) = memory.split_at_mut(d);
        for j in 0..d {
            weights[j] = unscaled[j] * local[j] * global;
        }
        // Only a factor above 1e100 gets there, and its prior density is zero many times over.
        if !weights.iter().all(|w| w.abs() < 1e300) {
            if let Some(grad) = grad {
                grad.fill(0.0);
            }
            return f64::NEG_INFINITY;
        }
        let mut value = [0.0];
        let slopes = grad.is_some().then(|| BatchMut::new(pull, d));
        self.likelihood.evaluate(Batch::new(weights, d), &mut value, slopes);
        let (prior, slope) = SCALE.log_prob_and_slope(global);
        let value = value[0] + prior;
        let Some(grad) = grad else {
            return value + UNIT.add(unscaled, None) + SCALE.add(local, None);
        };
        let mut by_global = slope;
        for j in 0..d {
            grad[j] = pull[j] * local[j] * global;
            grad[d + j] = pull[j] * unscaled[j] * global;
            by_global += pull[j] * unscaled[j] * local[j];
        }
        grad[2 * d] = by_global;
        value + UNIT.add(unscaled, Some(&mut grad[..d])) + SCALE.add(local, Some(&mut grad[d..2 * d]))
    }
}

impl Model for SparseLogisticRegression {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("unscaled_weights", &[self.width], Constraint::Real),
            Parameter::new("local_scales", &[self.width], Constraint::Positive),
            Parameter::new("global_scale", &[], Constraint::Positive),
        ]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        Ok(self.value(x, grad))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::softplus;

    #[test]
    fn agrees_with_the_formula_written_plainly() {
        // Features 1, 2, 3 standardise to -a, 0, a with a = sqrt(3/2).
        let m = SparseLogisticRegression::new(&[vec![1.0, 2.0, 3.0]], &[false, true, true]).unwrap();
        let a = 1.5f64.sqrt();
        let (u, l, g) = ([0.7, -0.4], [0.5, 2.0], 1.3);
        let w = [u[0] * l[0] * g, u[1] * l[1] * g];
        let margins = [a * w[0] - w[1], w[1], a * w[0] + w[1]];
        let fit: f64 = margins.iter().map(|t| -softplus(-t)).sum();
        let gamma = |v: f64| -0.5 * v.ln() - 0.5 * v;
        let expected = fit - 0.5 * (0.49 + 0.16) + gamma(l[0]) + gamma(l[1]) + gamma(g);
        let value = m.log_prob(&[u[0], u[1], l[0], l[1], g]).unwrap();
        assert!((value - expected).abs() < 1e-13, "{value} {expected}");
        let constant = SparseLogisticRegression::new(&[vec![2.0; 3]], &[false, true, true]);
        assert_eq!(constant.unwrap_err(), TargetError::ConstantColumn { column: 0 });
    }
}
