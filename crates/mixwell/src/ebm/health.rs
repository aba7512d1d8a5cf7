//! How well the chains of an update mix: split rank-normalised R-hat and bulk ESS over its steps, the worst coordinate of each.
//!
//! Chains of one update are short, and begin where the bank has brought them: an R-hat near one over such a stretch says that chains
//! forget where they began within an update, which is more than persistent chains need; a large one says that they do not.

use serde::{Deserialize, Serialize};

use crate::diagnostics::{Draws, ess_bulk, rhat};

/// How well the chains of one update mixed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The update it was measured at.
    pub update: u64,
    /// Largest split rank-normalised R-hat over the coordinates; NaN for fewer than four steps.
    pub rhat: f64,
    /// Smallest bulk effective sample size over the coordinates, of all states of the update; NaN for fewer than four steps.
    pub ess: f64,
}

/// The health of `steps x chains x dim` states.
pub(super) fn measure(update: u64, path: &[f64], n_chains: usize, dim: usize) -> Health {
    let steps = path.len() / (n_chains * dim);
    let (mut worst, mut fewest) = (f64::NAN, f64::NAN);
    let mut draws = vec![0.0; steps * n_chains];
    if steps >= 4 {
        for k in 0..dim {
            for (t, states) in path.chunks_exact(n_chains * dim).enumerate() {
                for (chain, x) in states.chunks_exact(dim).enumerate() {
                    draws[chain * steps + t] = x[k];
                }
            }
            let draws = Draws::new(&draws, n_chains);
            worst = worst.max(rhat(draws));
            fewest = fewest.min(ess_bulk(draws));
        }
    }
    Health { update, rhat: worst, ess: fewest }
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
}
