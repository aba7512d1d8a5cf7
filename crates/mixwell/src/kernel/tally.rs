//! What is counted for every leaf and chain.

use serde::{Deserialize, Serialize};

/// What one leaf did to one chain during one step of the whole kernel.
///
/// The run zeroes tallies before a step. Kernels add to the counts and to `accept_prob`, since a step may repeat them, and
/// overwrite `tree_depth`, `energy` and `isir_ess`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Proposals made.
    pub tries: u32,
    /// Proposals accepted (for i-SIR: the chosen particle was not the current point).
    pub moves: u32,
    /// Sum of acceptance probabilities over the tries.
    pub accept_prob: f64,
    /// Proposals whose log-density or gradient was NaN or infinite (but not `-inf`).
    pub non_finite: u32,
    /// Trajectories whose energy error exceeded the limit.
    pub divergences: u32,
    /// Gradient evaluations of Hamiltonian trajectories.
    pub leapfrogs: u32,
    /// Depth of the last trajectory tree.
    pub tree_depth: u32,
    /// Total energy at the accepted point of the last trajectory.
    pub energy: f64,
    /// Effective number of particles of the last i-SIR step, between 1 and the pool size.
    pub isir_ess: f64,
    /// Times that a kernel had to do otherwise than its rule says: rejection sampling that accepted none, or met a weight above its bound; a
    /// fresh chain of which nothing was accepted. See the kernel.
    pub fallbacks: u32,
    /// Largest `ln pi - ln q` among the proposals, where the kernel learns a bound.
    pub largest_log_weight: Option<f64>,
    /// Steps after which the chain stood at a point whose log-density is NaN or infinite, which no correct kernel moves to.
    /// Whoever makes the steps counts this, at a kernel's first leaf; kernels need not.
    pub stranded: u32,
}

impl Tally {
    /// Takes note of the log-weight of a proposal.
    pub(crate) fn see_log_weight(&mut self, weight: f64) {
        if weight.is_finite() && self.largest_log_weight.is_none_or(|largest| weight > largest) {
            self.largest_log_weight = Some(weight);
        }
    }

    /// Adds a later step of the same leaf: counts add up, what describes the last trajectory is replaced.
    pub fn add(&mut self, later: &Tally) {
        self.tries += later.tries;
        self.moves += later.moves;
        self.accept_prob += later.accept_prob;
        self.non_finite += later.non_finite;
        self.divergences += later.divergences;
        self.leapfrogs += later.leapfrogs;
        self.stranded += later.stranded;
        self.fallbacks += later.fallbacks;
        if let Some(weight) = later.largest_log_weight {
            self.see_log_weight(weight);
        }
        if later.tries > 0 {
            (self.tree_depth, self.energy, self.isir_ess) = (later.tree_depth, later.energy, later.isir_ess);
        }
    }
}
