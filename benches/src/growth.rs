//! How the cost of a step grows with chains, dimension and depth of the flow.
//!
//! `growth-chains-N`: one MALA step of N chains on a 20-dimensional banana. `growth-dim-D`: one MALA step of 64 chains on
//! D independent Gaussians. `growth-depth-K`: one i-SIR step with 64 particles of 64 chains, flow of K blocks, d = 10.

use mixwell::density::{BananaConfig, StandardGaussianConfig};
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::kernel::isir;
use mixwell::sampler::{Sampler, Start};

use crate::kernels::{mala, steps};
use crate::timing::Measurement;
use crate::{Request, Task};

/// Numbers of chains.
pub const CHAINS: [usize; 7] = [1, 4, 16, 64, 256, 1024, 4096];
/// Dimensions.
pub const DIMS: [usize; 6] = [2, 10, 30, 100, 300, 1000];
/// Blocks of the flow.
pub const DEPTHS: [usize; 5] = [1, 2, 4, 8, 16];

fn chains(request: &Request, n: usize) -> anyhow::Result<Measurement> {
    let target = BananaConfig::default().build()?;
    let steps =
        steps(request, mala(0.01), n, || Sampler::new(target.clone()).start(Start::Uniform { radius: 1.0 }))?;
    Ok(steps.measurement(1.0, format!("MALA, banana d = 20, {n} chains")))
}

fn dimension(request: &Request, dim: usize) -> anyhow::Result<Measurement> {
    let target = StandardGaussianConfig { dim, ..StandardGaussianConfig::default() }.build()?;
    let steps = steps(request, mala(0.1 / dim as f64), 64, || {
        Sampler::new(target.clone()).start(Start::Uniform { radius: 1.0 })
    })?;
    Ok(steps.measurement(1.0, format!("MALA, Gaussian d = {dim}, 64 chains")))
}

fn depth(request: &Request, n_blocks: usize) -> anyhow::Result<Measurement> {
    let target = StandardGaussianConfig { dim: 10, ..StandardGaussianConfig::default() }.build()?;
    let flow = FlowConfig::Realnvp(RealNvpConfig { n_blocks, ..RealNvpConfig::default() });
    let steps = steps(request, isir(64), 64, || {
        Sampler::new(target.clone()).flow(flow.clone()).start(Start::Uniform { radius: 1.0 })
    })?;
    Ok(steps.measurement(1.0, format!("i-SIR, 64 particles x 64 chains, {n_blocks} blocks, f64")))
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all: Vec<Task> =
        CHAINS.map(|n| Task::steady(format!("growth-chains-{n}"), move |r: &Request| chains(r, n))).into();
    all.extend(DIMS.map(|d| Task::steady(format!("growth-dim-{d}"), move |r: &Request| dimension(r, d))));
    all.extend(DEPTHS.map(|k| Task::steady(format!("growth-depth-{k}"), move |r: &Request| depth(r, k))));
    all
}
