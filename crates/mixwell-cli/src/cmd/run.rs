//! `run`: sample the target of a config file into a new run folder.

use std::path::Path;

use mixwell::sampler::{RunConfig, RunError, Sampler};

use super::config_file::{build_target, located, read, resolve_target, stem};
use super::finish;
use crate::cli::RunArgs;
use crate::exit::Status;
use crate::message::tell;

/// Runs the subcommand.
pub fn run(args: &RunArgs) -> anyhow::Result<Status> {
    let file = read::<RunConfig>(&args.config)?;
    let mut config = file.settings.clone();
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    if let Some(target) = &mut config.target {
        resolve_target(target, &args.config)?;
    }
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(stem(&args.config)));
    let located = |e: RunError| match e {
        RunError::Config(e) => located(&args.config, &file, &e),
        other => other.into(),
    };
    let sampler = sampler(config).map_err(located)?.folder(&out);
    let status = finish(sampler, &args.session, false).map_err(|e| match e.downcast::<RunError>() {
        Ok(e) => located(e),
        Err(e) => e,
    })?;
    if args.report && status != Status::Interrupted {
        let written = mixwell_report::write(&out, None)?;
        if !args.session.quiet {
            tell(&format!("the report is {}", written.display()));
        }
    }
    Ok(status)
}

/// A sampler for a config that names its target.
pub fn sampler(config: RunConfig) -> Result<Sampler, RunError> {
    let config = config.checked()?;
    let target = build_target(config.target.as_ref())?;
    Ok(Sampler::from_checked(target.into(), config))
}
