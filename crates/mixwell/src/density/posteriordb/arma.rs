//! ARMA(1, 1): each value of the series depends on the previous value and the previous error.
//!
//! `e_1 = y_1 - mu - phi mu`, `e_t = y_t - mu - phi y_{t-1} - theta e_{t-1}`, `e_t ~ N(0, sigma^2)`;
//! `mu ~ N(0, 10^2)`, `phi, theta ~ N(0, 2^2)`, `sigma` half-Cauchy of scale 2.5. Constants dropped.
//! The derivatives of `e_t` follow the same recursion as `e_t`, so one sweep gives value and gradient.

use crate::density::formula::{self, Formula};
use crate::density::{Constraint, Model, Parameter, PointError, Prior, TargetError};

const PRIORS: [Prior; 4] = [Prior::normal(10.0), Prior::normal(2.0), Prior::normal(2.0), Prior::cauchy(2.5)];

/// The posterior of `mu, phi, theta, sigma`; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct Arma11 {
    y: Vec<f64>,
}

impl Arma11 {
    /// The posterior given a series.
    pub fn new(y: Vec<f64>) -> Result<Self, TargetError> {
        if y.is_empty() {
            return Err(TargetError::Empty { rows: 0, columns: 1 });
        }
        Ok(Self { y })
    }
}

impl Formula for Arma11 {
    #[inline(always)]
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let [mu, phi, theta, sigma] = [x[0], x[1], x[2], x[3]];
        let mut error = self.y[0] - mu - phi * mu;
        // Derivatives of the error in mu, phi and theta, and of half the sum of squares.
        let mut slope = [-1.0 - phi, -mu, 0.0];
        let mut half = slope.map(|s| s * error);
        let mut square = error * error;
        for pair in self.y.windows(2) {
            if GRAD {
                slope = [-1.0 - theta * slope[0], -pair[0] - theta * slope[1], -error - theta * slope[2]];
            }
            error = pair[1] - mu - phi * pair[0] - theta * error;
            square += error * error;
            if GRAD {
                (0..3).for_each(|i| half[i] += slope[i] * error);
            }
        }
        // A series of errors that explodes beyond all numbers has no density left.
        if !square.is_finite() {
            grad.fill(0.0);
            return f64::NEG_INFINITY;
        }
        let precision = 1.0 / (sigma * sigma);
        let count = self.y.len() as f64;
        let mut value = -count * sigma.ln() - 0.5 * square * precision;
        for (i, prior) in PRIORS.iter().enumerate() {
            let (log_prob, prior_slope) = prior.log_prob_and_slope(x[i]);
            value += log_prob;
            if GRAD {
                let own = if i < 3 { -half[i] * precision } else { (square * precision - count) / sigma };
                grad[i] = own + prior_slope;
            }
        }
        value
    }
}

impl Model for Arma11 {
    fn parameters(&self) -> Vec<Parameter> {
        let real = |name| Parameter::new(name, &[], Constraint::Real);
        vec![real("mu"), real("phi"), real("theta"), Parameter::new("sigma", &[], Constraint::Positive)]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        formula::evaluate(self, x, grad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_formula_for_three_values() {
        let m = Arma11::new(vec![0.5, -1.0, 2.0]).unwrap();
        let (mu, phi, theta, sigma) = (0.3f64, 0.6f64, -0.4f64, 1.2f64);
        let e1 = 0.5 - mu - phi * mu;
        let e2 = -1.0 - (mu + phi * 0.5 + theta * e1);
        let e3 = 2.0 - (mu - phi + theta * e2);
        let priors = -mu * mu / 200.0 - (phi * phi + theta * theta) / 8.0 - (sigma * sigma / 6.25).ln_1p();
        let expected = -3.0 * sigma.ln() - (e1 * e1 + e2 * e2 + e3 * e3) / (2.0 * sigma * sigma) + priors;
        assert!((m.log_prob(&[mu, phi, theta, sigma]).unwrap() - expected).abs() < 1e-13);
    }
}
