//! Exact kernels keep the target's law; the biased one says that it is biased.

use mixwell::kernel::{Ensemble, Kernel};

use super::cases::cases;
use super::world::{FUNCTIONS, World, expectations, functions};

/// The largest deviation, in standard errors, of any mean over independent rows from its expectation.
fn largest_z(rows: impl Iterator<Item = [f64; FUNCTIONS]>) -> f64 {
    let (mut n, mut sum, mut square) = (0.0, [0.0; FUNCTIONS], [0.0; FUNCTIONS]);
    let expected = expectations();
    for row in rows {
        n += 1.0;
        for k in 0..FUNCTIONS {
            let d = row[k] - expected[k];
            sum[k] += d;
            square[k] += d * d;
        }
    }
    (0..FUNCTIONS)
        .map(|k| {
            let mean: f64 = sum[k] / n;
            let variance: f64 = (square[k] / n - mean * mean).max(1e-300);
            (mean / (variance / n).sqrt()).abs()
        })
        .fold(0.0, f64::max)
}

/// Starts many chains from the target itself, makes a few steps, and says how far off they are in standard errors.
pub fn bias(world: &World, kernel: &dyn Kernel, seed: u64) -> f64 {
    let mut chains: Ensemble = world.exact_start(seed, 20_000);
    for _ in 0..3 {
        world.step(kernel, &mut chains);
    }
    largest_z(chains.x().iter().map(functions))
}

#[test]
fn the_start_is_exact() {
    let z = largest_z(World::new().exact_start(5, 20_000).x().iter().map(functions));
    assert!(z < 5.0, "{z}");
}

#[test]
fn leaves_exact_draws_exact() {
    let world = World::new();
    // Replicas start at the chain's point; their exactness from the first step is checked where their starts can be set,
    // in `kernel/tempering/tests.rs`, and in the long run below.
    for case in cases().into_iter().filter(|c| !c.replicas) {
        let z = bias(&world, &*case.tuned(&world), 5);
        assert!(z < 5.0, "{}: {z:.1} standard errors off with seed 5", case.name);
    }
}

#[test]
fn long_run_recovers_moments() {
    // 48 chains from one bad point; the means over each chain are independent of each other.
    let world = World::new();
    for case in cases() {
        let mut kernel = case.build();
        let (n_chains, n_warmup, n_steps) = (48, 200, 600);
        let mut x = mixwell::Points::zeros(n_chains, 2);
        x.data_mut().chunks_mut(2).for_each(|x| x.copy_from_slice(&[2.5, -1.5]));
        let streams = mixwell::Stream::for_chains(3, n_chains);
        let mut chains = Ensemble::new(&world.target, x, streams).unwrap();
        world.warm_up(&mut *kernel, &mut chains, 0..n_warmup, n_warmup);
        kernel.freeze();
        let mut means = vec![[0.0; FUNCTIONS]; n_chains];
        for _ in 0..n_steps {
            world.step(&*kernel, &mut chains);
            for (mean, x) in means.iter_mut().zip(chains.x().iter()) {
                mean.iter_mut().zip(functions(x)).for_each(|(m, f)| *m += f / n_steps as f64);
            }
        }
        let z = largest_z(means.into_iter());
        assert!(z < 5.0, "{}: {z:.1} standard errors off with seed 3", case.name);
    }
}

#[test]
fn every_case_claims_to_be_exact_and_ula_does_not() {
    assert!(cases().iter().all(|c| c.config.law().exact));
    assert!(!mixwell::kernel::neutra(mixwell::kernel::ula().repeat(2)).law().exact);
}
