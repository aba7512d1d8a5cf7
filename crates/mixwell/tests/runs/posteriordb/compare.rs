//! Running a method on a posterior of the collection, and comparing its draws with others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mixwell::density::posteriordb::posterior;
use mixwell::diagnostics::{Draws, ScalarSummary};
use mixwell::flow::{FlowConfig, RealNvpConfig, WhiteningMode};
use mixwell::io::Phase;
use mixwell::kernel::{IsirConfig, KernelConfig, MetricKind, NutsConfig};
use mixwell::sampler::{Flex2, KernelMethod, Method, Run, RunConfig, Sampler};

use crate::data;

/// The collection, where there is one.
pub fn collection() -> Option<PathBuf> {
    Some(data::folder_with("posteriordb")?.join("posteriordb"))
}

/// The columns of a matrix in a numpy file.
fn columns(path: &Path) -> Vec<Vec<f64>> {
    let rows = data::matrix(path);
    (0..rows.dim()).map(|i| rows.as_batch().iter().map(|row| row[i]).collect()).collect()
}

fn nuts(target_accept: f64) -> KernelConfig {
    KernelConfig::Nuts(NutsConfig { target_accept, metric: MetricKind::Dense, ..NutsConfig::default() })
}

pub fn by_nuts(target_accept: f64) -> Method {
    Method::Kernel(KernelMethod { kernel: Box::new(nuts(target_accept)), warmup: 1000, frozen: 0 })
}

/// FlEx2 with one NUTS step after each global move.
pub fn by_flex2(target_accept: f64) -> Method {
    Method::Flex2(Flex2 {
        global: IsirConfig { n_particles: 16, ..IsirConfig::default() },
        local: Box::new(nuts(target_accept)),
        local_steps: 1,
        burn_in: 400,
        train_iterations: 300,
        ..Flex2::default()
    })
}

/// A flow and a schedule that learn two modes: more layers, more particles, longer training.
pub fn by_longer_flex2(target_accept: f64) -> Method {
    let Method::Flex2(short) = by_flex2(target_accept) else { unreachable!() };
    let global = IsirConfig { n_particles: 32, ..IsirConfig::default() };
    Method::Flex2(Flex2 { global, train_iterations: 1500, ..short })
}

/// Eight chains from starts within two units of zero.
pub fn run(folder: &Path, name: &str, method: Method, draws: usize) -> Run {
    run_with(folder, name, method, draws, |_| {})
}

/// The same with other settings changed.
pub fn run_with(
    folder: &Path,
    name: &str,
    method: Method,
    draws: usize,
    change: impl FnOnce(&mut RunConfig),
) -> Run {
    let data = serde_json::from_slice(&std::fs::read(folder.join(name).join("data.json")).unwrap()).unwrap();
    let mut config = RunConfig { chains: 8, draws, seed: 1, method, ..RunConfig::default() };
    config.output.warmup = false;
    config.flow = FlowConfig::Realnvp(RealNvpConfig {
        n_blocks: 2,
        hidden: vec![32, 32],
        whitening: WhiteningMode::Full,
        ..RealNvpConfig::default()
    });
    change(&mut config);
    Sampler::from_config(Arc::from(posterior(name, &data).unwrap()), config).run().unwrap()
}

/// Draws of each reported number, chain after chain, and the number of chains.
pub fn numbers(run: &Run) -> Numbers {
    let summary = run.summary().unwrap();
    let draws = run.draws().unwrap();
    let columns = (0..summary.parameters.len()).map(|i| draws.scalar(Phase::Production, i, 1)).collect();
    (columns, summary.chains)
}

/// Draws of several numbers, chain after chain, and how many chains.
pub type Numbers = (Vec<Vec<f64>>, usize);

/// Standard errors between the means of two sets of draws of one number.
fn z_of_means(a: (&[f64], usize), b: (&[f64], usize)) -> f64 {
    let row = |(x, chains)| ScalarSummary::compute(Draws::new(x, chains));
    let (a, b) = (row(a), row(b));
    ((a.mean - b.mean) / a.mcse_mean.hypot(b.mcse_mean)).abs()
}

/// The largest difference of means, and of second moments about the mean of `other`, in combined standard errors.
///
/// NaN counts as infinite.
pub fn differences(ours: &Numbers, other: &Numbers) -> (f64, f64) {
    assert_eq!(ours.0.len(), other.0.len());
    let mut worst: (f64, f64) = (0.0, 0.0);
    let or_infinite = |z: f64| if z.is_nan() { f64::INFINITY } else { z };
    for (a, b) in ours.0.iter().zip(&other.0) {
        let centre = b.iter().sum::<f64>() / b.len() as f64;
        let squares = |x: &[f64]| x.iter().map(|v| (v - centre).powi(2)).collect::<Vec<f64>>();
        let mean = z_of_means((a, ours.1), (b, other.1));
        let square = z_of_means((&squares(a), ours.1), (&squares(b), other.1));
        worst = (worst.0.max(or_infinite(mean)), worst.1.max(or_infinite(square)));
    }
    worst
}

/// The larger of both differences.
pub fn worst_z(ours: &Numbers, other: &Numbers) -> f64 {
    let (mean, square) = differences(ours, other);
    mean.max(square)
}

/// Draws of the collection, 10 chains of 1000.
pub fn reference_draws(folder: &Path, name: &str) -> Numbers {
    (columns(&folder.join(name).join("reference_draws.npy")), 10)
}

/// The largest R-hat of a run.
pub fn rhat(run: &Run) -> f64 {
    run.summary().unwrap().parameters.iter().map(|p| p.summary.rhat).fold(0.0, f64::max)
}
