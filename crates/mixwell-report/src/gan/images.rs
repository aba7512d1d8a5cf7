//! Samples that are images: before and after, and along their way.

use mixwell::image::{Grid, ImageSet};

use super::GanRun;
use crate::ReportError;

/// Pixels between the two halves of before and after.
const BETWEEN: usize = 12;

/// A picture (PNG) with a row for so many chains and a column for so many steps from their first draw to their last, and which draws these are.
///
/// # Errors
/// When the generator makes no images.
pub fn trajectory_images(
    run: &GanRun,
    chains: usize,
    columns: usize,
) -> Result<(Vec<u8>, Vec<usize>), ReportError> {
    let steps = run.steps(columns);
    let chains = chains.min(run.n_chains());
    let of_chain = |chain: usize| steps.iter().flat_map(move |step| run.latent(chain, *step).to_vec());
    let latents: Vec<f64> = (0..chains).flat_map(of_chain).collect();
    let png = Grid { columns: Some(steps.len()), ..Grid::default() }.png(&run.images(&latents)?);
    Ok((png.map_err(ReportError::picture)?, steps))
}

/// A picture (PNG) of draws of the prior on the left and the last states of as many chains on the right: `samples` of them, or as many as there are chains.
///
/// # Errors
/// When the generator makes no images.
pub fn before_after_images(run: &GanRun, samples: usize, seed: u64) -> Result<Vec<u8>, ReportError> {
    let n = samples.min(run.n_chains());
    let half = |latents: &[f64]| Grid::default().arrange(&run.images(latents)?).map_err(ReportError::picture);
    let halves = [half(&run.prior(n, seed).latents)?, half(&run.last(n).latents)?];
    let both = ImageSet::joined(halves.into()).map_err(ReportError::picture)?.expect("two of them");
    Grid { columns: Some(2), margin: BETWEEN, background: 128 }.png(&both).map_err(ReportError::picture)
}
