//! `network`: what is in a file of a network, whether it fits to a description, and other files of it.

mod check;
mod convert;
mod inspect;
mod source;

use crate::cli::{NetworkArgs, NetworkCommand};
use crate::exit::Status;

/// Runs the subcommand.
pub fn run(args: &NetworkArgs) -> anyhow::Result<Status> {
    match &args.command {
        NetworkCommand::Inspect(args) => inspect::run(args),
        NetworkCommand::Check(args) => check::run(args),
        NetworkCommand::Convert(args) => convert::run(args),
    }
}

/// Names come from anybody's file: what would move the cursor of a terminal is written out.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
