//! `completions`: shell completions.

use std::io::Write;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Status;

/// Runs the subcommand.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Status> {
    // Into memory first: the generator panics when whoever reads its output stops early.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mixwell", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Status::Finished)
}
