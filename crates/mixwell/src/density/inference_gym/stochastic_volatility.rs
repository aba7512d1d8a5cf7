//! Stochastic volatility: returns whose log-variance is an autoregressive process.
//!
//! `r_t ~ N(0, exp(h_t))`, `h_1 ~ N(m, (s/q)^2)`, `q = sqrt(1 - phi^2)`, `h_t ~ N(m + phi (h_{t-1} - m), s^2)`;
//! `(phi + 1)/2 ~ Beta(20, 1.5)`, `m ~ Cauchy(0, 5)`, `s` half-Cauchy of scale 2. Constants dropped.
//! Sampled in standardised innovations: `h_1 = m + s e_1/q`, `h_t = m + phi (h_{t-1} - m) + s e_t`, `e ~ N(0, I)`; the
//! gradient goes backward through the recursion.
//! Returns: the last 100 differences of the closing prices, less their mean.
//! Shapes: a natural point is `phi, m, s, e[T]`, reported as `persistence_of_volatility, mean_log_volatility,
//! white_noise_shock_scale, log_volatility[T]`.
//! Reference: Kim, Shephard and Chib (1998).

use serde_json::Value;

use super::{entry, wrong};
use crate::density::formula::{self, Formula};
use crate::density::{Constraint, Model, Parameter, PointError, Prior, TargetError, Variable};
use crate::scratch::scratch;

const MEAN: Prior = Prior::cauchy(5.0);
const SHOCK: Prior = Prior::cauchy(2.0);
/// Exponents of `1 + phi` and `1 - phi` in the prior.
const BETA: (f64, f64) = (19.0, 0.5);
/// Returns of the collection's small data set.
const RETURNS: usize = 100;

/// The posterior of the volatility and its law; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct StochasticVolatility {
    squares: Vec<f64>,
}

impl StochasticVolatility {
    /// The posterior given returns.
    pub fn new(returns: &[f64]) -> Result<Self, TargetError> {
        if returns.is_empty() {
            return Err(TargetError::Empty { rows: 0, columns: 1 });
        }
        if let Some(row) = returns.iter().position(|r| !r.is_finite()) {
            return Err(TargetError::NotFinite { row, column: 0 });
        }
        Ok(Self { squares: returns.iter().map(|r| r * r).collect() })
    }

    /// Reads the collection's document.
    pub fn from_json(document: &Value) -> Result<Self, TargetError> {
        let name = "CLOSING_PRICES";
        let refuse = || wrong(name, "an array of more than 100 numbers");
        let values = entry(document, name)?.get("values").and_then(Value::as_array).ok_or_else(refuse)?;
        let prices: Vec<f64> = values.iter().map(Value::as_f64).collect::<Option<_>>().ok_or_else(refuse)?;
        let first = prices.len().checked_sub(RETURNS + 1).ok_or_else(refuse)?;
        let mut returns: Vec<f64> = prices[first..].windows(2).map(|p| p[1] - p[0]).collect();
        let mean = returns.iter().sum::<f64>() / RETURNS as f64;
        returns.iter_mut().for_each(|r| *r -= mean);
        Self::new(&returns)
    }

    /// Writes `h_t - m`.
    fn deviations(x: &[f64], out: &mut [f64]) {
        let (phi, shock) = (x[0], x[2]);
        let mut before = 0.0;
        for (t, (out, e)) in out.iter_mut().zip(&x[3..]).enumerate() {
            let step = if t == 0 { shock * e / Self::width(phi) } else { shock * e };
            before = phi * before + step;
            *out = before;
        }
    }

    /// `q`, from both factors: near the edges the square of phi has lost its digits.
    fn width(phi: f64) -> f64 {
        ((1.0 - phi) * (1.0 + phi)).sqrt()
    }
}

impl Formula for StochasticVolatility {
    #[inline(always)]
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let [phi, mean, shock] = [x[0], x[1], x[2]];
        let (e, n) = (&x[3..], self.squares.len());
        let mut memory = scratch(2 * n);
        let (off, slope) = memory.split_at_mut(n);
        Self::deviations(x, off);
        let mut value = 0.0;
        for t in 0..n {
            let h = mean + off[t];
            let scaled = self.squares[t] * (-h).exp();
            value -= 0.5 * (h + scaled + e[t] * e[t]);
            slope[t] = 0.5 * (scaled - 1.0);
        }
        let (by_mean, by_shock) = (MEAN.log_prob_and_slope(mean), SHOCK.log_prob_and_slope(shock));
        value += BETA.0 * phi.ln_1p() + BETA.1 * (-phi).ln_1p() + by_mean.0 + by_shock.0;
        // Volatilities beyond all numbers: nothing is left of the density, nor of its slope.
        if !value.is_finite() {
            grad.fill(0.0);
            return f64::NEG_INFINITY;
        }
        if GRAD {
            let width = Self::width(phi);
            let [mut d_phi, mut d_mean, mut d_shock] =
                [BETA.0 / (1.0 + phi) - BETA.1 / (1.0 - phi), by_mean.1, by_shock.1];
            let mut ahead = 0.0;
            for t in (0..n).rev() {
                d_mean += slope[t];
                // Of everything from here on, in h_t.
                ahead = slope[t] + phi * ahead;
                let scale = if t == 0 { 1.0 / width } else { 1.0 };
                grad[3 + t] = ahead * shock * scale - e[t];
                d_shock += ahead * e[t] * scale;
                d_phi += ahead * if t == 0 { shock * e[0] * phi / width.powi(3) } else { off[t - 1] };
            }
            grad[..3].copy_from_slice(&[d_phi, d_mean, d_shock]);
        }
        value
    }
}

impl Model for StochasticVolatility {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("persistence_of_volatility", &[], Constraint::Interval(-1.0, 1.0)),
            Parameter::new("mean_log_volatility", &[], Constraint::Real),
            Parameter::new("white_noise_shock_scale", &[], Constraint::Positive),
            Parameter::new("innovations", &[self.squares.len()], Constraint::Real),
        ]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        formula::evaluate(self, x, grad)
    }

    fn reported(&self) -> Vec<Variable> {
        let mut variables: Vec<Variable> = self.parameters().into_iter().map(|p| p.variable).collect();
        variables[3].name = "log_volatility".to_string();
        variables
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        out[..3].copy_from_slice(&x[..3]);
        Self::deviations(x, &mut out[3..]);
        out[3..].iter_mut().for_each(|v| *v += x[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_centred_density() {
        let r = [0.5, -2.0, 1.3];
        let m = StochasticVolatility::new(&r).unwrap();
        let (phi, mean, s) = (0.8, 0.4, 0.6);
        let x = [phi, mean, s, 0.3, -1.2, 0.7];
        let mut out = [0.0; 6];
        m.report(&x, &mut out);
        let h = &out[3..];
        let returns: f64 = (0..3).map(|t| -0.5 * (h[t] + r[t] * r[t] * (-h[t]).exp())).sum();
        let first = ((h[0] - mean) * f64::sqrt(1.0 - phi * phi) / s).powi(2);
        let later: f64 = (1..3).map(|t| ((h[t] - mean - phi * (h[t - 1] - mean)) / s).powi(2)).sum();
        let priors = 19.0 * f64::ln(1.0 + phi) + 0.5 * f64::ln(1.0 - phi)
            - (mean * mean / 25.0).ln_1p()
            - (s * s / 4.0).ln_1p();
        let expected = returns - 0.5 * (first + later) + priors;
        assert!((m.log_prob(&x).unwrap() - expected).abs() < 1e-13, "{} {expected}", m.log_prob(&x).unwrap());
    }
}
