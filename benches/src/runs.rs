//! Whole runs, cold: from the settings to the summary.

use std::sync::Arc;

use anyhow::Context;
use mixwell::config::parse;
use mixwell::io::DataFiles;
use mixwell::sampler::{Run, RunConfig, Sampler, Summary};

use crate::timing::{Measurement, once};
use crate::{Request, Task, kernels};

/// The tutorial's settings; 20 production rounds of 100 local and 10 global steps are 2200 draws.
const DUAL_MOON: &str = "
draws = 2200
[target]
kind = 'dual_moon'
[method]
kind = 'flowmc'
local_steps = 100
global_steps = 10
training_loops = 20
epochs = 5
frozen = 0
[start]
kind = 'gaussian'
scale = 1.0
[flow]
kind = 'rq_spline'
precision = 'f32'
[training]
learning_rate = 5e-3
batch = 5000
";

/// 100 chains with 200 particles each, 1000 training steps on their states without local moves, as in the authors' script;
/// then 1000 draws of a global and five MALA moves, here ten of each chain, there a thousand of one.
const BANANA: &str = "
chains = 100
draws = 10
thin = 6
[target]
kind = 'banana'
dim = 20
[method]
kind = 'schedule'
kernels = { global = { kind = 'isir', n_particles = 200 }, local = { kind = 'mala', step_size = 0.2, adapt = { kind = 'fixed' } } }
warmup = [{ repeat = 1000, actions = [{ move = { kernel = 'global' } }, { train = { objective = { kind = 'mixed' }, steps = 1 } }] }]
production = [{ kernel = 'global' }, { kernel = 'local', times = 5 }]
[start]
kind = 'gaussian'
scale = 1.0
[flow]
kind = 'realnvp'
precision = 'f32'
n_blocks = 2
hidden = [40]
mask = 'parity'
[training]
batch = 100
reverse_draws = 100
max_examples = 100
validation = 0.0
[output]
warmup = false
";

const EIGHT_SCHOOLS: &str = "
chains = 4
draws = 5000
[target]
kind = 'eight_schools'
[method]
kind = 'kernel'
warmup = 1000
kernel = { kind = 'nuts' }
";

const GERMAN: &str = "
chains = 4
draws = 1000
[method]
kind = 'kernel'
warmup = 1000
kernel = { kind = 'nuts' }
";

/// The settings of the funnel with 100 children.
const FUNNEL: &str = include_str!("funnel101.toml");

/// 20 dimensions, 1000 chains: what is in memory must not depend on the number of draws.
const STREAMED: &str = "
chains = 1000
[target]
kind = 'banana'
dim = 20
[method]
kind = 'kernel'
warmup = 50
kernel = { kind = 'mala' }
[output]
warmup = false
";

fn sampler(text: &str) -> anyhow::Result<Sampler> {
    let config: RunConfig = parse(text).map_err(|e| anyhow::anyhow!("{e}"))?.settings;
    let target = config.target.clone().context("no target")?.build(&DataFiles)?;
    Ok(Sampler::from_config(Arc::from(target), config))
}

fn measured(seconds: f64, run: &Run, settings: &str) -> anyhow::Result<Measurement> {
    let summary = run.summary().context("the run was interrupted")?;
    Ok(with_quality(Measurement::new(vec![seconds], settings), summary, seconds))
}

/// Adds what tells how good the draws are.
fn with_quality(measurement: Measurement, summary: &Summary, seconds: f64) -> Measurement {
    let each = || summary.parameters.iter().map(|p| &p.summary);
    let worst_ess = each().map(|s| s.ess_bulk).fold(f64::INFINITY, f64::min);
    let worst_rhat = each().map(|s| s.rhat).fold(0.0, f64::max);
    let mut measurement = measurement
        .with("worst_ess_bulk", worst_ess)
        .with("ess_per_second", worst_ess / seconds)
        .with("worst_rhat", worst_rhat)
        .with("gradients", summary.gradient_evaluations as f64)
        .with("gradients_per_second", summary.gradient_evaluations as f64 / seconds)
        .with("densities", summary.density_evaluations as f64);
    for acceptance in summary.acceptance.values() {
        measurement =
            measurement.with(&format!("{}_acceptance", acceptance.role), acceptance.acceptance_rate);
    }
    measurement
}

/// Reading the settings, building the target and all of the run, with its time.
fn cold_run(text: &str) -> anyhow::Result<(f64, Run)> {
    let (seconds, run) = once(|| -> anyhow::Result<Run> { Ok(sampler(text)?.run()?) });
    Ok((seconds, run?))
}

fn cold(text: &str, settings: &str) -> anyhow::Result<Measurement> {
    let (seconds, run) = cold_run(text)?;
    measured(seconds, &run, settings)
}

fn funnel(_: &Request) -> anyhow::Result<Measurement> {
    let (seconds, run) = cold_run(FUNNEL)?;
    let mut measurement = measured(seconds, &run, "see benches/src/funnel101.toml")?;
    if let Some(first) = run.summary().ok().and_then(|s| s.parameters.first()) {
        let s = &first.summary;
        measurement = measurement.with("log_scale_mean", s.mean).with("log_scale_sd", s.sd);
        measurement = measurement.with("log_scale_ess", s.ess_bulk);
    }
    Ok(measurement)
}

fn german(request: &Request) -> anyhow::Result<Measurement> {
    let target = kernels::german_credit(request)?;
    let config: RunConfig = parse(GERMAN).map_err(|e| anyhow::anyhow!("{e}"))?.settings;
    let (seconds, run) = once(|| Sampler::from_config(Arc::new(target), config).run());
    measured(seconds, &run?, "4 chains, 1000 + 1000, German credit, f64")
}

/// Highest memory use of this process so far, in MiB.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

fn streamed(draws: usize) -> anyhow::Result<Measurement> {
    let folder = std::env::temp_dir().join(format!("mixwell-bench-{}", std::process::id()));
    let (seconds, run) = once(|| -> anyhow::Result<Run> {
        let sampler = sampler(STREAMED)?.draws(draws).folder(&folder);
        Ok(sampler.run()?)
    });
    let removed = std::fs::remove_dir_all(&folder);
    run?;
    removed?;
    let settings = format!("1000 chains x {draws} draws x 20 dimensions, streamed to disk");
    Ok(Measurement::new(vec![seconds], settings).with("peak_mib", peak_mib().unwrap_or(f64::NAN)))
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all = vec![];
    for chains in [20, 500] {
        all.push(Task::whole(format!("dual-moon-{chains}"), move |_: &Request| {
            cold(&format!("chains = {chains}\n{DUAL_MOON}"), &format!("dual moon, {chains} chains, f32 flow"))
        }));
    }
    all.push(Task::whole("flex2-banana", |_: &Request| cold(BANANA, "banana d = 20, 1000 training steps")));
    all.push(Task::whole("funnel101", funnel));
    all.push(Task::whole("nuts-eight_schools", |_: &Request| {
        cold(EIGHT_SCHOOLS, "4 chains, 1000 + 5000, non-centred, f64")
    }));
    all.push(Task::whole("nuts-german", german));
    all.push(Task::whole("memory-5000", |_: &Request| streamed(5000)));
    all.push(Task::whole("memory", |_: &Request| streamed(20_000)));
    all
}
