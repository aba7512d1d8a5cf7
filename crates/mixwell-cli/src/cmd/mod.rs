//! One file per subcommand. No arithmetic on draws here.

pub mod completions;
mod config_file;
pub mod evidence;
pub mod init;
pub mod list;
pub mod reproduce;
pub mod resume;
pub mod run;
pub mod summary;

use mixwell::sampler::{Outcome, Sampler};

use crate::cli::SessionArgs;
use crate::exit::{Status, is_closed_pipe};
use crate::message::tell;
use crate::progress::Line;
use crate::signals::interrupt_flag;

/// Runs or resumes a prepared sampler, shows progress and summary, and gives the status.
fn finish(sampler: Sampler, args: &SessionArgs, resume: bool) -> anyhow::Result<Status> {
    let mut sampler = sampler.observer(Line::new(args.quiet)).interrupt(interrupt_flag()?);
    if let Some(threads) = args.threads {
        sampler = sampler.threads(threads);
    }
    let run = if resume { sampler.resume()? } else { sampler.run()? };
    let folder = run.folder().map(|f| f.display().to_string()).unwrap_or_default();
    if run.outcome() == Outcome::Interrupted {
        tell(&format!("interrupted; go on with `mixwell resume {folder}`"));
        return Ok(Status::Interrupted);
    }
    let summary = run.summary().expect("a finished run has a summary");
    if !args.quiet {
        // The status still tells how the run ended when nobody reads the table.
        summary::print(summary)
            .map_err(anyhow::Error::from)
            .or_else(|e| if is_closed_pipe(&e) { Ok(()) } else { Err(e) })?;
        tell(&format!("draws, flow and summary are in {folder}"));
    }
    let refused = args.strict && !summary.converged;
    Ok(if refused { Status::NotConverged } else { Status::Finished })
}
