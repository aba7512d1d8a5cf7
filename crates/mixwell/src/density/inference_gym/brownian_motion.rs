//! A Brownian path observed with noise at some of its points.
//!
//! `x_1 ~ N(0, q^2)`, `x_t ~ N(x_{t-1}, q^2)`, `y_t ~ N(x_t, r^2)` where there is an observation. Constants dropped.
//! All laws are normal, so means and variances are exact: [`BrownianMotion::exact_moments`].

use nalgebra::{DMatrix, DVector};
use serde_json::Value;

use super::{entry, wrong};
use crate::density::formula::{self, Formula};
use crate::density::{Constraint, Model, Parameter, PointError, TargetError};

/// The posterior of the path; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct BrownianMotion {
    observed: Vec<Option<f64>>,
    step_precision: f64,
    noise_precision: f64,
}

impl BrownianMotion {
    /// The posterior given observations, and the standard deviations of steps and of noise.
    pub fn new(observed: Vec<Option<f64>>, step: f64, noise: f64) -> Result<Self, TargetError> {
        if observed.is_empty() {
            return Err(TargetError::Empty { rows: 0, columns: 1 });
        }
        for (name, value) in [("INNOVATION_NOISE", step), ("OBSERVATION_NOISE", noise)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(wrong(name, "a positive number"));
            }
        }
        Ok(Self { observed, step_precision: step.powi(-2), noise_precision: noise.powi(-2) })
    }

    /// Reads the collection's document; `null` is a missing observation.
    pub fn from_json(document: &Value) -> Result<Self, TargetError> {
        let name = "OBSERVED_LOC";
        let refuse = || wrong(name, "an array of numbers and nulls");
        let values = entry(document, name)?.as_array().ok_or_else(refuse)?;
        let observed: Option<Vec<Option<f64>>> =
            values.iter().map(|v| if v.is_null() { Some(None) } else { v.as_f64().map(Some) }).collect();
        let number = |name: &str| entry(document, name)?.as_f64().ok_or_else(|| wrong(name, "a number"));
        Self::new(observed.ok_or_else(refuse)?, number("INNOVATION_NOISE")?, number("OBSERVATION_NOISE")?)
    }

    /// Mean and variance of every point of the path.
    pub fn exact_moments(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.observed.len();
        let mut precision = DMatrix::zeros(n, n);
        let mut pull = DVector::zeros(n);
        for t in 0..n {
            precision[(t, t)] += self.step_precision;
            if t > 0 {
                precision[(t - 1, t - 1)] += self.step_precision;
                precision[(t, t - 1)] -= self.step_precision;
                precision[(t - 1, t)] -= self.step_precision;
            }
            if let Some(y) = self.observed[t] {
                precision[(t, t)] += self.noise_precision;
                pull[t] = self.noise_precision * y;
            }
        }
        let covariance = precision.cholesky().expect("a sum of positive definite terms").inverse();
        let mean: DVector<f64> = &covariance * pull;
        (mean.iter().copied().collect(), covariance.diagonal().iter().copied().collect())
    }
}

impl Formula for BrownianMotion {
    #[inline(always)]
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let (mut steps, mut noise, mut before) = (0.0, 0.0, 0.0);
        for (t, x) in x.iter().enumerate() {
            let step = x - before;
            before = *x;
            steps += step * step;
            if GRAD {
                grad[t] = -step * self.step_precision;
                if t > 0 {
                    grad[t - 1] += step * self.step_precision;
                }
            }
            if let Some(y) = self.observed[t] {
                let off = y - x;
                noise += off * off;
                if GRAD {
                    grad[t] += off * self.noise_precision;
                }
            }
        }
        -0.5 * (steps * self.step_precision + noise * self.noise_precision)
    }
}

impl Model for BrownianMotion {
    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter::new("locs", &[self.observed.len()], Constraint::Real)]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        formula::evaluate(self, x, grad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_slope_vanishes_at_the_exact_mean() {
        let m = BrownianMotion::new(vec![Some(0.4), None, Some(-0.2), None], 0.1, 0.15).unwrap();
        let (mean, variance) = m.exact_moments();
        let mut grad = [0.0; 4];
        m.evaluate(&mean, Some(&mut grad)).unwrap();
        assert!(grad.iter().all(|g| g.abs() < 1e-12), "{grad:?}");
        // One point: precision 1/q^2 + 1/r^2; a point behind the last observation adds a step's variance.
        let one = BrownianMotion::new(vec![Some(0.4), None], 0.1, 0.15).unwrap().exact_moments();
        let first = 1.0 / (100.0 + 1.0 / 0.0225);
        assert!((one.1[0] - first).abs() < 1e-15 && (one.1[1] - first - 0.01).abs() < 1e-15);
        assert_eq!(variance.len(), 4);
    }

    #[test]
    fn documents_are_read() {
        let d =
            json!({"data": {"OBSERVED_LOC": [0.1, null], "INNOVATION_NOISE": 0.1, "OBSERVATION_NOISE": 0.2}});
        assert_eq!(BrownianMotion::from_json(&d).unwrap().observed, [Some(0.1), None]);
        let d = json!({"data": {"OBSERVED_LOC": ["x"], "INNOVATION_NOISE": 0.1, "OBSERVATION_NOISE": 0.2}});
        assert!(BrownianMotion::from_json(&d).unwrap_err().to_string().contains("OBSERVED_LOC"));
        assert!(BrownianMotion::from_json(&json!({})).unwrap_err().to_string().contains("data.OBSERVED_LOC"));
        assert!(BrownianMotion::new(vec![None], 0.0, 1.0).is_err());
    }
}
