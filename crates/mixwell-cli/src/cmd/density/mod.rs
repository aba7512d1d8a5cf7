//! `density`: what a trained law is like. Its `ln Z` in several ways, in the plane a map and the shares of modes, its distance from the truth where
//! that is known, energies of data sets, log-densities of points, a walk between two points.

mod energies;
mod evidence;
mod inputs;
mod plane;
mod report;
mod truth;
mod walk;

use std::path::{Path, PathBuf};

use mixwell::io::atomic_write;
use mixwell::training_run::{TrainedEnergy, TrainingRunError};

use super::config_file::stem;
use crate::cli::DensityArgs;
use crate::exit::{Status, bad_input, is_closed_pipe};
use crate::message::tell;
use inputs::Inputs;
use report::Report;

/// Runs the subcommand.
pub fn run(args: &DensityArgs) -> anyhow::Result<Status> {
    let law = TrainedEnergy::open(&args.law)?;
    let out = out_folder(args)?;
    let inputs = Inputs::read(&law, args)?;
    walk::ends(&inputs, args)?;
    let look = || -> anyhow::Result<Report> {
        let mut report = Report::new(&law, args);
        let map = plane::look(&inputs, &mut report)?;
        evidence::look(&inputs, map.as_ref(), args, &mut report)?;
        truth::look(&inputs, map.as_ref(), args, &mut report)?;
        energies::look(&inputs, &mut report)?;
        plane::points(&inputs, &mut report)?;
        walk::look(&inputs, map.as_ref(), args, &mut report)?;
        Ok(report)
    };
    let report = mixwell::on_threads(args.threads, look).map_err(bad_input)??;
    write(&out, &report)?;
    if !args.quiet {
        report
            .print()
            .map_err(anyhow::Error::from)
            .or_else(|e| if is_closed_pipe(&e) { Ok(()) } else { Err(e) })?;
        tell(&format!("written to {}", out.display()));
    }
    let refused = args.strict && !report.problems.is_empty();
    Ok(if refused { Status::NotConverged } else { Status::Finished })
}

/// The folder to write to, which must not be there or be empty.
fn out_folder(args: &DensityArgs) -> anyhow::Result<PathBuf> {
    let out = args.out.clone().unwrap_or_else(|| {
        let name = if args.law.is_dir() { args.law.file_name() } else { None };
        let name = name.unwrap_or(stem(&args.law)).to_string_lossy();
        Path::new("runs").join(format!("{name}-density"))
    });
    let shown = out.display();
    let used = std::fs::read_dir(&out).is_ok_and(|mut entries| entries.next().is_some());
    if used || out.is_file() {
        return Err(bad_input(format!("`{shown}` exists already; choose another folder with --out")));
    }
    Ok(out)
}

fn write(out: &Path, report: &Report) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).map_err(|e| {
        bad_input(format!("cannot make the folder `{}`: {e}; choose another with --out", out.display()))
    })?;
    for (name, bytes) in &report.files {
        atomic_write(&out.join(name), bytes).map_err(TrainingRunError::from)?;
    }
    let text = serde_json::to_string_pretty(&report.results)? + "\n";
    Ok(atomic_write(&out.join("density.json"), text.as_bytes()).map_err(TrainingRunError::from)?)
}
