//! What the exit status means: 0 finished, 2 bad input, 1 any other failure (a published value that was not reproduced is
//! one), 3 finished but not converged, or
//! trained badly (`--strict`).

use std::process::ExitCode;

use mixwell::sampler::RunError;
use mixwell::score::ScoreError;
use mixwell::training_run::TrainingRunError;

use crate::message::tell;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what was asked.
    Finished,
    /// It was interrupted and can be resumed.
    Interrupted,
    /// All numbers are there, and some of them are not what was published.
    NotReproduced,
    /// All draws are made and do not pass the verdict, or training went badly, and `--strict` was given.
    NotConverged,
}

/// Input that cannot be used: the only kind of failure a user can mend by changing what was typed.
#[derive(Debug)]
pub struct BadInput(pub String);

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Wraps anything that says what is wrong with the input.
pub fn bad_input(what: impl std::fmt::Display) -> anyhow::Error {
    BadInput(what.to_string()).into()
}

/// Prints the error, if there is one, and gives the exit status.
pub fn code(result: anyhow::Result<Status>) -> ExitCode {
    match result {
        Ok(Status::Finished) => ExitCode::SUCCESS,
        Ok(Status::Interrupted | Status::NotReproduced) => ExitCode::from(1),
        Ok(Status::NotConverged) => ExitCode::from(3),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Our errors tell their causes themselves; the chain would say them twice.
            tell(&format!("error: {error}"));
            let bad = error.downcast_ref::<BadInput>().is_some()
                || error.downcast_ref::<RunError>().is_some_and(|e| e.is_input())
                || error.downcast_ref::<TrainingRunError>().is_some_and(|e| e.is_input())
                || error.downcast_ref::<ScoreError>().is_some_and(|e| e.is_input())
                || error.downcast_ref::<mixwell_report::ReportError>().is_some_and(|e| e.is_input())
                || error.downcast_ref::<mixwell_reproduce::ReproduceError>().is_some_and(|e| e.is_input());
            ExitCode::from(if bad { 2 } else { 1 })
        }
    }
}

/// Whoever reads our output may stop early (`mixwell list targets | head`).
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
