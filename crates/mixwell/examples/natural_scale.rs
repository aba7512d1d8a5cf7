//! A model in its natural scale, with parameters that must stay positive or on a simplex.
//!
//! Counts of three kinds, `n ~ Poisson(rate * share)`, with `rate ~ Gamma(2, 1/10)` and shares uniform on the simplex. The
//! posterior is known: `rate ~ Gamma(2 + total, 11/10)` and shares ~ Dirichlet(1 + n), independent of each other.
//! Run: `cargo run --release -p mixwell --example natural_scale`

use mixwell::Points;
use mixwell::density::{Constrained, Constraint, Model, Parameter, PointError, Pointwise, check_gradient};
use mixwell::kernel::nuts;
use mixwell::sampler::Sampler;

const COUNTS: [f64; 3] = [12.0, 5.0, 3.0];

struct Kinds;

impl Model for Kinds {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("rate", &[], Constraint::Positive),
            Parameter::new("share", &[3], Constraint::Simplex),
        ]
    }

    // Densities in the natural scale: the Jacobian of the map from free numbers is added by `Constrained`.
    // The gradient is written where it is wanted.
    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        let (rate, share) = (x[0], &x[1..]);
        if let Some(grad) = grad {
            grad[0] = 1.0 / rate - 0.1;
            for ((n, s), k) in COUNTS.iter().zip(share).zip(1..) {
                grad[0] += n / rate - s;
                grad[k] = n / s - rate;
            }
        }
        let prior = rate.ln() - rate / 10.0;
        let likelihood: f64 = COUNTS.iter().zip(share).map(|(n, s)| n * (rate * s).ln() - rate * s).sum();
        Ok(prior + likelihood)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = Pointwise::new(Constrained::new(Kinds)?);
    // A gradient written by hand is checked before it is used: at free numbers, where the chains move.
    let checked = check_gradient(&target, Points::from_rows(&[[0.0; 3], [1.5, -0.5, 0.3]]).as_batch())?;
    if !checked.passed() {
        return Err(checked.to_string().into());
    }
    let run = Sampler::new(target).method(nuts().warmup(500)).chains(4).draws(2000).seed(1).run()?;
    let summary = run.summary()?;

    let total: f64 = COUNTS.iter().sum();
    let exact: Vec<f64> =
        [(2.0 + total) / 1.1].into_iter().chain(COUNTS.map(|n| (1.0 + n) / (3.0 + total))).collect();
    let mut good = summary.converged;
    for (p, exact) in summary.parameters.iter().zip(&exact) {
        let row = &p.summary;
        println!("{}: {:.4} +- {:.4}, exact {exact:.4}", p.name, row.mean, row.mcse_mean);
        good &= (row.mean - exact).abs() < 5.0 * row.mcse_mean;
    }
    if good { Ok(()) } else { Err("the draws are wrong".into()) }
}
