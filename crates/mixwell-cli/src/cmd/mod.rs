//! One file per subcommand. No arithmetic on draws here.

pub mod calibrate;
pub mod check;
pub mod completions;
mod config_file;
pub mod density;
pub mod evidence;
pub mod init;
pub mod list;
pub mod network;
pub mod pictures;
pub mod report;
pub mod reproduce;
pub mod resume;
pub mod run;
pub mod score;
pub mod summary;
pub mod train;
mod truth;

use mixwell::sampler::{Ending, Sampler};

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
    let Ending::Finished(summary) = run.ending() else {
        tell(&format!("interrupted; go on with `mixwell resume {folder}`"));
        return Ok(Status::Interrupted);
    };
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

#[cfg(test)]
mod tests {
    use std::process::ExitCode;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mixwell::density::{PointError, from_fn};
    use mixwell::kernel::random_walk;

    use super::*;
    use crate::exit::code;

    /// No built-in target fails for good, so the command's own path is walked with one given in code.
    #[test]
    fn a_target_that_fails_for_good_ends_with_status_1_and_is_resumed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        let sampler = |calls: usize| {
            let left = Arc::new(AtomicUsize::new(calls));
            let target = from_fn(1, move |x: &[f64]| {
                match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)) {
                    Ok(_) => Ok(-0.5 * x[0] * x[0]),
                    Err(_) => Err(PointError::fatal("the simulator has lost its licence")),
                }
            });
            Sampler::new(target).method(random_walk().warmup(50)).chains(2).draws(50).folder(&folder)
        };
        let args = SessionArgs { threads: Some(1), quiet: true, strict: false };
        let error = finish(sampler(150), &args, false).unwrap_err();
        assert_eq!(error.to_string(), "the target failed: the simulator has lost its licence");
        assert_eq!(code(Err(error)), ExitCode::from(1));
        assert!(!folder.join("summary.json").exists());
        assert_eq!(finish(sampler(usize::MAX), &args, true).unwrap(), Status::Finished);
        assert!(folder.join("summary.json").exists());
    }
}
