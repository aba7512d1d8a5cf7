//! `resume`: go on with an interrupted run.

use mixwell::config::parse;
use mixwell::io::RunFolder;
use mixwell::sampler::RunConfig;

use super::{finish, run};
use crate::cli::ResumeArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &ResumeArgs) -> anyhow::Result<Status> {
    let paths = RunFolder::paths(&args.dir);
    let file = paths.config();
    let text = std::fs::read_to_string(&file).map_err(|e| {
        bad_input(format!("`{}` is not a run folder: cannot read {}: {e}", args.dir.display(), file.display()))
    })?;
    let config = parse::<RunConfig>(&text).map_err(|e| bad_input(format!("{}, {e}", file.display())))?;
    let sampler = run::sampler(config.settings)?.folder(&args.dir);
    finish(sampler, &args.session, true)
}
