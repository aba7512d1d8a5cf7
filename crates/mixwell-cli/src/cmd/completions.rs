//! `completions`: shell completions.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Status;

/// Runs the subcommand.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Status> {
    clap_complete::generate(args.shell, &mut Cli::command(), "mixwell", &mut std::io::stdout());
    Ok(Status::Finished)
}
