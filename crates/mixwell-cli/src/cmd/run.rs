//! `run`: sample the target of a config file into a new run folder.

use std::path::{Path, PathBuf};

use mixwell::config::parse;
use mixwell::io::DataFiles;
use mixwell::sampler::{RunConfig, RunError, Sampler};
use mixwell::target::TargetError;

use super::finish;
use crate::cli::RunArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &RunArgs) -> anyhow::Result<Status> {
    let shown = args.config.display();
    let text = std::fs::read_to_string(&args.config)
        .map_err(|e| bad_input(format!("cannot read the config `{shown}`: {e}; check the path")))?;
    let file = parse::<RunConfig>(&text).map_err(|e| bad_input(format!("{shown}, {e}")))?;
    let mut config = file.settings.clone();
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    // Paths in a config are relative to it; in the run folder they must hold from anywhere.
    let base = args.config.parent().unwrap_or(Path::new(""));
    let base = std::path::absolute(base).unwrap_or_else(|_| base.to_path_buf());
    if let Some(target) = &mut config.target {
        target.resolve_paths(&base);
    }
    let out = args.out.clone().unwrap_or_else(|| default_folder(&args.config));
    let located = |e: RunError| match e {
        RunError::Config(e) => {
            let at = file.locate(&e);
            if at.line == 0 {
                bad_input(format!("{shown}: {}", at.message))
            } else {
                bad_input(format!("{shown}, {at}"))
            }
        }
        other => other.into(),
    };
    let sampler = sampler(config).map_err(located)?.folder(out);
    finish(sampler, &args.session, false).map_err(|e| match e.downcast::<RunError>() {
        Ok(e) => located(e),
        Err(e) => e,
    })
}

/// A sampler for a config that names its target.
pub fn sampler(config: RunConfig) -> Result<Sampler, RunError> {
    config.check()?;
    let target = config.target.as_ref().ok_or_else(|| {
        mixwell::ConfigError::new(
            "target",
            "missing",
            "a config needs a [target] with a `kind`; see `mixwell list targets`",
        )
    })?;
    let target = target.build(&DataFiles).map_err(|e| match e {
        TargetError::Config(e) => RunError::Config(e.under("target")),
        other => RunError::Target(other.to_string()),
    })?;
    Ok(Sampler::from_config(target.into(), config))
}

fn default_folder(config: &Path) -> PathBuf {
    let name = config.file_stem().unwrap_or_else(|| "run".as_ref());
    Path::new("runs").join(name)
}
