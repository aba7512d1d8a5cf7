//! Bayesian logistic regression with a Gaussian prior on every weight.
//!
//! `log_prob(w) = -sum_i ln(1 + exp(-s_i x_i . w)) - |w|^2/(2 p^2) - dim ln(p sqrt(2 pi))`, `s_i = 2 y_i - 1`.
//! With an infinite prior scale `p` the prior is flat and its terms are absent; the posterior is then proper only when
//! no plane separates the classes.
//! How the sum over the data is evaluated: [`super::logistic_likelihood`].
//! Shapes: features `rows x features`; weights are points of `dim = features (+ 1 with an intercept)`.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::labels::code_labels;
use super::logistic_likelihood::Likelihood;
use super::{EvaluationError, Target, TargetError, Variable};
use crate::{Batch, BatchMut, ConfigError};

/// Where the constant feature stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intercept {
    /// Before the features.
    First,
    /// After the features.
    #[default]
    Last,
    /// Nowhere.
    None,
}

/// How [`LogisticRegression::new`] treats its data.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegressionOptions {
    /// Whether features are shifted by their mean and divided by their population standard deviation.
    pub standardise: bool,
    /// Where the constant feature stands.
    pub intercept: Intercept,
    /// Standard deviation of the prior of every weight, the intercept's included; infinite for a flat prior.
    pub prior_scale: f64,
}

impl Default for LogisticRegressionOptions {
    fn default() -> Self {
        Self { standardise: true, intercept: Intercept::Last, prior_scale: 1.0 }
    }
}

/// The posterior of the weights; see the module's head for its density.
#[derive(Clone, Debug)]
pub struct LogisticRegression {
    dim: usize,
    likelihood: Likelihood,
    prior_precision: f64,
    log_norm: f64,
    variables: Vec<Variable>,
    notes: Vec<String>,
}

impl LogisticRegression {
    /// The posterior given `features` (`rows x features`) and `labels`, each 0 or 1.
    pub fn new(
        features: Batch<'_>,
        labels: &[f64],
        options: &LogisticRegressionOptions,
    ) -> Result<Self, TargetError> {
        let (rows, width) = (features.rows(), features.dim());
        if rows == 0 {
            return Err(TargetError::Empty { rows, columns: width });
        }
        if labels.len() != rows {
            return Err(TargetError::Length {
                name: "labels".to_string(),
                found: labels.len(),
                expected: rows,
            });
        }
        if options.prior_scale.is_nan() || options.prior_scale <= 0.0 {
            let reason = "it must be positive; `inf` makes the prior flat";
            return Err(ConfigError::new("prior_scale", options.prior_scale, reason).into());
        }
        if let Some(i) = features.data().iter().position(|v| !v.is_finite()) {
            return Err(TargetError::NotFinite { row: i / width, column: i % width });
        }
        let labels = code_labels(labels, Some(1.0), &[0.0])?;
        let columns = (0..width).map(|j| centre_and_scale(features, j, options.standardise));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;

        let dim = width + usize::from(options.intercept != Intercept::None);
        let offset = usize::from(options.intercept == Intercept::First);
        let mut signed = vec![0.0; rows * dim];
        for ((out, row), label) in signed.chunks_exact_mut(dim).zip(features.iter()).zip(&labels) {
            let sign = if *label { 1.0 } else { -1.0 };
            out.fill(sign);
            for ((out, v), (centre, scale)) in out[offset..].iter_mut().zip(row).zip(&columns) {
                *out = sign * ((v - centre) / scale);
            }
        }
        let flat = options.prior_scale.is_infinite();
        Ok(Self {
            dim,
            likelihood: Likelihood::new(&signed, dim),
            prior_precision: if flat { 0.0 } else { options.prior_scale.powi(-2) },
            log_norm: if flat { 0.0 } else { -(dim as f64) * (options.prior_scale * TAU.sqrt()).ln() },
            variables: vec![Variable::new("weights", &[dim])],
            notes: vec![],
        })
    }

    /// Names the weights; the sizes of the variables must add up to the dimension.
    pub fn named(mut self, variables: Vec<Variable>) -> Result<Self, ConfigError> {
        let total: usize = variables.iter().map(Variable::len).sum();
        if total != self.dim {
            let reason = format!("there are {} weights", self.dim);
            return Err(ConfigError::new("variables", total, reason));
        }
        self.variables = variables;
        Ok(self)
    }

    /// Sentences that [`Target::notes`] gives.
    pub(super) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// Adds the prior to the likelihood and to its gradient.
    fn posterior(&self, x: Batch<'_>, log_prob: &mut [f64], mut grad: Option<BatchMut<'_>>) {
        assert_eq!(x.dim(), self.dim, "points of another dimension than the target's");
        self.likelihood.evaluate(x, log_prob, grad.as_mut().map(BatchMut::reborrow));
        for (row, (w, log_prob)) in x.iter().zip(log_prob).enumerate() {
            let square: f64 = w.iter().map(|w| w * w).sum();
            *log_prob += self.log_norm - 0.5 * self.prior_precision * square;
            if let Some(grad) = &mut grad {
                for (g, w) in grad.row_mut(row).iter_mut().zip(w) {
                    *g -= self.prior_precision * w;
                }
            }
        }
    }
}

