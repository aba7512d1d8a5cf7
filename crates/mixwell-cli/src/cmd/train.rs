//! `train`: train what a config file describes into a new run folder; and go on with it, or show it, later.

use std::path::Path;

use mixwell::config::parse;
use mixwell::io::{RunFolder, atomic_write};
use mixwell::training_run::{
    TrainConfig, TrainingEnding, TrainingRun, TrainingRunError, TrainingSummary, read_training_summary,
};
use mixwell_report::training_curve;

use super::config_file::{folder_of, located, read, stem};
use crate::cli::{SessionArgs, TrainArgs};
use crate::exit::{Status, bad_input, is_closed_pipe};
use crate::message::tell;
use crate::progress::TrainingLine;
use crate::signals::interrupt_flag;

/// Runs the subcommand.
pub fn run(args: &TrainArgs) -> anyhow::Result<Status> {
    let file = read::<TrainConfig>(&args.config)?;
    let mut config = file.settings.clone();
    if let Some(seed) = args.seed {
        *config.seed() = seed;
    }
    let located = |e: TrainingRunError| match e {
        TrainingRunError::Config(e) => located(&args.config, &file, &e),
        other => other.into(),
    };
    config.resolve(&folder_of(&args.config)).map_err(located)?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(stem(&args.config)));
    finish(config, &out, &args.session, false).map_err(|e| match e.downcast::<TrainingRunError>() {
        Ok(e) => located(e),
        Err(e) => e,
    })
}

/// Goes on with the training whose config this is.
pub fn resume(text: &str, dir: &Path, args: &SessionArgs) -> anyhow::Result<Status> {
    let file = dir.join("config.toml");
    let config = parse::<TrainConfig>(text).map_err(|e| bad_input(format!("{}, {e}", file.display())))?;
    finish(config.settings, dir, args, true)
}

/// The summary of a training that is finished.
pub fn summary(folder: &RunFolder) -> anyhow::Result<TrainingSummary> {
    if folder.summary().symlink_metadata().is_err() {
        let dir = folder.path().display();
        return Err(bad_input(format!(
            "the training in `{dir}` is not finished, so it has no summary; go on with `mixwell resume {dir}`"
        )));
    }
    Ok(read_training_summary(folder)?)
}

fn finish(config: TrainConfig, dir: &Path, args: &SessionArgs, resume: bool) -> anyhow::Result<Status> {
    let mut run =
        TrainingRun::new(config, dir).observer(TrainingLine::new(args.quiet)).interrupt(interrupt_flag()?);
    if let Some(threads) = args.threads {
        run = run.threads(threads);
    }
    let ending = if resume { run.resume()? } else { run.run()? };
    let shown = dir.display();
    let TrainingEnding::Finished(summary) = ending else {
        tell(&format!("interrupted; go on with `mixwell resume {shown}`"));
        return Ok(Status::Interrupted);
    };
    let folder = RunFolder::view(dir).map_err(TrainingRunError::from)?;
    let svg = training_curve(&folder, &summary)?.svg();
    atomic_write(&dir.join("curve.svg"), svg.as_bytes()).map_err(TrainingRunError::from)?;
    if !args.quiet {
        // The status still tells how training ended when nobody reads the table.
        print(&summary)
            .map_err(anyhow::Error::from)
            .or_else(|e| if is_closed_pipe(&e) { Ok(()) } else { Err(e) })?;
        tell(&format!("weights, curve and summary are in {shown}"));
    }
    let refused = args.strict && !summary.went_well;
    Ok(if refused { Status::NotConverged } else { Status::Finished })
}

/// Prints what came out, and the verdict.
pub fn print(summary: &TrainingSummary) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{}", summary.words())
}
