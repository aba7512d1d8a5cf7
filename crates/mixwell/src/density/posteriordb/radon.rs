//! Radon in houses of one state: a level for every county, a slope for uranium in the ground and one for the floor.
//!
//! `y_n ~ N(alpha_{c(n)} + beta_1 uranium_n + beta_2 floor_n, sigma_y^2)`, `alpha_c ~ N(mu_alpha, sigma_alpha^2)`,
//! `mu_alpha, beta ~ N(0, 10^2)`, `sigma_alpha, sigma_y` half-normal of scale 1. Constants dropped.
//! Centred: sampled in `alpha`; non-centred: in `alpha_raw` with `alpha = mu_alpha + sigma_alpha alpha_raw`. Both report `alpha`.
//! A county's sum of squares is that around its means, known beforehand, plus `n_c` times the square of what the means
//! leave over: an evaluation visits counties, not houses.
//! Shapes: a natural point is `alpha[J]` (or `alpha_raw`), `beta[2]`, `mu_alpha`, `sigma_alpha`, `sigma_y`.
//! Reference: Gelman and Hill (2006), chapter 12.

use serde_json::Value;

use super::data::{column, count, places, same_length};
use crate::density::formula::{self, Formula};
use crate::density::{
    Constraint, Model, Parameter, Parametrisation, PointError, Prior, TargetError, Variable,
};

const WIDE: Prior = Prior::normal(10.0);
const UNIT: Prior = Prior::normal(1.0);

/// A county: its houses and their means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct County {
    houses: f64,
    radon: f64,
    uranium: f64,
    floor: f64,
}

/// Sums over houses of products of deviations from the county's means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Within {
    radon_radon: f64,
    radon_uranium: f64,
    radon_floor: f64,
    uranium_uranium: f64,
    uranium_floor: f64,
    floor_floor: f64,
}

/// The posterior of levels, slopes and spreads; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct Radon {
    houses: f64,
    counties: Vec<County>,
    within: Within,
    centred: bool,
}

impl Radon {
    /// The posterior given the collection's data.
    pub fn new(data: &Value, parametrisation: Parametrisation) -> Result<Self, TargetError> {
        let county = places(data, "county_idx", count(data, "J")?)?;
        let names = ["log_radon", "log_uppm", "floor_measure"];
        let [radon, uranium, floor] =
            [column(data, names[0])?, column(data, names[1])?, column(data, names[2])?];
        let places: Vec<f64> = county.iter().map(|c| *c as f64).collect();
        let columns = [names[0], names[1], names[2], "county_idx"];
        let values: [&[f64]; 4] = [&radon, &uranium, &floor, &places];
        same_length(&std::array::from_fn::<_, 4, _>(|i| (columns[i], values[i])))?;
        let mut counties = vec![County::default(); count(data, "J")?];
        for (n, c) in county.iter().enumerate() {
            let c = &mut counties[*c];
            c.houses += 1.0;
            c.radon += radon[n];
            c.uranium += uranium[n];
            c.floor += floor[n];
        }
        // A county without a house keeps means of zero, which count for nothing.
        for c in counties.iter_mut().filter(|c| c.houses > 0.0) {
            c.radon /= c.houses;
            c.uranium /= c.houses;
            c.floor /= c.houses;
        }
        let mut within = Within::default();
        for (n, c) in county.iter().enumerate() {
            let c = &counties[*c];
            let (y, u, f) = (radon[n] - c.radon, uranium[n] - c.uranium, floor[n] - c.floor);
            within.radon_radon += y * y;
            within.radon_uranium += y * u;
            within.radon_floor += y * f;
            within.uranium_uranium += u * u;
            within.uranium_floor += u * f;
            within.floor_floor += f * f;
        }
        let centred = parametrisation == Parametrisation::Centred;
        Ok(Self { houses: radon.len() as f64, counties, within, centred })
    }
}

