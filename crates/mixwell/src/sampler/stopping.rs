//! The stopping rule: enough effective draws of every parameter, and chains that agree.

use super::config::Stop;
use super::error::RunError;
use super::sink::Made;
use crate::diagnostics::{Draws, ess_bulk, ess_tail, rhat};
use crate::io::Phase as Group;

/// Draws per chain that a check looks at; beyond that, every n-th draw is used.
const MOST_DRAWS: usize = 20_000;

/// Draws of all chains together that a check looks at: with many chains, fewer of each.
const MOST_NUMBERS: usize = 400_000;

/// Every how many draws a check looks at.
fn thinning(n_chains: usize, draws: usize) -> usize {
    let of_all = n_chains.saturating_mul(draws).div_ceil(MOST_NUMBERS);
    draws.div_ceil(MOST_DRAWS).max(of_all).max(1)
}

/// Draws of one scalar, all chains together, that a check after `draws` draws looks at.
pub(super) fn numbers_looked_at(n_chains: usize, draws: usize) -> usize {
    n_chains.saturating_mul(draws.div_ceil(thinning(n_chains, draws)))
}

/// True when every parameter meets the rule on the production draws so far.
pub(super) fn is_enough(
    made: &Made<'_>,
    n_chains: usize,
    draws: usize,
    stop: Stop,
) -> Result<bool, RunError> {
    let mut enough = true;
    made.for_each_scalar(Group::Production, thinning(n_chains, draws), |_, values| {
        if enough {
            let draws = Draws::new(values, n_chains);
            enough = (stop.rhat == 0.0 || rhat(draws) <= stop.rhat)
                && ess_bulk(draws) >= stop.ess
                && ess_tail(draws) >= stop.ess;
        }
    })?;
    Ok(enough)
}
