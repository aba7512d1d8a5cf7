//! A log-density written as a closure with its gradient, sampled with FlEx2MCMC.
//!
//! Two wells at -2 and 2 along the first coordinate, the right one twice as heavy: chains of local moves alone would stay
//! where they start. Run: `cargo run --release -p mixwell --example closure_target`

use mixwell::density::from_fn_with_grad;
use mixwell::sampler::{Sampler, flex2};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const WIDTH: f64 = 0.5;
    let wells = from_fn_with_grad(2, |x, grad| {
        // log(1/3 N(x0; -2, 1/4) + 2/3 N(x0; 2, 1/4)) - x1^2/2, constants left out.
        let at = |centre: f64, weight: f64| weight.ln() - 0.5 * ((x[0] - centre) / WIDTH).powi(2);
        let (left, right) = (at(-2.0, 1.0), at(2.0, 2.0));
        let top = left.max(right);
        let total = top + ((left - top).exp() + (right - top).exp()).ln();
        let share = (right - total).exp();
        grad[0] = -(x[0] + 2.0 - 4.0 * share) / (WIDTH * WIDTH);
        grad[1] = -x[1];
        total - 0.5 * x[1] * x[1]
    });
    let run =
        Sampler::new(wells).method(flex2().train_iterations(300)).chains(8).draws(1000).seed(1).run()?;
    let summary = run.summary()?;
    for p in &summary.parameters {
        let row = &p.summary;
        println!(
            "{}: {:.3} +- {:.3}, sd {:.3}, R-hat {:.3}",
            p.name, row.mean, row.mcse_mean, row.sd, row.rhat
        );
    }
    for (name, kernel) in &summary.acceptance {
        println!("{name}: acceptance {:.2}", kernel.acceptance_rate);
    }

    // Exact mean of the first coordinate: 2/3 * 2 - 1/3 * 2.
    let first = &summary.parameters[0].summary;
    let off = (first.mean - 2.0 / 3.0) / first.mcse_mean;
    println!("mean of x[0] is {off:.1} standard errors from the exact 2/3");
    if !summary.converged || off.abs() > 5.0 {
        return Err("the draws are wrong".into());
    }
    Ok(())
}
