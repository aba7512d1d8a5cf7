//! What the chains of the look saw, in numbers.

use super::climb::climb;
use super::modes::{Walk, grouped};
use super::pilot::Look;
use crate::density::{EvaluationError, Target};
use crate::diagnostics::{Draws, rhat};
use crate::rng::SYMMETRY_STREAM;
use crate::{Points, Stream};

/// R-hat up to which chains agree; from there on they are asked whether they stand in modes of their own.
const MIXED: f64 = 1.05;
/// `ln` of the share of the heaviest mode below which another is left out: what chains hung up far outside look like.
const NEGLIGIBLE: f64 = -20.0;

/// Pieces of a chain that are looked at on their own.
const PIECES: usize = 3;

/// What was seen.
pub(super) struct Sight {
    pub dim: usize,
    pub chains: usize,
    /// Largest R-hat over the coordinates of all chains that stand where there is mass.
    pub rhat: f64,
    /// Shares of the trajectories, at the starts of the run.
    pub divergent: f64,
    pub at_limit: f64,
    /// Gradients of a trajectory.
    pub leapfrogs: f64,
    /// Modes, each with positions of chains that stood in it; one where no valley was found.
    pub modes: Vec<Vec<Vec<f64>>>,
    /// Chains left out, as they stood where there is next to no mass.
    pub stray: usize,
    /// Those of them that started where the run does.
    pub stray_near: usize,
    /// Chains from peaks that a search found.
    pub found: usize,
    pub cut_short: bool,
}

impl Sight {
    /// Whether all chains agree.
    pub fn mixed(&self) -> bool {
        self.rhat <= MIXED
    }
}

/// Measures what was seen.
pub(super) fn measure(target: &dyn Target, look: &Look<'_>) -> Result<Sight, EvaluationError> {
    let mut stream = Stream::new(look.seed, SYMMETRY_STREAM);
    let mut seen: Vec<(Points, Vec<f64>)> = Vec::new();
    for group in &look.groups {
        seen.extend((0..group.n_chains()).map(|chain| group.walk(chain, target.symmetries(), &mut stream)));
    }
    let mut walks: Vec<Walk<'_>> =
        seen.iter().map(|(x, log_prob)| Walk::new(x.as_batch(), log_prob)).collect();
    let near = &look.groups[0];
    let share = |count: u64| count as f64 / near.trajectories.max(1) as f64;
    let (divergent, at_limit, leapfrogs) =
        (share(near.divergences), share(near.at_limit), share(near.leapfrogs));
    let heaviest = walks.iter().map(Walk::log_mass).fold(f64::NEG_INFINITY, f64::max);
    let is_stray = |w: &Walk<'_>| w.log_mass() < heaviest + NEGLIGIBLE;
    let stray_near = walks.iter().take(near.n_chains()).filter(|w| is_stray(w)).count();
    let chains = walks.len();
    walks.retain(|w| !is_stray(w));
    let stray = chains - walks.len();
    let rhat = largest_rhat(&walks, target.dim());
    // A chain may have stood in several modes, one after the other.
    let mut stays: Vec<Walk<'_>> = walks.iter().flat_map(|w| w.pieces(PIECES)).collect();
    let group = if rhat > MIXED {
        let mut ends = Points::zeros(0, target.dim());
        stays.iter().for_each(|w| ends.push(w.end()));
        let peaks = climb(target, &ends, || !look.used_up())?;
        // Where some reach no peak, shapes must be told from modes by states, for which pieces are too short.
        if peaks.iter().all(Option::is_some) {
            stays.iter_mut().zip(peaks).for_each(|(stay, peak)| stay.peak = peak);
        } else {
            stays = walks;
        }
        grouped(target, &stays)?
    } else {
        vec![0; stays.len()]
    };
    let mut names: Vec<usize> = group.clone();
    names.sort_unstable();
    names.dedup();
    let ends = |name: &usize| {
        let of_mode = stays.iter().zip(&group).filter(|(_, g)| *g == name);
        of_mode.map(|(stay, _)| stay.end().to_vec()).collect()
    };
    let modes = names.iter().map(ends).collect();
    let (dim, found, cut_short) = (target.dim(), look.found, look.cut_short);
    Ok(Sight {
        dim,
        chains,
        rhat,
        divergent,
        at_limit,
        leapfrogs,
        modes,
        stray,
        stray_near,
        found,
        cut_short,
    })
}

/// The largest R-hat of a coordinate; infinite where a chain never moved.
fn largest_rhat(walks: &[Walk<'_>], dim: usize) -> f64 {
    let mut draws = Vec::new();
    (0..dim)
        .map(|j| {
            draws.clear();
            walks.iter().for_each(|w| draws.extend(w.x.iter().map(|row| row[j])));
            let value = rhat(Draws::new(&draws, walks.len()));
            if value.is_nan() { f64::INFINITY } else { value }
        })
        .fold(1.0, f64::max)
}
