//! From a CSV file to a posterior in the parameters' natural scale: a linear regression with noise that must stay positive.
//!
//! Test scores of 434 children against the IQ of their mothers (Gelman and Hill 2007, chapter 3). Model:
//! `kid_score ~ Normal(beta[0] + beta[1] mom_iq, sigma)`, flat priors on `beta`, `sigma ~ Cauchy+(0, 2.5)`.
//! The answer is compared with the reference draws of posteriordb (`kidiq-kidscore_momiq`).
//! Run: `cargo run --release -p mixwell --example from_csv`

use std::path::Path;

use mixwell::density::{Constrained, Constraint, Model, Parameter, PointError, Pointwise};
use mixwell::io::{TableOptions, read_table};
use mixwell::kernel::nuts;
use mixwell::sampler::Sampler;

/// Reference: mean and standard deviation of each parameter, from 10 000 draws.
const REFERENCE: [(f64, f64); 3] = [(25.9165, 5.968), (0.60863, 0.05898), (18.2758, 0.6240)];

struct Regression {
    kid_score: Vec<f64>,
    mom_iq: Vec<f64>,
}

impl Model for Regression {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("beta", &[2], Constraint::Real),
            Parameter::new("sigma", &[], Constraint::Positive),
        ]
    }

    // The density in the natural scale: the Jacobian of `sigma = exp(u)` is added by `Constrained`.
    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        let (intercept, slope, sigma) = (x[0], x[1], x[2]);
        let (mut by_intercept, mut by_slope, mut squares) = (0.0, 0.0, 0.0);
        for (score, iq) in self.kid_score.iter().zip(&self.mom_iq) {
            let z = (score - intercept - slope * iq) / sigma;
            by_intercept += z / sigma;
            by_slope += z * iq / sigma;
            squares += z * z;
        }
        let n = self.kid_score.len() as f64;
        let prior = 1.0 + (sigma / 2.5).powi(2);
        if let Some(grad) = grad {
            grad[0] = by_intercept;
            grad[1] = by_slope;
            grad[2] = (squares - n) / sigma - 2.0 * sigma / (2.5 * 2.5) / prior;
        }
        Ok(-0.5 * squares - n * sigma.ln() - prior.ln())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let table = read_table(Path::new("examples/data/kidiq.csv"), &TableOptions::default())?;
    let named = |name: &str| -> Result<Vec<f64>, Box<dyn std::error::Error>> {
        let place = table.header().and_then(|h| h.iter().position(|n| n == name));
        Ok(table.numbers(place.ok_or_else(|| format!("the table has no column {name}"))?)?)
    };
    let model = Regression { kid_score: named("kid_score")?, mom_iq: named("mom_iq")? };

    let target = Pointwise::new(Constrained::new(model)?);
    let run = Sampler::new(target).method(nuts().warmup(1000)).chains(4).draws(2000).seed(1).run()?;
    let summary = run.summary()?;
    println!("{}", summary.verdict_line());
    let mut good = summary.converged;
    for (p, (mean, sd)) in summary.parameters.iter().zip(REFERENCE) {
        let row = &p.summary;
        println!(
            "{}: {:.4} +- {:.4}, sd {:.4}, reference {mean} (sd {sd})",
            p.name, row.mean, row.mcse_mean, row.sd
        );
        // Both sides have an error: ours, and that of 10 000 independent draws.
        let error = (row.mcse_mean.powi(2) + (sd / 100.0).powi(2)).sqrt();
        good &= (row.mean - mean).abs() < 5.0 * error;
    }
    if good { Ok(()) } else { Err("the draws are wrong".into()) }
}
