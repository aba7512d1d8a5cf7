//! `resume`: go on with an interrupted run or training.

use mixwell::config::parse;
use mixwell::io::RunFolder;
use mixwell::sampler::{RunConfig, RunError};
use mixwell::training_run::is_training;

use super::{finish, run, train};
use crate::cli::ResumeArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &ResumeArgs) -> anyhow::Result<Status> {
    let folder = RunFolder::view(&args.dir).map_err(RunError::from)?;
    let file = folder.config();
    let text = folder.read_text(&file).map_err(RunError::from)?;
    if is_training(&text) {
        return train::resume(&text, &args.dir, &args.session);
    }
    let config = parse::<RunConfig>(&text).map_err(|e| bad_input(format!("{}, {e}", file.display())))?;
    let sampler = run::sampler(config.settings)?.folder(&args.dir);
    finish(sampler, &args.session, true)
}
