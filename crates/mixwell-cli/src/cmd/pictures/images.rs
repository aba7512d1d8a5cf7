//! Pictures of images: chains along their way, and before and after, as PNG.

use std::path::Path;

use mixwell::image::{Grid, ImageSet};

use super::gan_run::GanRun;
use crate::cli::PicturesArgs;

/// Pixels between the two halves of before and after.
const BETWEEN: usize = 12;

/// Writes them, and says what they are.
pub fn write(run: &GanRun, args: &PicturesArgs, folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut written = vec![before_after(run, args, &folder.join("before_after.png"))?];
    if run.n_draws() > 1 {
        written.push(trajectories(run, args, &folder.join("trajectories.png"))?);
    }
    Ok(written)
}

/// A row for every chain, a column for every step that is shown.
fn trajectories(run: &GanRun, args: &PicturesArgs, path: &Path) -> anyhow::Result<String> {
    let steps = run.steps(args.columns);
    let chains = args.chains.min(run.n_chains());
    let of_chain = |chain: usize| steps.iter().flat_map(move |step| run.latent(chain, *step).to_vec());
    let latents: Vec<f64> = (0..chains).flat_map(of_chain).collect();
    Grid { columns: Some(steps.len()), ..Grid::default() }.write(path, &run.images(&latents)?)?;
    let numbers: Vec<String> = steps.iter().map(|step| (step + 1).to_string()).collect();
    Ok(format!("trajectories.png: {chains} chains, a row each, after draws {}", numbers.join(", ")))
}

/// Draws of the prior on the left, the last states of as many chains on the right.
fn before_after(run: &GanRun, args: &PicturesArgs, path: &Path) -> anyhow::Result<String> {
    let n = args.samples.min(run.n_chains());
    let half =
        |latents: &[f64]| -> anyhow::Result<ImageSet> { Ok(Grid::default().arrange(&run.images(latents)?)?) };
    let halves = [half(&run.prior(n, args.seed).latents)?, half(&run.last(n).latents)?];
    let both = ImageSet::joined(halves.into())?.expect("two of them");
    Grid { columns: Some(2), margin: BETWEEN, background: 128 }.write(path, &both)?;
    Ok(format!(
        "before_after.png: {n} draws of the prior on the left, the last states of {n} chains on the right"
    ))
}
