//! A model without a hand-made gradient: the log-density is written once, over any kind of number, and NUTS gets the gradient that
//! `density::auto` takes of it. `cargo run --release --example auto_gradient`

use mixwell::density::auto::{self, Density, Number};
use mixwell::density::{Constraint, Parameter};
use mixwell::kernel::nuts;
use mixwell::sampler::Sampler;

/// Counts that grow with the dose: `y_i ~ Poisson(exp(a + b x_i) g_i)`, `g_i ~ Gamma(r, r)`, so negative binomial of shape `r`;
/// `a, b ~ N(0, 2^2)`, `r ~ Exponential(1/5)`.
struct Counts {
    dose: Vec<f64>,
    counts: Vec<u32>,
}

impl Density for Counts {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("line", &[2], Constraint::Real),
            Parameter::new("shape", &[], Constraint::Positive),
        ]
    }

    #[inline(always)]
    fn log_density<N: Number>(&self, x: &[N]) -> N {
        let (a, b, shape) = (x[0], x[1], x[2]);
        let mut sum = -(a * a + b * b) / 8.0 - shape / 5.0;
        for (dose, count) in self.dose.iter().zip(&self.counts) {
            let log_mean = a + b * *dose;
            // Gamma(r + y) / Gamma(r) is a product of y factors.
            for k in 0..*count {
                sum += (shape + f64::from(k)).ln();
            }
            let total = shape + log_mean.exp();
            sum += shape * (shape / total).ln() + (log_mean - total.ln()) * f64::from(*count);
        }
        sum
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dose = (0..24).map(|i| f64::from(i) / 12.0 - 1.0).collect();
    let counts = vec![1, 0, 2, 1, 3, 0, 2, 4, 1, 3, 2, 5, 3, 2, 6, 4, 8, 3, 7, 5, 9, 6, 4, 11];
    let target = auto::target(Counts { dose, counts })?;
    let run = Sampler::new(target).method(nuts().warmup(500)).chains(4).draws(1000).seed(1).run()?;
    let summary = run.summary()?;
    for p in &summary.parameters {
        println!("{:8} {:7.3} +- {:.3}", p.name, p.summary.mean, p.summary.sd);
    }
    println!("{}", summary.verdict_line());
    Ok(())
}
