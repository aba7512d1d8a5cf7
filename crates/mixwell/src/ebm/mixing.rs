//! How well chains of a training mix: R-hat and effective sample size of the worst coordinate.

use crate::Batch;
use crate::diagnostics::{Draws, ess_bulk, rhat, rhat_plain};

/// How well chains mixed: the worst coordinate of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// Largest split rank-normalised R-hat.
    pub rhat: f64,
    /// Largest R-hat of Gelman and Rubin, neither split nor ranked.
    pub rhat_plain: f64,
    /// Mean of the latter over coordinates.
    pub rhat_plain_mean: f64,
    /// Smallest bulk effective sample size.
    pub ess: f64,
}

impl Mixing {
    /// That of `(steps chains) x dim` states, step after step.
    pub(super) fn of(path: Batch<'_>, chains: usize) -> Self {
        let dim = path.dim();
        let steps = path.rows() / chains;
        let mut worst = Mixing { rhat: f64::NAN, rhat_plain: f64::NAN, rhat_plain_mean: 0.0, ess: f64::NAN };
        let mut column = vec![0.0; steps * chains];
        for k in 0..dim {
            for (row, x) in path.iter().enumerate() {
                column[row % chains * steps + row / chains] = x[k];
            }
            let draws = Draws::new(&column, chains);
            let plain = rhat_plain(draws);
            worst.rhat = worst.rhat.max(rhat(draws));
            worst.rhat_plain = worst.rhat_plain.max(plain);
            worst.rhat_plain_mean += plain / dim as f64;
            worst.ess = worst.ess.min(ess_bulk(draws));
        }
        worst
    }
}
