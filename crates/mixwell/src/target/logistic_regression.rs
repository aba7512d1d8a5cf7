//! Bayesian logistic regression with a Gaussian prior on every weight.
//!
//! `log_prob(w) = -sum_i ln(1 + exp(-s_i x_i . w)) - |w|^2/(2 p^2) - dim ln(p sqrt(2 pi))`, `s_i = 2 y_i - 1`.
//! With an infinite prior scale `p` the prior is flat and its terms are absent; the posterior is then proper only when
//! no plane separates the classes.
//! Rows are kept with the sign folded in, once row after row and once in blocks of eight as columns. Eight chains, or
//! one chain and eight rows of data, are then one vector. `sum ln(1 + e_i)` is the logarithm of a product, taken once per
//! 256 rows: a term's error is one rounding unit of 1 instead of one of the term, as in the sum itself.
//! Shapes: features `rows x features`; weights are points of `dim = features (+ 1 with an intercept)`.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::exp::exp_nonpositive_each;
use super::labels::code_labels;
use super::lanes::{self, Lanes};
use super::{Target, TargetError, Variable};
use crate::{Batch, BatchMut, ConfigError};

/// Data rows handled at once.
const BLOCK: usize = 8;
/// Blocks after which the running product is turned into a logarithm. Each factor is at most 2.
const BLOCKS_PER_LOG: usize = 32;

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
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegression {
    rows: usize,
    dim: usize,
    /// Signed rows, `rows x dim`, filled up with zeros to whole blocks.
    by_row: Vec<f64>,
    /// The same, block after block: `dim` columns of eight rows.
    by_block: Vec<f64>,
    prior_precision: f64,
    log_norm: f64,
    variables: Vec<Variable>,
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
        let padded = rows.div_ceil(BLOCK) * BLOCK;
        let mut by_row = vec![0.0; padded * dim];
        for ((out, row), label) in by_row.chunks_exact_mut(dim).zip(features.iter()).zip(&labels) {
            let sign = if *label { 1.0 } else { -1.0 };
            out.fill(sign);
            for ((out, v), (centre, scale)) in out[offset..].iter_mut().zip(row).zip(&columns) {
                *out = sign * ((v - centre) / scale);
            }
        }
        let mut by_block = vec![0.0; padded * dim];
        for (block, rows) in by_block.chunks_exact_mut(BLOCK * dim).zip(by_row.chunks_exact(BLOCK * dim)) {
            for (j, column) in block.chunks_exact_mut(BLOCK).enumerate() {
                for (r, v) in column.iter_mut().enumerate() {
                    *v = rows[r * dim + j];
                }
            }
        }
        let flat = options.prior_scale.is_infinite();
        Ok(Self {
            rows,
            dim,
            by_row,
            by_block,
            prior_precision: if flat { 0.0 } else { options.prior_scale.powi(-2) },
            log_norm: if flat { 0.0 } else { -(dim as f64) * (options.prior_scale * TAU.sqrt()).ln() },
            variables: vec![Variable::new("weights", &[dim])],
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

    /// `t[r] = sum_j w_j x_rj` for the rows of a block, the sum always in the order of `j`.
    #[inline(always)]
    fn margins<const L: usize>(&self, block: usize, weights: &[[f64; L]], t: &mut [[f64; L]; BLOCK]) {
        let span = block * BLOCK * self.dim..(block + 1) * BLOCK * self.dim;
        if L == 1 {
            // Eight rows of data side by side.
            let mut sum = [0.0; BLOCK];
            for (w, column) in weights.iter().zip(self.by_block[span].as_chunks::<BLOCK>().0) {
                for r in 0..BLOCK {
                    sum[r] += w[0] * column[r];
                }
            }
            for r in 0..BLOCK {
                t[r] = [sum[r]; L];
            }
        } else {
            for (t, row) in t.iter_mut().zip(self.by_row[span].chunks_exact(self.dim)) {
                let mut sum = [0.0; L];
                for (w, x) in weights.iter().zip(row) {
                    for l in 0..L {
                        sum[l] += w[l] * x;
                    }
                }
                *t = sum;
            }
        }
    }

    /// Adds `sum_r c[r] x_rj` to the gradient, always in the order of `r`.
    #[inline(always)]
    fn pull_back<const L: usize>(&self, block: usize, c: &[[f64; L]; BLOCK], grad: &mut [[f64; L]]) {
        let span = block * BLOCK * self.dim..(block + 1) * BLOCK * self.dim;
        if L == 1 {
            for (c, row) in c.iter().zip(self.by_row[span].chunks_exact(self.dim)) {
                for (g, x) in grad.iter_mut().zip(row) {
                    g[0] += c[0] * x;
                }
            }
        } else {
            for (g, column) in grad.iter_mut().zip(self.by_block[span].as_chunks::<BLOCK>().0) {
                let mut sum = *g;
                for r in 0..BLOCK {
                    for l in 0..L {
                        sum[l] += c[r][l] * column[r];
                    }
                }
                *g = sum;
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
    if sd == 0.0 || features.iter().all(|r| r[j] == first) {
        return Err(TargetError::ConstantColumn { column: j });
    }
    Ok((mean, sd))
}

impl Lanes for LogisticRegression {
    fn lanes_dim(&self) -> usize {
        self.dim
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        _: &mut [[f64; L]],
    ) -> [f64; L] {
        let (mut hinge, mut logs, mut product) = ([0.0; L], [0.0; L], [1.0; L]);
        if GRAD {
            grad.fill([0.0; L]);
        }
        for block in 0..self.rows.div_ceil(BLOCK) {
            let filled = BLOCK.min(self.rows - block * BLOCK);
            let mut t = [[0.0; L]; BLOCK];
            self.margins(block, x, &mut t);
            // e = exp(-|t|); ln(1 + exp(-t)) = max(-t, 0) + ln(1 + e); its slope is -(t < 0 ? 1 : e)/(1 + e).
            let mut e = t;
            e.as_flattened_mut().iter_mut().for_each(|v| *v = -v.abs());
            exp_nonpositive_each(e.as_flattened_mut());
            for r in 0..filled {
                for l in 0..L {
                    hinge[l] += if t[r][l] < 0.0 { -t[r][l] } else { 0.0 };
                    product[l] *= 1.0 + e[r][l];
                }
            }
            if GRAD {
                for (e, t) in e.as_flattened_mut().iter_mut().zip(t.as_flattened()) {
                    let top = if *t < 0.0 { 1.0 } else { *e };
                    *e = top / (1.0 + *e);
                }
                // Rows that only fill up the last block are zero and add nothing.
                self.pull_back(block, &e, grad);
            }
            if (block + 1).is_multiple_of(BLOCKS_PER_LOG) {
                for l in 0..L {
                    logs[l] += product[l].ln();
                }
                product = [1.0; L];
            }
        }
        let mut square = [0.0; L];
        for (j, w) in x.iter().enumerate() {
            for l in 0..L {
                square[l] += w[l] * w[l];
                if GRAD {
                    grad[j][l] -= self.prior_precision * w[l];
                }
            }
        }
        let mut out = [0.0; L];
        for l in 0..L {
            let loss = hinge[l] + (logs[l] + product[l].ln());
            let prior = 0.5 * self.prior_precision * square[l];
            out[l] = self.log_norm - prior - loss;
        }
        out
    }
}

impl Target for LogisticRegression {
    fn dim(&self) -> usize {
        self.dim
    }

    fn log_prob(&self, x: Batch<'_>, log_prob: &mut [f64]) {
        lanes::log_prob(self, x, log_prob);
    }

    fn log_prob_and_grad(&self, x: Batch<'_>, log_prob: &mut [f64], grad: BatchMut<'_>) {
        lanes::log_prob_and_grad(self, x, log_prob, grad);
    }

    fn variables(&self) -> Vec<Variable> {
        self.variables.clone()
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
        target.log_prob_and_grad(Batch::new(&w, 4), &mut value, BatchMut::new(&mut grad, 4));
        assert!((value[0] - expected).abs() < 1e-11, "{} {expected}", value[0]);
        assert!(grad.iter().zip(slope).all(|(a, b)| (a - b).abs() < 1e-11));
    }

    #[test]
    fn standardising_uses_the_population_sd() {
        // Values 1, 3: mean 2, population sd 1, so the features become -1, 1 (the sample sd would give 0.707).
        let options = LogisticRegressionOptions { intercept: Intercept::None, ..Default::default() };
        let t = LogisticRegression::new(Batch::new(&[1.0, 3.0], 1), &[1.0, 0.0], &options).unwrap();
        assert_eq!(&t.by_row[..2], &[-1.0, -1.0]);
    }

    #[test]
    fn huge_weights_are_finite() {
        let (x, y) = data(600, 2);
        let t = LogisticRegression::new(x.as_batch(), &y, &LogisticRegressionOptions::default()).unwrap();
        let (mut value, mut grad) = ([0.0], [0.0; 3]);
        t.log_prob_and_grad(Batch::new(&[1e4, -1e5, 700.0], 3), &mut value, BatchMut::new(&mut grad, 3));
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
        let flat = LogisticRegressionOptions { prior_scale: f64::NAN, ..Default::default() };
        assert!(LogisticRegression::new(x.as_batch(), &y, &flat).is_err());
    }
}
