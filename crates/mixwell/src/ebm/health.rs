//! How well the chains of an update mix: split rank-normalised R-hat and bulk ESS over its steps, the worst coordinate of each.
//!
//! Chains of one update are short, and begin where the bank has brought them: an R-hat near one over such a stretch says that chains
//! forget where they began within an update, which is more than persistent chains need; a large one says that they do not.
//! A chain that stands still for a whole update is stuck: a step size that suits the mean does not suit its place, where the
//! energy has become steep. Few such chains do harm enough, for they stand where the energy is highest.

use serde::{Deserialize, Serialize};

use super::Mixing;
use crate::Batch;

/// How well the chains of one update mixed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The update it was measured at.
    pub update: u64,
    /// Chains that moved.
    pub chains: usize,
    /// Steps of that update.
    pub steps: usize,
    /// Largest split rank-normalised R-hat over the coordinates; NaN for fewer than four steps.
    pub rhat: f64,
    /// Smallest bulk effective sample size over the coordinates, of all states of the update; NaN for fewer than four steps.
    pub ess: f64,
    /// Share of the chains that stood still at every step of the update; NaN for fewer than four steps.
    pub stuck: f64,
}

/// Share of chains that may be stuck besides those that stand still by chance.
const MOST_STUCK: f64 = 0.005;

impl Health {
    /// Whether more chains stood still than chance explains where each move is accepted with probability `acceptance`: by five standard
    /// errors beyond twice as many as if all chains were alike, since some places are harder than others.
    pub fn has_stuck_chains(&self, acceptance: f64) -> bool {
        let by_chance = (1.0 - acceptance).clamp(0.0, 1.0).powi(self.steps as i32 - 1);
        let error = (by_chance / self.chains as f64).sqrt();
        self.stuck > MOST_STUCK + 2.0 * by_chance + 5.0 * error
    }
}

/// The health of `steps x chains x dim` states.
pub(super) fn measure(update: u64, path: &[f64], n_chains: usize, dim: usize) -> Health {
    let steps = path.len() / (n_chains * dim);
    let (mut worst, mut fewest, mut stuck) = (f64::NAN, f64::NAN, f64::NAN);
    if steps >= 4 {
        let place = |t: usize, chain: usize| &path[(t * n_chains + chain) * dim..][..dim];
        let still = (0..n_chains).filter(|&c| (1..steps).all(|t| place(t, c) == place(0, c))).count();
        stuck = still as f64 / n_chains as f64;
        let mixing = Mixing::of(Batch::new(path, dim), n_chains);
        (worst, fewest) = (mixing.rhat, mixing.ess);
    }
    Health { update, chains: n_chains, steps, rhat: worst, ess: fewest, stuck }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn independent_states_are_healthy_and_stuck_ones_are_not() {
        let mut stream = Stream::new(1, 0);
        let (steps, chains) = (100, 8);
        let mut path = vec![0.0; steps * chains * 2];
        stream.fill_normal(&mut path);
        let good = measure(7, &path, chains, 2);
        assert!(good.rhat < 1.05 && good.ess > 400.0 && good.update == 7, "{good:?}");
        assert_eq!(good.stuck, 0.0);
        // One chain of eight stands still.
        let mut still = path.clone();
        still.chunks_exact_mut(chains * 2).for_each(|state| state[6..8].fill(1.5));
        assert_eq!(measure(7, &still, chains, 2).stuck, 0.125);
        // The second coordinate of every chain stands at a place of its own.
        for state in path.chunks_exact_mut(chains * 2) {
            for (c, x) in state.chunks_exact_mut(2).enumerate() {
                x[1] = 10.0 * c as f64 + 0.01 * x[1];
            }
        }
        let stuck = measure(7, &path, chains, 2);
        assert!(stuck.rhat > 1.5 && stuck.ess < 50.0, "{stuck:?}");
        assert!(measure(0, &path[..chains * 2 * 3], chains, 2).rhat.is_nan());
    }

    #[test]
    fn chains_that_stand_still_by_chance_are_not_stuck() {
        let health = |chains, steps, stuck| Health { update: 1, chains, steps, rhat: 1.0, ess: 1.0, stuck };
        // Two of 64 after five steps of which a third is refused: .8 are expected. Three of 256 after twenty: none is.
        assert!(!health(64, 5, 2.0 / 64.0).has_stuck_chains(0.665));
        assert!(health(256, 20, 3.0 / 256.0).has_stuck_chains(0.574));
        assert!(health(64, 5, 0.5).has_stuck_chains(0.665));
        assert!(!health(64, 5, f64::NAN).has_stuck_chains(0.665));
    }
}
