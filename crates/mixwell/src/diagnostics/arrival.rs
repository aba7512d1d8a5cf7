//! Detects, from log-densities, chains that had not reached the typical set when production began.
//!
//! In equilibrium the first draw of a chain is as good as any later one. A chain that warm-up left in a wrong region starts
//! production at a log-density far below everything that is drawn later, and climbs. A few such draws spoil means and
//! standard deviations while R-hat and ESS, which look at ranks, hardly move.
//!
//! The later halves of all chains serve as the reference, with median `m` and lowest value `l`. A draw is far below when it lies below
//! `l` by more than `gap (m - l)` and by more than [`NATS`]. Towards low values the tails of a log-density are at heaviest
//! exponential (one dimension) and close to normal in many dimensions, so a draw in equilibrium is that low with
//! probability about `e^-(s/2)` in one dimension, `s = m - l`, and less in many.

use super::Draws;

/// Smallest distance below the lowest later log-density that counts.
const NATS: f64 = 5.0;

/// A chain that was not in equilibrium at its first draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LateChain {
    /// Its number, from 0.
    pub chain: usize,
    /// How many draws it needed.
    pub draws: usize,
    /// Its log-density at the first draw.
    pub log_density: f64,
    /// The lowest log-density among the later halves of all chains.
    pub lowest: f64,
}

/// The chains whose first draws lie far below all later log-densities; none where a log-density is NaN or infinite, or
/// with fewer than 8 draws per chain.
pub(crate) fn late_chains(log_density: Draws<'_>, gap: f64) -> Vec<LateChain> {
    let n = log_density.n_draws();
    if n < 8 || log_density.data().iter().any(|v| !v.is_finite()) {
        return Vec::new();
    }
    let mut later: Vec<f64> = log_density.chains().flat_map(|chain| &chain[n / 2..]).copied().collect();
    let lowest = later.iter().copied().fold(f64::INFINITY, f64::min);
    let middle = later.len() / 2;
    let median = *later.select_nth_unstable_by(middle, f64::total_cmp).1;
    let bar = lowest - (gap * (median - lowest)).max(NATS);
    log_density
        .chains()
        .enumerate()
        .filter(|(_, draws)| draws[0] < bar)
        .map(|(chain, draws)| LateChain {
            chain,
            draws: draws.iter().take_while(|v| **v < lowest).count(),
            log_density: draws[0],
            lowest,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    /// Log-densities `-|x|^2/2` of independent draws of N(0, I), four chains of 1000.
    fn gaussian(dim: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, 0);
        (0..4000).map(|_| -0.5 * (0..dim).map(|_| stream.normal().powi(2)).sum::<f64>()).collect()
    }

    #[test]
    fn a_chain_that_climbs_is_named() {
        let mut lp = gaussian(5, 1);
        for (t, v) in lp[2000..2023].iter_mut().enumerate() {
            *v = -300.0 + t as f64;
        }
        let found = late_chains(Draws::new(&lp, 4), 0.5);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].chain, found[0].draws, found[0].log_density), (2, 23, -300.0));
    }

    #[test]
    fn chains_in_equilibrium_are_not_accused() {
        for dim in [1, 2, 10, 300] {
            for seed in 0..100 {
                assert_eq!(late_chains(Draws::new(&gaussian(dim, seed), 4), 0.5), [], "{dim} {seed}");
            }
        }
    }

    #[test]
    fn constant_broken_and_short_input() {
        assert_eq!(late_chains(Draws::new(&[1.5; 40], 4), 0.5), []);
        let mut lp = gaussian(1, 1);
        lp[0] = f64::NEG_INFINITY;
        assert_eq!(late_chains(Draws::new(&lp, 4), 0.5), []);
        assert_eq!(late_chains(Draws::new(&[-100.0, 0.0, 0.0, 0.0], 1), 0.5), []);
        assert_eq!(late_chains(Draws::new(&[], 3), 0.5), []);
    }
}
