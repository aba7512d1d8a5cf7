//! Running totals of what kernels did, per leaf and chain: small, updated in place, and part of every checkpoint.

use serde::{Deserialize, Serialize};

use crate::footprint::{bytes, numbers};
use crate::kernel::Tally;

/// What one leaf did to one chain over a whole phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// Proposals made.
    pub tries: u64,
    /// Proposals accepted.
    pub moves: u64,
    /// Sum of acceptance probabilities.
    pub accept_prob: f64,
    /// Proposals that were not finite.
    pub non_finite: u64,
    /// Divergent trajectories.
    pub divergences: u64,
    /// Times that the kernel did otherwise than its rule says.
    pub fallbacks: u64,
    /// Steps after which the chain stood where the log-density is not finite.
    pub stranded: u64,
}

impl Total {
    /// Adds one step's tally.
    pub fn add(&mut self, t: &Tally) {
        self.tries += u64::from(t.tries);
        self.moves += u64::from(t.moves);
        self.accept_prob += t.accept_prob;
        self.non_finite += u64::from(t.non_finite);
        self.divergences += u64::from(t.divergences);
        self.stranded += u64::from(t.stranded);
        self.fallbacks += u64::from(t.fallbacks);
    }
}

/// Longest run of draws without a move, per chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stuck {
    current: u64,
    /// The longest run so far.
    pub longest: u64,
}

impl Stuck {
    /// Takes note of one draw.
    pub fn observe(&mut self, moved: bool) {
        self.current = if moved { 0 } else { self.current + 1 };
        self.longest = self.longest.max(self.current);
    }
}

/// Totals of one phase: `chains x leaves`, and what is counted per chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseTotals {
    /// Per chain and leaf, chain after chain.
    pub leaves: Vec<Total>,
    /// Per chain.
    pub stuck: Vec<Stuck>,
    /// Rao-Blackwellised sums of every reported value and of its square, per chain (`chains x 2 n_values`);
    /// empty when not asked for.
    pub rao_blackwell: Vec<f64>,
    /// i-SIR steps behind the Rao-Blackwellised sums, per chain.
    pub rao_blackwell_steps: Vec<u64>,
}

impl PhaseTotals {
    /// Bytes of [`PhaseTotals::new`] with these sizes.
    pub(super) fn bytes(chains: usize, leaves: usize, rao_blackwell_values: usize) -> u64 {
        bytes(size_of::<Total>(), &[chains, leaves])
            .saturating_add(bytes(size_of::<Stuck>() + 8, &[chains]))
            .saturating_add(numbers(&[2, chains, rao_blackwell_values]))
    }

    /// Zeros for `chains x leaves`; with Rao-Blackwellised sums of `n_values` values when asked for.
    pub fn new(chains: usize, leaves: usize, rao_blackwell_values: usize) -> Self {
        Self {
            leaves: vec![Total::default(); chains * leaves],
            stuck: vec![Stuck::default(); chains],
            rao_blackwell: vec![0.0; chains * 2 * rao_blackwell_values],
            rao_blackwell_steps: vec![0; chains],
        }
    }

    /// A copy of `from` in the memory that is here already.
    pub(super) fn copy_from(&mut self, from: &Self) {
        self.leaves.clone_from(&from.leaves);
        self.stuck.clone_from(&from.stuck);
        self.rao_blackwell.clone_from(&from.rao_blackwell);
        self.rao_blackwell_steps.clone_from(&from.rao_blackwell_steps);
    }

    /// The totals of leaf `leaf` of `n_leaves`, chain after chain.
    pub fn of_leaf(&self, leaf: usize, n_leaves: usize) -> impl Iterator<Item = &Total> {
        self.leaves.iter().skip(leaf).step_by(n_leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuck_runs_are_measured() {
        let mut s = Stuck::default();
        for moved in [true, false, false, true, false] {
            s.observe(moved);
        }
        assert_eq!(s.longest, 2);
    }
}
