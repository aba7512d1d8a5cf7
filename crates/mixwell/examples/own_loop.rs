//! A loop of one's own: chains, a kernel and a target, without schedule, store or verdict.
//!
//! Run: `cargo run --release -p mixwell --example own_loop`

use mixwell::Points;
use mixwell::density::from_fn_with_grad;
use mixwell::kernel::{Chains, mala};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An exponential law of mean 2 for the square of the radius: the standard normal in the plane.
    let target = from_fn_with_grad(2, |x: &[f64], grad: &mut [f64]| {
        grad.copy_from_slice(&[-x[0], -x[1]]);
        -0.5 * (x[0] * x[0] + x[1] * x[1])
    });
    let mut kernel = mala().build(2)?;
    let mut chains = Chains::new(&target, Points::zeros(64, 2), 1)?;
    chains.warm_up(&mut kernel, &target, 300)?;

    // The loop: here it sums the squared radius up; it could as well train an energy on where the chains are.
    let (mut sum, steps) = (0.0, 2000);
    for _ in 0..steps {
        chains.step(&kernel, &target)?;
        sum += chains.x().data().iter().map(|v| v * v).sum::<f64>();
    }

    let mean = sum / (64.0 * f64::from(steps));
    println!("mean of the squared radius {mean:.3}, exact 2");
    // 128 000 draws with a standard deviation of 2, correlated over some ten steps: a standard error of about 0.02.
    if (mean - 2.0).abs() > 0.1 {
        return Err("the mean is wrong".into());
    }
    Ok(())
}
