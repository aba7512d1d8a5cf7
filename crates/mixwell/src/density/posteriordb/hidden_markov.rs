//! A hidden Markov chain with two states and normal values of unit variance.
//!
//! `y_t ~ N(mu_k, 1)` in state `k`; from state `j` the chain goes to `k` with probability `theta_j[k]`, and both states
//! are equally likely at first. `mu_1 ~ N(3, 1)`, `mu_2 ~ N(10, 1)`, `0 < mu_1 < mu_2`; both rows of `theta` are uniform on
//! the simplex. Constants dropped.
//! Forward: `f_t[k] = sum_j f_{t-1}[j] theta_j[k] e_t[k] / c_t`, `e_t[k] = exp(-(y_t - mu_k)^2/2)`, `log_prob = sum_t ln c_t`.
//! Backward: `b_{t-1}[j] = sum_k theta_j[k] e_t[k] b_t[k] / c_t`; then `f_t b_t` are the shares of the states at `t`, which
//! weigh the derivatives.
//! Shapes: a natural point is `theta1[2], theta2[2], mu[2]`.

use crate::density::formula::{self, Formula};
use crate::density::{Constraint, Model, Parameter, PointError, Prior, TargetError};
use crate::scratch::scratch;

const PRIORS: [Prior; 2] =
    [Prior::Normal { mean: 3.0, scale: 1.0 }, Prior::Normal { mean: 10.0, scale: 1.0 }];

/// The posterior of transitions and levels; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct HiddenMarkov {
    y: Vec<f64>,
}

/// What the forward sweep leaves behind at each time.
type Time = [f64; 4];

impl HiddenMarkov {
    /// The posterior given a series.
    pub fn new(y: Vec<f64>) -> Result<Self, TargetError> {
        if y.is_empty() {
            return Err(TargetError::Empty { rows: 0, columns: 1 });
        }
        Ok(Self { y })
    }
}

impl Formula for HiddenMarkov {
    #[inline(always)]
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let theta = [[x[0], x[1]], [x[2], x[3]]];
        let mu = [x[4], x[5]];
        let mut times = scratch(if GRAD { 4 * self.y.len() } else { 0 });
        let times = times.as_chunks_mut::<4>().0;
        let mut value = 0.0;
        // The state before the first value counts as one that leads to both with weight one.
        let mut before = [1.0, 1.0];
        for (t, y) in self.y.iter().enumerate() {
            let heights = mu.map(|m| -0.5 * (y - m) * (y - m));
            let top = heights[0].max(heights[1]);
            let e = heights.map(|h| (h - top).exp());
            let u = [before[0] * e[0], before[1] * e[1]];
            let sum = u[0] + u[1];
            // No state explains the value: the density is zero to double precision.
            if top == f64::NEG_INFINITY || sum == 0.0 {
                grad.fill(0.0);
                return f64::NEG_INFINITY;
            }
            value += top + sum.ln();
            let f = [u[0] / sum, u[1] / sum];
            if GRAD {
                times[t] = [f[0], f[1], e[0] / sum, e[1] / sum];
            }
            before = [0, 1].map(|k| f[0] * theta[0][k] + f[1] * theta[1][k]);
        }
        if GRAD {
            self.backward(theta, mu, times, grad);
        }
        for (k, prior) in PRIORS.iter().enumerate() {
            let (log_prob, slope) = prior.log_prob_and_slope(mu[k]);
            value += log_prob;
            if GRAD {
                grad[4 + k] += slope;
            }
        }
        value
    }
}

impl HiddenMarkov {
    /// Writes the gradient of the log-likelihood.
    fn backward(&self, theta: [[f64; 2]; 2], mu: [f64; 2], times: &[Time], grad: &mut [f64]) {
        grad.fill(0.0);
        let mut b = [1.0, 1.0];
        for t in (0..self.y.len()).rev() {
            let [f0, f1, e0, e1] = times[t];
            for (k, f) in [f0, f1].into_iter().enumerate() {
                grad[4 + k] += f * b[k] * (self.y[t] - mu[k]);
            }
            if t == 0 {
                break;
            }
            let ahead = [e0 * b[0], e1 * b[1]];
            for j in 0..2 {
                for k in 0..2 {
                    grad[2 * j + k] += times[t - 1][j] * ahead[k];
                }
            }
            b = [0, 1].map(|j| theta[j][0] * ahead[0] + theta[j][1] * ahead[1]);
        }
    }
}

impl Model for HiddenMarkov {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("theta1", &[2], Constraint::Simplex),
            Parameter::new("theta2", &[2], Constraint::Simplex),
            Parameter::new("mu", &[2], Constraint::PositiveOrdered),
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
    fn agrees_with_the_sum_over_all_paths() {
        let y = [3.5, 9.0, 6.0, 2.0];
        let m = HiddenMarkov::new(y.to_vec()).unwrap();
        let x = [0.7, 0.3, 0.2, 0.8, 4.0, 8.5];
        let paths: Vec<f64> = (0..16)
            .map(|path| {
                let state = |t: usize| path >> t & 1;
                let values: f64 = (0..4).map(|t| -0.5 * (y[t] - x[4 + state(t)]).powi(2)).sum();
                let moves: f64 = (1..4).map(|t| x[2 * state(t - 1) + state(t)].ln()).sum();
                values + moves
            })
            .collect();
        let expected = log_sum_exp(&paths) - 0.5 * (1.0 + 1.5 * 1.5);
        assert!((m.log_prob(&x).unwrap() - expected).abs() < 1e-12, "{} {expected}", m.log_prob(&x).unwrap());
    }
}
