//! `check`: whether the target of a config file keeps what it promises.

use std::io::Write;

use mixwell::density::check_target;
use mixwell::sampler::{RunConfig, RunError};

use super::config_file::{located, read, resolve_target};
use super::run::sampler;
use crate::cli::TargetCheckArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &TargetCheckArgs) -> anyhow::Result<Status> {
    let file = read::<RunConfig>(&args.config)?;
    let mut config = file.settings.clone();
    if let Some(target) = &mut config.target {
        resolve_target(target, &args.config)?;
    }
    let (start, seed) = (config.start.clone(), config.seed);
    let located = |e: RunError| match e {
        RunError::Config(e) => located(&args.config, &file, &e),
        other => other.into(),
    };
    let target = sampler(config).map_err(located)?.reporting_target().map_err(|e| located(e.into()))?;
    let points = start.points(&*target, usize::from(args.points), seed).map_err(located)?;
    let found = check_target(&*target, points.as_batch()).map_err(RunError::from)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} coordinates, {} points where chains may start",
        target.dim(),
        points.as_batch().rows()
    )?;
    writeln!(out, "{found}")?;
    if !found.passed() {
        return Err(bad_input(
            "this target does not keep what it promises (the lines in capitals); mend it before it is sampled",
        ));
    }
    writeln!(out, "nothing speaks against this target")?;
    Ok(Status::Finished)
}
