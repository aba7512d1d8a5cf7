//! GARCH(1, 1): the variance at each time depends on the previous squared error and the previous variance.
//!
//! `s_1` given, `s_t = alpha0 + alpha1 (y_{t-1} - mu)^2 + beta1 s_{t-1}`, `y_t ~ N(mu, s_t)`, flat priors on `mu`, on
//! `alpha0 > 0` and on `alpha1, beta1 > 0` with `alpha1 + beta1 < 1`. Constants dropped.
//! Sampled in `share = beta1/(1 - alpha1)`, which lies between 0 and 1 whatever `alpha1` is; `d beta1/d share = 1 - alpha1`
//! is part of the density. Draws are reported as `mu, alpha0, alpha1, beta1`.

use crate::density::formula::{self, Formula};
use crate::density::{Constraint, Model, Parameter, PointError, TargetError, Variable};

/// The posterior of `mu, alpha0, alpha1, beta1`; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct Garch11 {
    y: Vec<f64>,
    /// Variance of the first value.
    first: f64,
}

impl Garch11 {
    /// The posterior given a series and the standard deviation of its first value.
    pub fn new(y: Vec<f64>, first_sd: f64) -> Result<Self, TargetError> {
        if y.is_empty() {
            return Err(TargetError::Empty { rows: 0, columns: 1 });
        }
        Ok(Self { y, first: first_sd * first_sd })
    }
}

impl Formula for Garch11 {
    #[inline(always)]
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let [mu, alpha0, alpha1, share] = [x[0], x[1], x[2], x[3]];
        let room = 1.0 - alpha1;
        let beta1 = share * room;
        let mut variance = self.first;
        // Derivatives of the variance, and of the log-density, in mu, alpha0, alpha1 and beta1.
        let (mut slope, mut total) = ([0.0; 4], [0.0; 4]);
        let (mut logs, mut squares) = (0.0, 0.0);
        for (t, y) in self.y.iter().enumerate() {
            if t > 0 {
                let off = self.y[t - 1] - mu;
                if GRAD {
                    let own = [-2.0 * alpha1 * off, 1.0, off * off, variance];
                    (0..4).for_each(|i| slope[i] = own[i] + beta1 * slope[i]);
                }
                variance = alpha0 + alpha1 * (off * off) + beta1 * variance;
            }
            let off = y - mu;
            let scaled = off * off / variance;
            logs += variance.ln();
            squares += scaled;
            if GRAD {
                let pull = 0.5 * (scaled - 1.0) / variance;
                (0..4).for_each(|i| total[i] += pull * slope[i]);
                total[0] += off / variance;
            }
        }
        let value = room.ln() - 0.5 * (logs + squares);
        // Squares or variances beyond all numbers: nothing is left of the density, nor of its slope.
        if !value.is_finite() {
            grad.fill(0.0);
            return f64::NEG_INFINITY;
        }
        if GRAD {
            grad[0] = total[0];
            grad[1] = total[1];
            grad[2] = total[2] - share * total[3] - 1.0 / room;
            grad[3] = total[3] * room;
        }
        value
    }
}

impl Model for Garch11 {
    fn parameters(&self) -> Vec<Parameter> {
        let unit = Constraint::Interval(0.0, 1.0);
        vec![
            Parameter::new("mu", &[], Constraint::Real),
            Parameter::new("alpha0", &[], Constraint::Positive),
            Parameter::new("alpha1", &[], unit),
            Parameter::new("share", &[], unit),
        ]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        formula::evaluate(self, x, grad)
    }

    fn reported(&self) -> Vec<Variable> {
        ["mu", "alpha0", "alpha1", "beta1"].iter().map(|name| Variable::new(*name, &[])).collect()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
        out[3] = x[3] * (1.0 - x[2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_formula_for_three_values() {
        let y = [0.5, -1.0, 2.0];
        let m = Garch11::new(y.to_vec(), 0.5).unwrap();
        let (mu, a0, a1, share) = (0.3, 0.6, 0.4, 0.7);
        let b1 = share * (1.0 - a1);
        let s1: f64 = 0.25;
        let s2 = a0 + a1 * (y[0] - mu).powi(2) + b1 * s1;
        let s3 = a0 + a1 * (y[1] - mu).powi(2) + b1 * s2;
        let part = |y: f64, s: f64| -0.5 * (s.ln() + (y - mu).powi(2) / s);
        let expected = part(y[0], s1) + part(y[1], s2) + part(y[2], s3) + f64::ln(0.6);
        assert!((m.log_prob(&[mu, a0, a1, share]).unwrap() - expected).abs() < 1e-13);
        let mut out = [0.0; 4];
        m.report(&[mu, a0, a1, share], &mut out);
        assert!((out[3] - 0.42).abs() < 1e-15);
    }
}
