//! Peaks that no chain of the look stands under: chains are few, and many points can climb for the price of one trajectory each.

use super::climb::{Peak, climb};
use super::modes::{Segment, dips};
use crate::Points;
use crate::density::{EvaluationError, Target};

/// Depth of a valley between two peaks that makes them two: chains cross what is shallower.
const PARTED: f64 = 1.0;
/// Most peaks that get a chain; the highest do.
const MOST: usize = 16;

/// Peaks above `starts` that are parted by valleys from those above `standing`, where chains stand, and from each other; the highest first.
pub(super) fn unvisited(
    target: &dyn Target,
    standing: &Points,
    starts: &Points,
    go_on: impl FnMut() -> bool,
) -> Result<Points, EvaluationError> {
    let mut all = standing.clone();
    (0..starts.rows()).for_each(|row| all.push(starts.row(row)));
    let mut peaks = climb(target, &all, go_on)?;
    // Symmetry moves reach the images of a peak.
    for peak in peaks.iter_mut().flatten() {
        target.symmetries().iter().for_each(|s| s.fold(&mut peak.x));
    }
    let mut found: Vec<Peak> = peaks.split_off(standing.rows()).into_iter().flatten().collect();
    found.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
    // A chain that stands under no peak stands for itself.
    let mut log_prob = vec![0.0; standing.rows()];
    target.log_prob(standing.as_batch(), &mut log_prob)?;
    let stands = |row: usize| Peak { x: standing.row(row).to_vec(), log_prob: log_prob[row] };
    let mut known: Vec<Peak> =
        peaks.into_iter().enumerate().map(|(row, peak)| peak.unwrap_or_else(|| stands(row))).collect();
    let mut new = Points::zeros(0, target.dim());
    for peak in found {
        let segments: Vec<Segment<'_>> = known.iter().map(|k| [k.end(), peak.end()]).collect();
        if dips(target, &segments, PARTED)?.into_iter().all(|dips| dips) {
            new.push(&peak.x);
            known.push(peak);
            if new.rows() == MOST {
                break;
            }
        }
    }
    Ok(new)
}
