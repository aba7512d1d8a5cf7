//! Two normal components on a line, with or without an order of their means.
//!
//! `log_prob(mu, sigma, theta) = sum_n ln(theta N(y_n; mu_1, sigma_1^2) + (1 - theta) N(y_n; mu_2, sigma_2^2)) + prior`,
//! `prior = 4 ln(theta (1 - theta)) - (|sigma|^2 + |mu|^2)/8`: `Beta(5, 5)`, half-normal of scale 2, `N(0, 2^2)`.
//! Without the order the two labellings are two modes, of equal weight.
//! The sum over data runs on eight values at once; the logarithms are taken of products of 64 terms, each at most 2.

use crate::density::formula::{self, Formula};
use crate::density::{Constraint, Model, Parameter, PointError, TargetError};
use mixwell_vector::elementary::exp_slice;

const WIDTH: usize = 8;
const CHUNKS_PER_LOG: usize = 64;

/// The posterior of both components; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalMixture {
    /// The data, filled up to whole chunks.
    data: Vec<f64>,
    count: usize,
    ordered: bool,
}

impl NormalMixture {
    /// The posterior given data; `ordered` makes the first mean the smaller one.
    pub fn new(mut data: Vec<f64>, ordered: bool) -> Result<Self, TargetError> {
        let count = data.len();
        if count == 0 {
            return Err(TargetError::Empty { rows: 0, columns: 1 });
        }
        if let Some(row) = data.iter().position(|v| !v.is_finite()) {
            return Err(TargetError::NotFinite { row, column: 0 });
        }
        data.resize(count.div_ceil(WIDTH) * WIDTH, data[count - 1]);
        Ok(Self { data, count, ordered })
    }
}

impl Formula for NormalMixture {
    #[inline(always)]
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let (mu, sigma, theta) = ([x[0], x[1]], [x[2], x[3]], x[4]);
        let inverse = sigma.map(|s| 1.0 / s);
        let log_front = [theta.ln() - sigma[0].ln(), (1.0 - theta).ln() - sigma[1].ln()];

        let (mut top, mut product, mut logs) = ([0.0; WIDTH], [1.0; WIDTH], [0.0; WIDTH]);
        // Per component: sum of shares, of shares times the scaled deviation, and times its square.
        let mut share = [[0.0; WIDTH]; 2];
        let mut first = [[0.0; WIDTH]; 2];
        let mut second = [[0.0; WIDTH]; 2];
        for (chunk, y) in self.data.as_chunks::<WIDTH>().0.iter().enumerate() {
            let filled = WIDTH.min(self.count - chunk * WIDTH);
            let mut u = [[0.0; WIDTH]; 2];
            let mut height = [[0.0; WIDTH]; 2];
            for k in 0..2 {
                for l in 0..WIDTH {
                    u[k][l] = (y[l] - mu[k]) * inverse[k];
                    height[k][l] = log_front[k] - 0.5 * (u[k][l] * u[k][l]);
                }
            }
            let mut e = [0.0; WIDTH];
            for l in 0..WIDTH {
                // Equal heights, both of them -inf included, share evenly.
                let gap = if height[0][l] == height[1][l] { 0.0 } else { height[0][l] - height[1][l] };
                e[l] = -gap.abs();
            }
            exp_slice(&mut e);
            for l in 0..filled {
                top[l] += if height[0][l] > height[1][l] { height[0][l] } else { height[1][l] };
                product[l] *= 1.0 + e[l];
            }
            if (chunk + 1).is_multiple_of(CHUNKS_PER_LOG) {
                for l in 0..WIDTH {
                    logs[l] += product[l].ln();
                }
                product = [1.0; WIDTH];
            }
            if GRAD {
                for l in 0..WIDTH {
                    let high = 1.0 / (1.0 + e[l]);
                    let p = if height[0][l] > height[1][l] { high } else { e[l] * high };
                    let p = if l < filled { [p, 1.0 - p] } else { [0.0, 0.0] };
                    for k in 0..2 {
                        share[k][l] += p[k];
                        first[k][l] += p[k] * u[k][l];
                        second[k][l] += p[k] * (u[k][l] * u[k][l]);
                    }
                }
            }
        }
        let mut value = 0.0;
        for l in 0..WIDTH {
            value += top[l] + (logs[l] + product[l].ln());
        }
        let squares = mu[0] * mu[0] + mu[1] * mu[1] + sigma[0] * sigma[0] + sigma[1] * sigma[1];
        value += 4.0 * (theta.ln() + (1.0 - theta).ln()) - squares / 8.0;
        if GRAD {
            let sum = |v: &[f64; WIDTH]| v.iter().sum::<f64>();
            for k in 0..2 {
                grad[k] = sum(&first[k]) * inverse[k] - mu[k] / 4.0;
                grad[2 + k] = (sum(&second[k]) - sum(&share[k])) * inverse[k] - sigma[k] / 4.0;
            }
            grad[4] = (sum(&share[0]) + 4.0) / theta - (sum(&share[1]) + 4.0) / (1.0 - theta);
        }
        value
    }
}

impl Model for NormalMixture {
    fn parameters(&self) -> Vec<Parameter> {
        let order = if self.ordered { Constraint::Ordered } else { Constraint::Real };
        vec![
            Parameter::new("mu", &[2], order),
            Parameter::new("sigma", &[2], Constraint::Positive),
            Parameter::new("theta", &[], Constraint::Interval(0.0, 1.0)),
        ]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        formula::evaluate(self, x, grad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::log_sum_exp;

    #[test]
    fn agrees_with_the_formula_written_plainly() {
        // 1003 values: the last chunk is not full and logarithms are taken in between.
        let y: Vec<f64> = (0..1003).map(|i| (f64::from(i) * 0.37).sin() * 3.0).collect();
        let m = NormalMixture::new(y.clone(), false).unwrap();
        let (mu, sigma, theta) = ([-1.0, 0.8], [0.7, 1.4], 0.3f64);
        let part = |y: f64, k: usize| -0.5 * ((y - mu[k]) / sigma[k]).powi(2) - f64::ln(sigma[k]);
        let mix = |y: &f64| log_sum_exp(&[theta.ln() + part(*y, 0), (1.0 - theta).ln() + part(*y, 1)]);
        let prior = 4.0 * (theta * (1.0 - theta)).ln() - (1.0 + 0.64 + 0.49 + 1.96) / 8.0;
        let expected = y.iter().map(mix).sum::<f64>() + prior;
        let value = m.log_prob(&[mu[0], mu[1], sigma[0], sigma[1], theta]).unwrap();
        assert!((value - expected).abs() < 1e-9, "{value} {expected}");
    }

    #[test]
    fn both_labellings_are_equally_likely() {
        let m = NormalMixture::new(vec![0.3, -2.0, 1.0], false).unwrap();
        let (a, b) = (
            m.log_prob(&[0.1, 0.5, 1.0, 2.0, 0.3]).unwrap(),
            m.log_prob(&[0.5, 0.1, 2.0, 1.0, 0.7]).unwrap(),
        );
        assert!((a - b).abs() < 1e-13);
    }

    #[test]
    fn broken_data_is_refused() {
        assert!(NormalMixture::new(vec![], true).is_err());
        let e = NormalMixture::new(vec![1.0, f64::NAN], true).unwrap_err();
        assert_eq!(e, TargetError::NotFinite { row: 1, column: 0 });
    }
}
