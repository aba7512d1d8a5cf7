//! Particle systems by NUTS, against sets of samples in circulation: energies and distances of pairs.
//!
//! LJ13: means and second moments of the energy, of all pair distances and of the distances from the centre of mass at 5
//! standard errors, and energies by the two-sample test of Kolmogorov and Smirnov. DW4: the set is slightly off
//! equilibrium (its mean energy is 0.09 too high; a quarter of its rows are repeats), so a tenth of a
//! unit of energy is granted beyond the error, and two per cent of the
//! other means. Exact for both: `E[x . grad U] = (particles - 1) space`.
//! Skipped, saying so, where the data is not there.
//! Reference: Köhler, Klein, Noé (2020).

use std::sync::Arc;

use mixwell::Points;
use mixwell::density::{CentreOfMass, DoubleWell4Config, LennardJones13Config, Particles, Target};
use mixwell::diagnostics::{Draws, ScalarSummary};
use mixwell::io::Phase;
use mixwell::kernel::{KernelConfig, NutsConfig};
use mixwell::sampler::{KernelMethod, Method, RunConfig, Sampler};

use crate::data;

const CHAINS: usize = 16;

fn samples(file: &str) -> Option<Points> {
    let file = format!("particles/{file}");
    Some(data::matrix(&data::folder_with(&file)?.join(file)))
}

/// Positions drawn by NUTS, chain after chain.
fn sample(target: Particles, draws: usize) -> Points {
    let positions: usize = target.variables()[0].len();
    let kernel = Box::new(KernelConfig::Nuts(NutsConfig::default()));
    let method = Method::Kernel(KernelMethod { kernel, warmup: 1000, frozen: 0 });
    let mut config = RunConfig { chains: CHAINS, draws, seed: 1, method, ..RunConfig::default() };
    config.output.warmup = false;
    let run = Sampler::from_config(Arc::new(target), config).run().unwrap();
    let kept = run.draws().unwrap();
    let columns: Vec<Vec<f64>> = (0..positions).map(|i| kept.scalar(Phase::Production, i, 1)).collect();
    let rows = (0..columns[0].len()).flat_map(|r| columns.iter().map(move |c| c[r]));
    Points::from_vec(rows.collect(), positions)
}

/// What is compared: one column of numbers per quantity, each with its name.
fn quantities(target: &Particles, x: &Points, space: usize) -> Vec<(&'static str, Vec<f64>)> {
    let particles = x.dim() / space;
    let mut centred = x.clone();
    for row in centred.as_batch_mut().iter_mut() {
        for c in 0..space {
            let centre = row.iter().skip(c).step_by(space).sum::<f64>() / particles as f64;
            row.iter_mut().skip(c).step_by(space).for_each(|v| *v -= centre);
        }
    }
    let (mut value, mut grad) = (vec![0.0; x.rows()], centred.clone());
    target.log_prob_and_grad(centred.as_batch(), &mut value, grad.as_batch_mut()).unwrap();
    let per_row = |f: &dyn Fn(&[f64]) -> f64| centred.as_batch().iter().map(f).collect::<Vec<f64>>();
    let pairs = |power: i32| {
        move |row: &[f64]| {
            let at = |i: usize| &row[i * space..(i + 1) * space];
            let distance = |i: usize, j: usize| {
                at(i).iter().zip(at(j)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
            };
            let all = (1..particles).flat_map(|i| (0..i).map(move |j| (i, j)));
            let sum: f64 = all.map(|(i, j)| distance(i, j).powi(power)).sum();
            sum / (particles * (particles - 1) / 2) as f64
        }
    };
    let radius = |row: &[f64]| {
        let square = |i: usize| row[i * space..(i + 1) * space].iter().map(|v| v * v).sum::<f64>();
        (0..particles).map(|i| square(i).sqrt()).sum::<f64>() / particles as f64
    };
    let virial = |(x, g): (&[f64], &[f64])| -x.iter().zip(g).map(|(x, g)| x * g).sum::<f64>();
    let energy: Vec<f64> = value.iter().map(|v| -v).collect();
    vec![
        ("energy", energy.clone()),
        ("square of the energy", energy.iter().map(|u| u * u).collect()),
        ("distance", per_row(&pairs(1))),
        ("square of the distance", per_row(&pairs(2))),
        ("fourth power of the distance", per_row(&pairs(4))),
        ("inverse distance", per_row(&pairs(-1))),
        ("radius", per_row(&radius)),
        ("virial", centred.as_batch().iter().zip(grad.as_batch().iter()).map(virial).collect()),
    ]
}

fn mean_and_error(values: &[f64], chains: usize) -> (f64, f64) {
    let row = ScalarSummary::compute(Draws::new(values, chains));
    (row.mean, row.mcse_mean)
}

/// Kolmogorov's `sqrt(n m / (n + m)) sup |F - G|` of two sets of independent numbers.
fn kolmogorov(a: &mut [f64], b: &mut [f64]) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (n, m) = (a.len() as f64, b.len() as f64);
    let gap = |x: f64| a.partition_point(|v| *v <= x) as f64 / n - b.partition_point(|v| *v <= x) as f64 / m;
    let largest = a.iter().chain(b.iter()).map(|x| gap(*x).abs()).fold(0.0, f64::max);
    (n * m / (n + m)).sqrt() * largest
}

