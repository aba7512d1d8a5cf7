//! Annealed paths along a ladder with fixed kernels: upwards from the base, and backwards from the target, with their weights.

use super::WeightedDraws;
use super::ladder::times;
use super::route::Route;
use super::walkers::Walkers;
use crate::density::EvaluationError;
use crate::kernel::Kernel;
use crate::{Points, Stream};

/// What a way of using paths gives.
pub(super) struct Weighted {
    /// Unbiased, independent.
    pub log_weights: Vec<f64>,
    pub draws: Option<WeightedDraws>,
    pub non_finite: u64,
    pub moved: Option<f64>,
}

/// A ladder with a fixed kernel for every rung.
pub(super) struct Annealer<'a> {
    pub route: Route<'a>,
    pub rungs: Vec<(f64, Box<dyn Kernel>)>,
    pub moves: usize,
    pub max_rows: usize,
}

/// Where paths ended, with their log-weights.
pub(super) struct Paths {
    pub x: Points,
    pub log_weights: Vec<f64>,
    pub non_finite: u64,
}

impl Annealer<'_> {
    /// Paths from the base to the target, one per stream.
    pub fn up(&self, streams: Vec<Stream>) -> Result<Paths, EvaluationError> {
        let mut walkers = Walkers::draw(self.route, streams, &*self.rungs[0].1, self.max_rows)?;
        let mut log_weights = vec![0.0; walkers.x().rows()];
        let mut below = 0.0;
        for (k, (beta, kernel)) in self.rungs.iter().enumerate() {
            add_increment(&mut walkers, beta - below, &mut log_weights)?;
            if k + 1 < self.rungs.len() {
                self.move_at(&mut walkers, *beta, &**kernel)?;
            }
            below = *beta;
        }
        let x = Points::from_vec(walkers.x().data().to_vec(), walkers.x().dim());
        Ok(Paths { x, log_weights, non_finite: walkers.non_finite() })
    }

    /// Paths back from points of the target: given where a path ended, the rest of it is distributed like this if the
    /// kernels are reversible. The weights are those of the paths; the points stay.
    pub fn down(&self, x: Points, streams: Vec<Stream>) -> Result<Paths, EvaluationError> {
        let mut walkers = Walkers::at(self.route, x.clone(), streams, &*self.rungs[0].1, self.max_rows)?;
        let mut log_weights = vec![0.0; x.rows()];
        for k in (0..self.rungs.len()).rev() {
            let below = if k > 0 { self.rungs[k - 1].0 } else { 0.0 };
            add_increment(&mut walkers, self.rungs[k].0 - below, &mut log_weights)?;
            if k > 0 {
                self.move_at(&mut walkers, below, &*self.rungs[k - 1].1)?;
            }
        }
        Ok(Paths { x, log_weights, non_finite: walkers.non_finite() })
    }

    fn move_at(
        &self,
        walkers: &mut Walkers<'_>,
        beta: f64,
        kernel: &dyn Kernel,
    ) -> Result<(), EvaluationError> {
        walkers.aim(beta, |i| i);
        (0..self.moves).try_for_each(|_| walkers.step(kernel, beta))
    }
}

/// Adds `delta (log pi - log pi_0)` of every chain to its log-weight.
fn add_increment(
    walkers: &mut Walkers<'_>,
    delta: f64,
    log_weights: &mut [f64],
) -> Result<(), EvaluationError> {
    walkers.look()?;
    for (w, ratio) in log_weights.iter_mut().zip(walkers.log_ratio()) {
        *w += times(delta, ratio);
    }
    Ok(())
}
