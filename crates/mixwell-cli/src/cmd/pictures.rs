//! `pictures`: what a run among the latents of a GAN has done to its samples, as files.

use std::io::Write;
use std::path::Path;

use mixwell::io::atomic_write;
use mixwell_report::{
    GanRun, ReportError, before_after_images, before_after_points, landscape, trajectory_curves,
    trajectory_images,
};

use crate::cli::PicturesArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &PicturesArgs) -> anyhow::Result<Status> {
    let run = GanRun::open(&args.dir)?;
    let folder = args.out.clone().unwrap_or_else(|| args.dir.join("pictures"));
    std::fs::create_dir_all(&folder)
        .map_err(|e| bad_input(format!("cannot make the folder `{}`: {e}", folder.display())))?;
    let written = mixwell::on_threads(args.threads, || write(&run, args, &folder));
    let written = written.map_err(bad_input)??;
    let mut out = std::io::stdout().lock();
    for line in written {
        writeln!(out, "{line}")?;
    }
    if run.n_draws() == 1 {
        writeln!(
            out,
            "no trajectories: the run kept one state of each chain; in [method], `keep = \"all\"` keeps every step of ddls and repgan"
        )?;
    }
    writeln!(out, "in {}", folder.display())?;
    Ok(Status::Finished)
}

/// Writes them, and says what they are.
fn write(run: &GanRun, args: &PicturesArgs, folder: &Path) -> Result<Vec<String>, ReportError> {
    let n = args.samples.min(run.n_chains());
    let chains = args.chains.min(run.n_chains());
    let mut written = vec![];
    let mut keep = |file: &str, bytes: &[u8], what: String| -> Result<(), ReportError> {
        atomic_write(&folder.join(file), bytes)?;
        written.push(format!("{file}: {what}"));
        Ok(())
    };
    if run.makes_images() {
        let what = format!("{n} draws of the prior on the left, the last states of {n} chains on the right");
        keep("before_after.png", &before_after_images(run, args.samples, args.seed)?, what)?;
        if run.n_draws() > 1 {
            let (png, steps) = trajectory_images(run, args.chains, args.columns)?;
            let steps: Vec<String> = steps.iter().map(|step| (step + 1).to_string()).collect();
            keep(
                "trajectories.png",
                &png,
                format!("{chains} chains, a row each, after draws {}", steps.join(", ")),
            )?;
        }
    } else if run.keeps_points() {
        let svg = before_after_points(run, args.samples, args.seed).svg();
        keep(
            "before_after.svg",
            svg.as_bytes(),
            format!("{n} draws of the prior, the last states of {n} chains"),
        )?;
        if run.n_draws() > 1 {
            let svg = trajectory_curves(run, args.chains).svg();
            keep(
                "trajectories.svg",
                svg.as_bytes(),
                format!("coordinates of {chains} chains against the draw"),
            )?;
        }
    } else {
        return Err(ReportError::Pictures(
            "its generator makes no images, and points of so many coordinates that the run did not keep them: set `points_up_to` in [target]".into(),
        ));
    }
    if let Some(scatter) = landscape(run, args.samples, args.seed)? {
        let what =
            format!("{n} draws of the prior and the last states of {n} chains over contours of the density");
        keep("landscape.svg", scatter.svg().as_bytes(), what)?;
    }
    Ok(written)
}
