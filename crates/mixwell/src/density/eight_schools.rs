//! Eight schools: effects of coaching on test scores, Rubin (1981), with the priors of posteriordb.
//!
//! `tau ~ Cauchy+(0, 5)`, `mu ~ N(0, 5^2)`, `theta_j ~ N(mu, tau^2)`, `y_j ~ N(theta_j, sigma_j^2)`; constants dropped.
//! Centred: sampled in `theta, mu, ln tau`. Non-centred: in `eta, mu, ln tau` with `theta = mu + tau eta`.
//! Both report `theta[8], mu, tau`. The centred form has a funnel that plain HMC cannot enter.

use serde::{Deserialize, Serialize};

use super::constrained::{Constrained, Model, Parameter};
use super::transform::Constraint;
use super::{Parametrisation, PointError, Variable};
use crate::ConfigError;

/// Estimated effects of the eight schools.
pub(super) const EFFECTS: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
/// Their standard errors.
pub(super) const ERRORS: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
/// Scale of the priors of `mu` and `tau`.
const PRIOR_SCALE: f64 = 5.0;

/// Settings of [`EightSchools`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EightSchoolsConfig {
    /// `centred` or `non_centred`.
    pub parametrisation: Parametrisation,
}

impl Default for EightSchoolsConfig {
    fn default() -> Self {
        Self { parametrisation: Parametrisation::NonCentred }
    }
}

impl EightSchoolsConfig {
    /// There is nothing to check.
    pub fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    /// The target, to be wrapped in [`crate::density::Pointwise`].
    pub fn build(&self) -> Result<Constrained<EightSchools>, ConfigError> {
        Constrained::new(EightSchools { centred: self.parametrisation == Parametrisation::Centred })
    }
}

/// The model: a natural point is `theta` (or `eta`), `mu`, `tau`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EightSchools {
    centred: bool,
}

impl EightSchools {
    /// Writes the gradient when there is room for it.
    #[inline(always)]
    fn value(&self, x: &[f64], mut grad: Option<&mut [f64]>) -> f64 {
        let (mu, tau) = (x[8], x[9]);
        let (mut d_mu, mut d_tau) = (0.0, 0.0);
        let (mut squares, inverse) = (0.0, 1.0 / tau);
        for j in 0..8 {
            let precision = 1.0 / (ERRORS[j] * ERRORS[j]);
            // The school's effect, and its deviation in units of tau.
            let (theta, eta) =
                if self.centred { (x[j], (x[j] - mu) * inverse) } else { (mu + tau * x[j], x[j]) };
            let off = EFFECTS[j] - theta;
            squares += off * off * precision + eta * eta;
            if let Some(grad) = grad.as_deref_mut() {
                let pull = off * precision;
                if self.centred {
                    grad[j] = pull - eta * inverse;
                    d_mu += eta * inverse;
                    d_tau += eta * eta * inverse;
                } else {
                    grad[j] = pull * tau - eta;
                    d_mu += pull;
                    d_tau += pull * x[j];
                }
            }
        }
        let (r, m) = (tau / PRIOR_SCALE, mu / PRIOR_SCALE);
        let mut value = -0.5 * (squares + m * m) - (r * r).ln_1p();
        d_tau -= 2.0 * r / (PRIOR_SCALE * (1.0 + r * r));
        if self.centred {
            value -= 8.0 * tau.ln();
            d_tau -= 8.0 * inverse;
        }
        if let Some(grad) = grad {
            grad[8] = d_mu - m / PRIOR_SCALE;
            grad[9] = d_tau;
        }
        value
    }
}

impl Model for EightSchools {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new(if self.centred { "theta" } else { "eta" }, &[8], Constraint::Real),
            Parameter::new("mu", &[], Constraint::Real),
            Parameter::new("tau", &[], Constraint::Positive),
        ]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        Ok(self.value(x, grad))
    }

    fn reported(&self) -> Vec<Variable> {
        vec![Variable::new("theta", &[8]), Variable::new("mu", &[]), Variable::new("tau", &[])]
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
        if !self.centred {
            out[..8].iter_mut().for_each(|v| *v = x[8] + x[9] * *v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::PointTarget;

    #[test]
    fn both_forms_are_one_posterior() {
        // p(theta, mu, tau) = p(eta, mu, tau) tau^-8, up to one constant for all points.
        let [centred, free] = [Parametrisation::Centred, Parametrisation::NonCentred]
            .map(|parametrisation| EightSchoolsConfig { parametrisation }.build().unwrap());
        let difference = |scale: f64| {
            let eta: Vec<f64> = (0..8).map(|j| scale * (j as f64 - 2.0)).chain([1.5, scale]).collect();
            let mut theta = [0.0; 10];
            free.report(&eta, &mut theta);
            theta[9] = scale;
            centred.log_prob(&theta).unwrap() - free.log_prob(&eta).unwrap() + 8.0 * scale
        };
        assert!((difference(0.3) - difference(-0.8)).abs() < 1e-11);
    }

    #[test]
    fn posterior_means_by_quadrature_match_the_published_ones() {
        // theta integrated out: y_j ~ N(mu, sigma_j^2 + tau^2). The database's draws give E tau = 3.60, E mu = 4.41;
        // one-dimensional quadrature gives 3.598 and 4.397. Here mu and tau are summed over a grid, and the inner
        // integral over theta is done at each point by the centred density's own maximum and curvature, which is exact
        // because it is Gaussian in theta.
        let centred = EightSchoolsConfig { parametrisation: Parametrisation::Centred }.build().unwrap();
        let (mut mass, mut mu_sum, mut tau_sum) = (0.0, 0.0, 0.0);
        for i in -60..90 {
            for k in -90..70 {
                let (mu, log_tau) = (f64::from(i) * 0.4, f64::from(k) * 0.1);
                let tau = log_tau.exp();
                let mut u = [0.0; 10];
                u[8] = mu;
                u[9] = log_tau;
                let mut log_width = 0.0;
                for j in 0..8 {
                    let (a, b) = (1.0 / (ERRORS[j] * ERRORS[j]), 1.0 / (tau * tau));
                    u[j] = (EFFECTS[j] * a + mu * b) / (a + b);
                    log_width -= 0.5 * (a + b).ln();
                }
                let p = (centred.log_prob(&u).unwrap() + log_width).exp();
                mass += p;
                mu_sum += p * mu;
                tau_sum += p * tau;
            }
        }
        assert!((tau_sum / mass - 3.598).abs() < 0.005, "{}", tau_sum / mass);
        assert!((mu_sum / mass - 4.397).abs() < 0.005, "{}", mu_sum / mass);
    }
}
