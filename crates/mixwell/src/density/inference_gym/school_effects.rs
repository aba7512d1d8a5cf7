//! Eight schools under the inference gym's priors.
//!
//! `avg_effect ~ N(0, 10^2)`, `log_stddev ~ N(5, 1)`, `effect_j ~ N(avg_effect, exp(log_stddev)^2)`, `y_j ~ N(effect_j, s_j^2)`.
//! Constants dropped. Sampled in `eta_j = (effect_j - avg_effect) exp(-log_stddev)`, reported as effects.
//! Differs from [`crate::density::EightSchools`] in the priors; the data are the same.
//! Shapes: a natural point is `avg_effect, log_stddev, eta[8]`.

use crate::density::eight_schools::{EFFECTS, ERRORS};
use crate::density::{Constraint, Model, Parameter, PointError, Prior, Variable};

const AVERAGE: Prior = Prior::normal(10.0);
const LOG_STDDEV: Prior = Prior::Normal { mean: 5.0, scale: 1.0 };

/// The model; see the module's head for its density.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchoolEffects;

impl SchoolEffects {
    #[inline(always)]
    fn value(x: &[f64], mut grad: Option<&mut [f64]>) -> f64 {
        let (average, sd) = (x[0], x[1].exp());
        let priors = [AVERAGE.log_prob_and_slope(x[0]), LOG_STDDEV.log_prob_and_slope(x[1])];
        let (mut squares, mut by_average, mut by_sd) = (0.0, 0.0, 0.0);
        for (j, eta) in x[2..].iter().enumerate() {
            let off = (EFFECTS[j] - average - sd * eta) / ERRORS[j];
            squares += off * off + eta * eta;
            if let Some(grad) = grad.as_deref_mut() {
                let pull = off / ERRORS[j];
                by_average += pull;
                by_sd += pull * eta;
                grad[2 + j] = pull * sd - eta;
            }
        }
        let value = priors[0].0 + priors[1].0 - 0.5 * squares;
        // A standard deviation beyond all numbers: nothing is left of the density, nor of its slope.
        if !squares.is_finite() {
            if let Some(grad) = grad {
                grad.fill(0.0);
            }
            return f64::NEG_INFINITY;
        }
        if let Some(grad) = grad {
            grad[0] = by_average + priors[0].1;
            grad[1] = by_sd * sd + priors[1].1;
        }
        value
    }
}

impl Model for SchoolEffects {
    fn parameters(&self) -> Vec<Parameter> {
        let real = |name, shape: &[usize]| Parameter::new(name, shape, Constraint::Real);
        vec![real("avg_effect", &[]), real("log_stddev", &[]), real("eta", &[8])]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        Ok(Self::value(x, grad))
    }

    fn reported(&self) -> Vec<Variable> {
        vec![
            Variable::new("avg_effect", &[]),
            Variable::new("log_stddev", &[]),
            Variable::new("school_effects", &[8]),
        ]
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
        out[2..].iter_mut().for_each(|v| *v = x[0] + x[1].exp() * *v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_formula_written_plainly() {
        let x: Vec<f64> = [3.0, 1.4].into_iter().chain((0..8).map(|j| 0.3 * f64::from(j) - 1.0)).collect();
        let mut out = [0.0; 10];
        SchoolEffects.report(&x, &mut out);
        let fits: f64 = (0..8).map(|j| ((EFFECTS[j] - out[2 + j]) / ERRORS[j]).powi(2)).sum();
        let spreads: f64 = x[2..].iter().map(|v| v * v).sum();
        let expected = -0.5 * (0.09 + 3.6 * 3.6 + fits + spreads);
        assert!((SchoolEffects.log_prob(&x).unwrap() - expected).abs() < 1e-13);
    }
}
