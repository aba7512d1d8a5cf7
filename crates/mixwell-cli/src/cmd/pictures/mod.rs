//! `pictures`: what a run among the latents of a GAN has done to its samples: single chains along their way, draws of the prior beside the last
//! states, and two latents over the logarithm of their density.

mod gan_run;
mod images;
mod plane;

use std::io::Write;

use self::gan_run::GanRun;
use crate::cli::PicturesArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &PicturesArgs) -> anyhow::Result<Status> {
    let run = GanRun::open(&args.dir)?;
    let folder = args.out.clone().unwrap_or_else(|| args.dir.join("pictures"));
    std::fs::create_dir_all(&folder)
        .map_err(|e| bad_input(format!("cannot make the folder `{}`: {e}", folder.display())))?;
    let written = mixwell::on_threads(args.threads, || -> anyhow::Result<Vec<String>> {
        let mut written = if run.makes_images() {
            images::write(&run, args, &folder)?
        } else {
            plane::points(&run, args, &folder)?
        };
        written.extend(plane::landscape(&run, args, &folder)?);
        Ok(written)
    });
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
