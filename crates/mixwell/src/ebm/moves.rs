//! What the chains of an update did, local and global moves apart.

use crate::kernel::{Role, Tallies};

/// Counts of the moves of an update.
#[derive(Clone, Debug, Default)]
pub struct Moves {
    local: Count,
    global: Count,
    ess: f64,
    ess_of: u64,
    non_finite: u64,
    stranded: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    accept_prob: f64,
    moves: u64,
    tries: u64,
}

impl Moves {
    /// Adds one step of all chains by a kernel whose leaves have these roles.
    pub(crate) fn add(&mut self, roles: &[Role], tallies: Tallies<'_>) {
        for (leaf, role) in roles.iter().enumerate() {
            for tally in tallies.part(leaf).iter() {
                self.non_finite += u64::from(tally.non_finite);
                self.stranded += u64::from(tally.stranded);
                let count = match role {
                    Role::Local => &mut self.local,
                    Role::Global => &mut self.global,
                    Role::Symmetry | Role::Swap | Role::Replica => continue,
                };
                count.accept_prob += tally.accept_prob;
                count.moves += u64::from(tally.moves);
                count.tries += u64::from(tally.tries);
                if tally.isir_ess > 0.0 {
                    self.ess += tally.isir_ess;
                    self.ess_of += 1;
                }
            }
        }
    }

    /// Mean acceptance probability of local moves, if there were any.
    pub fn local_acceptance(&self) -> Option<f64> {
        (self.local.tries > 0).then(|| self.local.accept_prob / self.local.tries as f64)
    }

    /// Share of global moves after which the chain stood elsewhere, if there were any.
    pub fn global_acceptance(&self) -> Option<f64> {
        (self.global.tries > 0).then(|| self.global.moves as f64 / self.global.tries as f64)
    }

    /// Mean effective number of particles of i-SIR moves, if there were any.
    pub fn particle_ess(&self) -> Option<f64> {
        (self.ess_of > 0).then(|| self.ess / self.ess_of as f64)
    }

    /// Proposals that could not be evaluated.
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// Steps after which a chain stood where the law is not finite.
    pub fn stranded(&self) -> u64 {
        self.stranded
    }
}