impl Formula for Radon {
    #[inline(always)]
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let (level, rest) = x.split_at(self.counties.len());
        let &[b1, b2, mu, sigma_alpha, sigma_y] = rest else { unreachable!("checked by the caller") };
        let priors = [(WIDE, b1), (WIDE, b2), (WIDE, mu), (UNIT, sigma_alpha), (UNIT, sigma_y)]
            .map(|(p, v)| p.log_prob_and_slope(v));
        let mut value = priors.iter().map(|p| p.0).sum();
        if value == f64::NEG_INFINITY {
            grad.fill(0.0);
            return value;
        }
        let w = &self.within;
        let mut square = w.radon_radon - 2.0 * (b1 * w.radon_uranium + b2 * w.radon_floor)
            + b1 * b1 * w.uranium_uranium
            + 2.0 * (b1 * b2) * w.uranium_floor
            + b2 * b2 * w.floor_floor;
        let (inverse, precision) = (1.0 / sigma_alpha, 1.0 / (sigma_y * sigma_y));
        // Slopes of beta_1, beta_2, mu_alpha and sigma_alpha.
        let mut slope = [
            (w.radon_uranium - b1 * w.uranium_uranium - b2 * w.uranium_floor) * precision,
            (w.radon_floor - b1 * w.uranium_floor - b2 * w.floor_floor) * precision,
            0.0,
            0.0,
        ];
        let mut spread = 0.0;
        for (j, c) in self.counties.iter().enumerate() {
            // The county's level, and its deviation in units of sigma_alpha.
            let (alpha, z) = if self.centred {
                (level[j], (level[j] - mu) * inverse)
            } else {
                (mu + sigma_alpha * level[j], level[j])
            };
            let off = c.radon - alpha - b1 * c.uranium - b2 * c.floor;
            square += c.houses * (off * off);
            spread += z * z;
            if GRAD {
                let pull = c.houses * off * precision;
                slope[0] += pull * c.uranium;
                slope[1] += pull * c.floor;
                if self.centred {
                    grad[j] = pull - z * inverse;
                    slope[2] += z * inverse;
                    slope[3] += (z * z - 1.0) * inverse;
                } else {
                    grad[j] = pull * sigma_alpha - z;
                    slope[2] += pull;
                    slope[3] += pull * z;
                }
            }
        }
        value -= 0.5 * (square * precision + spread) + self.houses * sigma_y.ln();
        if self.centred {
            value -= self.counties.len() as f64 * sigma_alpha.ln();
        }
        if GRAD {
            let last = &mut grad[self.counties.len()..];
            (0..4).for_each(|i| last[i] = slope[i] + priors[i].1);
            last[4] = (square * precision - self.houses) / sigma_y + priors[4].1;
        }
        value
    }
}

impl Model for Radon {
    fn parameters(&self) -> Vec<Parameter> {
        let level = if self.centred { "alpha" } else { "alpha_raw" };
        vec![
            Parameter::new(level, &[self.counties.len()], Constraint::Real),
            Parameter::new("beta", &[2], Constraint::Real),
            Parameter::new("mu_alpha", &[], Constraint::Real),
            Parameter::new("sigma_alpha", &[], Constraint::Positive),
            Parameter::new("sigma_y", &[], Constraint::Positive),
        ]
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        formula::evaluate(self, x, grad)
    }

    fn reported(&self) -> Vec<Variable> {
        let mut variables: Vec<Variable> = self.parameters().into_iter().map(|p| p.variable).collect();
        variables[0].name = "alpha".to_string();
        variables
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
        let n = self.counties.len();
        if !self.centred {
            out[..n].iter_mut().for_each(|v| *v = x[n + 2] + x[n + 3] * *v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data() -> Value {
        json!({"J": 3, "N": 5, "county_idx": [1, 1, 3, 3, 3], "log_radon": [0.5, 1.2, -0.3, 0.8, 2.0],
            "log_uppm": [0.1, 0.4, -0.6, -0.2, 0.9], "floor_measure": [0, 1, 0, 0, 1]})
    }

    #[test]
    fn both_forms_agree_with_the_formula_written_plainly() {
        let alpha = [0.7, 1.4, -0.5];
        let (b, mu, sa, sy) = ([0.6, -0.7], 0.9, 0.8f64, 1.1f64);
        let d = data();
        let value = |name: &str, n: usize| d[name][n].as_f64().unwrap();
        let squares: f64 = (0..5)
            .map(|n| {
                let c = value("county_idx", n) as usize - 1;
                let fit = alpha[c] + b[0] * value("log_uppm", n) + b[1] * value("floor_measure", n);
                (value("log_radon", n) - fit).powi(2)
            })
            .sum();
        let levels: f64 = alpha.iter().map(|a| ((a - mu) / sa).powi(2)).sum();
        let priors = -(mu * mu + b[0] * b[0] + b[1] * b[1]) / 200.0 - 0.5 * (sa * sa + sy * sy);
        let free = -0.5 * (squares / (sy * sy) + levels) - 5.0 * sy.ln() + priors;
        let raw = alpha.map(|a| (a - mu) / sa);
        let point = |level: [f64; 3]| [&level[..], &[b[0], b[1], mu, sa, sy]].concat();
        let centred = Radon::new(&d, Parametrisation::Centred).unwrap();
        assert!((centred.log_prob(&point(alpha)).unwrap() - (free - 3.0 * sa.ln())).abs() < 1e-12);
        let noncentred = Radon::new(&d, Parametrisation::NonCentred).unwrap();
        assert!((noncentred.log_prob(&point(raw)).unwrap() - free).abs() < 1e-12);
        let mut out = [0.0; 8];
        noncentred.report(&point(raw), &mut out);
        assert!(out.iter().zip(point(alpha)).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn counties_must_exist() {
        let mut d = data();
        d["J"] = json!(2);
        assert!(Radon::new(&d, Parametrisation::Centred).unwrap_err().to_string().contains("`county_idx`"));
    }
}