#[test]
fn lennard_jones_cluster() {
    let Some(theirs) = samples("lj13_test.npy") else { return };
    let ours = sample(LennardJones13Config::default().build().unwrap(), 1500);
    let tethered = LennardJones13Config { centre_of_mass: CentreOfMass::Tethered { strength: 1.0 } };
    let target = tethered.build().unwrap();
    let (ours, theirs) = (quantities(&target, &ours, 3), quantities(&target, &theirs, 3));
    let mut worst: f64 = 0.0;
    for ((name, a), (_, b)) in ours.iter().zip(&theirs) {
        let (a, b) = (mean_and_error(a, CHAINS), mean_and_error(b, 1));
        let z = (a.0 - b.0) / a.1.hypot(b.1);
        println!("LJ13 {name}: {:.4} +- {:.4}, set {:.4} +- {:.4}, z {z:.2}", a.0, a.1, b.0, b.1);
        worst = worst.max(z.abs());
    }
    assert!(worst < 5.0, "{worst}");
    let (virial, error) = mean_and_error(&ours[7].1, CHAINS);
    assert!((virial - 36.0).abs() < 5.0 * error, "{virial} +- {error}");
    // Every 30th draw is independent of the last; 2.3 is exceeded with probability 5e-5.
    let mut thin: Vec<f64> = ours[0].1.iter().step_by(30).copied().collect();
    let statistic = kolmogorov(&mut thin, &mut theirs[0].1.clone());
    println!("LJ13 energies: Kolmogorov {statistic:.2}");
    assert!(statistic < 2.3, "{statistic}");
    // Energies moved by a third of their spread must fail.
    thin.iter_mut().for_each(|u| *u += 2.5);
    assert!(kolmogorov(&mut thin, &mut theirs[0].1.clone()) > 2.3);
}

#[test]
fn double_well_system() {
    let Some(theirs) = samples("dw4_test.npy") else { return };
    let ours = sample(DoubleWell4Config::default().build().unwrap(), 10_000);
    let tethered = DoubleWell4Config { centre_of_mass: CentreOfMass::Tethered { strength: 1.0 } };
    let target = tethered.build().unwrap();
    let (ours, theirs) = (quantities(&target, &ours, 2), quantities(&target, &theirs, 2));
    for ((name, a), (_, b)) in ours.iter().zip(&theirs) {
        let (a, b) = (mean_and_error(a, CHAINS), mean_and_error(b, 1));
        println!("DW4 {name}: {:.4} +- {:.4}, set {:.4} +- {:.4}", a.0, a.1, b.0, b.1);
        match *name {
            "energy" => {
                // An independent long run gives -22.541 +- 0.005.
                assert!((a.0 + 22.541).abs() < 5.0 * a.1.hypot(0.005), "{} +- {}", a.0, a.1);
                assert!((a.0 - b.0).abs() < 0.1 + 5.0 * a.1.hypot(b.1), "{} {}", a.0, b.0);
            }
            "virial" => assert!((a.0 - 6.0).abs() < 5.0 * a.1, "{} +- {}", a.0, a.1),
            _ => {
                let allowed = 0.02 * b.0 + 5.0 * a.1.hypot(b.1);
                assert!((a.0 - b.0).abs() < allowed, "{name}: {} {}", a.0, b.0);
            }
        }
    }
}

#[test]
fn energies_do_not_see_the_centre_of_mass() {
    let target =
        DoubleWell4Config { centre_of_mass: CentreOfMass::Tethered { strength: 1.0 } }.build().unwrap();
    let x = Points::from_vec(vec![0.0, 1.0, 2.0, -1.0, 4.0, 0.5, -3.0, 2.0], 8);
    let moved = Points::from_vec(x.data().iter().map(|v| v + 7.0).collect(), 8);
    let energy = |x: &Points| quantities(&target, x, 2)[0].1[0];
    assert!((energy(&x) - energy(&moved)).abs() < 1e-10);
}
