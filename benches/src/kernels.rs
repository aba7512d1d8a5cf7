//! Steps of local kernels: all chains, one step, as the run loop does them.

use anyhow::Context;
use mixwell::density::{Grid25Config, LogisticRegression, LogisticRegressionConfig};
use mixwell::kernel::{HmcConfig, KernelConfig, MalaConfig, StepRule, StepSize};
use mixwell::sampler::{KernelMethod, Method, Run, Sampler, Start};

use crate::timing::{Measurement, once};
use crate::{Request, Task};

/// MALA with the step `eta` (`y = x + eta grad + sqrt(2 eta) noise`), never adapted.
pub fn mala(eta: f64) -> KernelConfig {
    let step_size = StepSize::from_eta(eta);
    KernelConfig::Mala(MalaConfig { step_size, adapt: StepRule::Fixed, ..MalaConfig::default() })
}

/// HMC with ten leapfrog steps, never adapted.
pub fn hmc(step_size: f64) -> KernelConfig {
    KernelConfig::Hmc(HmcConfig { n_leapfrog: 10, step_size, adapt: StepRule::Fixed, ..HmcConfig::default() })
}

/// The German credit posterior from the repository's table.
pub fn german_credit(request: &Request) -> anyhow::Result<LogisticRegression> {
    let config = LogisticRegressionConfig {
        data: request.data.join("german.data-numeric").to_string_lossy().into_owned(),
        positive_label: Some(2.0.into()),
        ..LogisticRegressionConfig::default()
    };
    Ok(config.build(&mixwell::io::DataFiles)?)
}

/// What a step of all chains costs.
pub struct Steps {
    /// Seconds per step, one number per run.
    pub seconds: Vec<f64>,
    /// Mean acceptance probability, which tells whether two libraries did the same.
    pub acceptance: f64,
}

impl Steps {
    /// Seconds per `steps` steps, with the acceptance beside them.
    pub fn measurement(self, steps: f64, settings: impl Into<String>) -> Measurement {
        let seconds = self.seconds.into_iter().map(|s| s * steps).collect();
        Measurement::new(seconds, settings).with("acceptance", self.acceptance)
    }
}

/// Measures a step of all chains: runs of the sampler that keep only their last draw.
pub fn steps(
    request: &Request,
    kernel: KernelConfig,
    chains: usize,
    sampler: impl Fn() -> Sampler,
) -> anyhow::Result<Steps> {
    let run = |steps: usize| -> anyhow::Result<(f64, Run)> {
        let method = Method::Kernel(KernelMethod { kernel: Box::new(kernel.clone()), warmup: 0, frozen: 0 });
        let sampler = sampler().method(method).chains(chains).draws(1).seed(1).configure(|c| c.thin = steps);
        let (seconds, run) = once(|| sampler.run());
        Ok((seconds, run?))
    };
    // What a run costs besides its steps is taken off; it is small beside runs of this length.
    run(1)?;
    let base = run(1)?.0.min(run(1)?.0);
    let long_enough = request.sampling.as_secs_f64().min(1.0) / 2.0;
    let mut steps = 64;
    while run(steps)?.0 < long_enough.max(20.0 * base) {
        steps *= 2;
    }
    let mut seconds = vec![];
    let begun = std::time::Instant::now();
    loop {
        let (time, run) = run(steps)?;
        seconds.push((time - base) / steps as f64);
        if seconds.len() >= 3 && begun.elapsed() >= request.sampling {
            let summary = run.summary().context("the run was interrupted")?;
            let mut rates = summary.acceptance.values().map(|a| a.acceptance_rate);
            return Ok(Steps { seconds, acceptance: rates.next().unwrap_or(f64::NAN) });
        }
    }
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all = vec![];
    for chains in [1, 64, 1024] {
        let kernels = [("mala", mala(5e-4), mala(2e-3)), ("hmc", hmc(0.03), hmc(0.05))];
        for (name, on_grid, on_german) in kernels {
            all.push(Task::steady(format!("{name}-grid25-{chains}"), move |request: &Request| {
                let target = Grid25Config::default().build()?;
                let steps = steps(request, on_grid.clone(), chains, || {
                    Sampler::new(target.clone()).start(Start::Uniform { radius: 2.0 })
                })?;
                Ok(steps.measurement(1.0, format!("{chains} chains, 25 modes, f64")))
            }));
            all.push(Task::steady(format!("{name}-german-{chains}"), move |request: &Request| {
                let target = german_credit(request)?;
                let steps = steps(request, on_german.clone(), chains, || {
                    Sampler::new(target.clone()).start(Start::Uniform { radius: 0.5 })
                })?;
                Ok(steps.measurement(1.0, format!("{chains} chains, 1000 x 25, f64")))
            }));
        }
    }
    all
}
