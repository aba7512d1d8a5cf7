//! The stopping rule: enough effective draws of every parameter, and chains that agree.

use super::config::Stop;
use super::error::RunError;
use super::sink::Sink;
use crate::diagnostics::{Draws, ess_bulk, ess_tail, rhat};
use crate::io::Phase as Group;

/// Draws per chain that a check looks at; beyond that, every n-th draw is used.
const MOST_DRAWS: usize = 20_000;

/// True when every parameter meets the rule on the production draws so far.
pub(super) fn is_enough(
    sink: &mut Sink,
    n_chains: usize,
    draws: usize,
    stop: Stop,
) -> Result<bool, RunError> {
    let mut enough = true;
    sink.for_each_scalar(Group::Production, draws.div_ceil(MOST_DRAWS), |_, values| {
        if enough {
            let draws = Draws::new(values, n_chains);
            enough = (stop.rhat == 0.0 || rhat(draws) <= stop.rhat)
                && ess_bulk(draws) >= stop.ess
                && ess_tail(draws) >= stop.ess;
        }
    })?;
    Ok(enough)
}
