//! REP-GAN: Langevin steps with rejection among the latents of GANs, with random weights.

use mixwell::Stream;
use mixwell::density::{DiscriminatorLoss, LatentPrior};
use mixwell::gan::LatentTarget;
use mixwell::kernel::{KernelConfig, MalaConfig, StepRule, StepSize};
use mixwell::net::{Init, Network, named_network};
use mixwell::sampler::{Sampler, Start};

use crate::timing::Measurement;
use crate::{Request, Task, kernels};

/// Steps of a chain, as published.
const STEPS: f64 = 640.0;
const CHAINS: usize = 100;

fn target(name: &str) -> anyhow::Result<LatentTarget> {
    let network = |role: &str| -> anyhow::Result<Network<f32>> {
        let name = format!("{name}_{role}");
        let spec = named_network(&name).ok_or_else(|| anyhow::anyhow!("no network `{name}`"))?;
        Ok(Network::new(&spec, Init::Uniform, &mut Stream::new(1, 0))?)
    };
    let target = LatentTarget::new(
        network("generator")?,
        &network("critic")?,
        DiscriminatorLoss::Wgan,
        LatentPrior::Normal,
    )?;
    // Draws of the peer are latents alone, too.
    Ok(target.reporting_points_up_to(0))
}

fn chains(request: &Request, name: &str) -> anyhow::Result<Measurement> {
    let kernel = KernelConfig::Mala(MalaConfig {
        step_size: StepSize::from_tau(0.01),
        adapt: StepRule::Fixed,
        ..MalaConfig::default()
    });
    target(name)?;
    let sampler = || Sampler::new(target(name).expect("built above")).start(Start::Base);
    let steps = kernels::steps(request, kernel, CHAINS, sampler)?;
    Ok(steps.measurement(STEPS, format!("640 REP-GAN steps of 100 chains, {name}, f32")))
}

pub(crate) fn tasks() -> Vec<Task> {
    let names = [("mlp", "mnist_mlp"), ("wgan_28", "wgan_28"), ("dcgan_28", "dcgan_28")];
    names
        .map(|(task, name)| Task::steady(format!("repgan-{task}"), move |r: &Request| chains(r, name)))
        .into()
}