/// What is subtracted from column `j` and what it is divided by.
fn centre_and_scale(features: Batch<'_>, j: usize, standardise: bool) -> Result<(f64, f64), TargetError> {
    if !standardise {
        return Ok((0.0, 1.0));
    }
    let n = features.rows() as f64;
    let mean = features.iter().map(|r| r[j]).sum::<f64>() / n;
    let sd = (features.iter().map(|r| (r[j] - mean).powi(2)).sum::<f64>() / n).sqrt();
    // The values are compared, not the deviation, which rounding keeps from being zero.
    let first = features.row(0)[j];
    if features.iter().all(|r| r[j] == first) {
        return Err(TargetError::ConstantColumn { column: j });
    }
    // Squares of 1e300 overflow and those of 1e-300 vanish: the column would silently become zeros or NaN.
    if sd == 0.0 || !sd.is_finite() || !mean.is_finite() {
        return Err(TargetError::Scale { column: j });
    }
    Ok((mean, sd))
}

impl Target for LogisticRegression {
    fn dim(&self) -> usize {
        self.dim
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.posterior(x, log_prob, grad);
        Ok(())
    }

    fn variables(&self) -> Vec<Variable> {
        self.variables.clone()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{logistic, softplus};
    use crate::{Points, Stream};

    fn data(rows: usize, width: usize) -> (Points, Vec<f64>) {
        let mut s = Stream::new(5, 0);
        let mut x = Points::zeros(rows, width);
        s.fill_normal(x.data_mut());
        let y = (0..rows)
            .map(|i| f64::from(u8::from(i < 2 && i % 2 == 0 || i >= 2 && s.uniform() < 0.4)))
            .collect();
        (x, y)
    }

    #[test]
    fn agrees_with_the_formula_written_plainly() {
        // 300 rows: a logarithm is taken in between, and the last block is not full.
        let (x, y) = data(301, 3);
        let options =
            LogisticRegressionOptions { standardise: false, intercept: Intercept::First, prior_scale: 2.0 };
        let target = LogisticRegression::new(x.as_batch(), &y, &options).unwrap();
        let w = [0.3, -1.2, 0.7, 2.0];
        let mut expected = -4.0 * (2.0 * TAU.sqrt()).ln() - w.iter().map(|w| w * w).sum::<f64>() / 8.0;
        let mut slope = w.map(|w| -w / 4.0);
        for (row, y) in x.as_batch().iter().zip(&y) {
            let t = w[0] + row[0] * w[1] + row[1] * w[2] + row[2] * w[3];
            expected += y * t - softplus(t);
            slope[0] += y - logistic(t);
            (0..3).for_each(|j| slope[j + 1] += (y - logistic(t)) * row[j]);
        }
        let (mut value, mut grad) = ([0.0], [0.0; 4]);
        target.log_prob_and_grad(Batch::new(&w, 4), &mut value, BatchMut::new(&mut grad, 4)).unwrap();
        assert!((value[0] - expected).abs() < 1e-11, "{} {expected}", value[0]);
        assert!(grad.iter().zip(slope).all(|(a, b)| (a - b).abs() < 1e-11));
    }

    #[test]
    fn standardising_uses_the_population_sd() {
        // Values 1, 3: mean 2, population sd 1, so the features become -1, 1 (the sample sd would give 0.707).
        // One row each of 1 and 0: log p(w) = 2 ln(1 / (1 + exp(w))) - w^2/2 - ln sqrt(2 pi), as the first row is -1 with label 1.
        let options = LogisticRegressionOptions { intercept: Intercept::None, ..Default::default() };
        let t = LogisticRegression::new(Batch::new(&[1.0, 3.0], 1), &[1.0, 0.0], &options).unwrap();
        let mut value = [0.0];
        t.log_prob(Batch::new(&[0.7], 1), &mut value).unwrap();
        let expected = -2.0 * softplus(0.7) - 0.245 - TAU.sqrt().ln();
        assert!((value[0] - expected).abs() < 1e-14, "{}", value[0]);
    }

    #[test]
    fn huge_weights_are_finite() {
        let (x, y) = data(600, 2);
        let t = LogisticRegression::new(x.as_batch(), &y, &LogisticRegressionOptions::default()).unwrap();
        let (mut value, mut grad) = ([0.0], [0.0; 3]);
        t.log_prob_and_grad(Batch::new(&[1e4, -1e5, 700.0], 3), &mut value, BatchMut::new(&mut grad, 3))
            .unwrap();
        assert!(value[0].is_finite() && grad.iter().all(|g| g.is_finite()));
    }

    #[test]
    fn bad_data_is_named() {
        let (x, y) = data(9, 2);
        let new = |x: &Points, y: &[f64]| {
            LogisticRegression::new(x.as_batch(), y, &LogisticRegressionOptions::default()).unwrap_err()
        };
        assert!(matches!(new(&x, &y[1..]), TargetError::Length { found: 8, expected: 9, .. }));
        let mut labels = y.clone();
        labels[4] = 2.0;
        assert_eq!(new(&x, &labels), TargetError::Label { row: 4, value: 2.0 });
        assert_eq!(new(&x, &[0.0; 9]), TargetError::OneClass { value: 0.0 });
        let mut broken = x.clone();
        broken.row_mut(3)[1] = f64::INFINITY;
        assert_eq!(new(&broken, &y), TargetError::NotFinite { row: 3, column: 1 });
        let mut constant = x.clone();
        constant.as_batch_mut().iter_mut().for_each(|r| r[0] = 0.1);
        assert_eq!(new(&constant, &y), TargetError::ConstantColumn { column: 0 });
        for extreme in [1e300, 1e-300] {
            let mut column = x.clone();
            column.as_batch_mut().iter_mut().enumerate().for_each(|(i, r)| r[1] = extreme * (i % 2) as f64);
            assert_eq!(new(&column, &y), TargetError::Scale { column: 1 }, "{extreme}");
        }
        let flat = LogisticRegressionOptions { prior_scale: f64::NAN, ..Default::default() };
        assert!(LogisticRegression::new(x.as_batch(), &y, &flat).is_err());
    }
}
