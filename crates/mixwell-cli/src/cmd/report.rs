//! `report`: a finished run as one HTML page.

use std::io::Write;

use crate::cli::ReportArgs;
use crate::exit::Status;

/// Runs the subcommand.
pub fn run(args: &ReportArgs) -> anyhow::Result<Status> {
    let written = mixwell_report::write(&args.dir, args.out.as_deref())?;
    writeln!(std::io::stdout(), "{}", written.display())?;
    Ok(Status::Finished)
}
