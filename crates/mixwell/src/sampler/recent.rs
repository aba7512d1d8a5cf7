//! Numbers for the progress line: acceptance over the last few hundred steps, and R-hat once a second.

use std::time::{Duration, Instant};

use super::monitor::Monitor;
use crate::kernel::{Leaf, Role, Tally};

/// How often R-hat is computed.
const MONITOR_TIME: Duration = Duration::from_secs(1);
/// Proposals per leaf after which older ones count half.
const MEMORY: u64 = 2000;

/// Acceptance of late, and the last R-hat.
#[derive(Default)]
pub(super) struct Recent {
    /// Sum of acceptance probabilities, and proposals.
    local: (f64, u64),
    /// Moves, and proposals.
    global: (u64, u64),
    rhat: Option<f64>,
    rhat_at: Option<Instant>,
}

impl Recent {
    /// Adds the last step, forgetting slowly.
    pub fn add(&mut self, tallies: &[Tally], leaves: &[Leaf]) {
        for (tally, leaf) in tallies.iter().zip(leaves.iter().cycle()) {
            match leaf.role {
                Role::Local => {
                    self.local.0 += tally.accept_prob;
                    self.local.1 += u64::from(tally.tries);
                }
                Role::Global => {
                    self.global.0 += u64::from(tally.moves);
                    self.global.1 += u64::from(tally.tries);
                }
                Role::Symmetry | Role::Swap | Role::Replica => {}
            }
        }
        let many = MEMORY * leaves.len().max(1) as u64;
        if self.local.1 > many {
            (self.local.0, self.local.1) = (self.local.0 / 2.0, self.local.1 / 2);
        }
        if self.global.1 > many {
            (self.global.0, self.global.1) = (self.global.0 / 2, self.global.1 / 2);
        }
    }

    /// Computes R-hat anew where the last one is old.
    pub fn watch(&mut self, monitor: &Monitor) {
        let now = Instant::now();
        if self.rhat_at.is_none_or(|at| now - at >= MONITOR_TIME) {
            self.rhat = monitor.max_rhat().or(self.rhat);
            self.rhat_at = Some(now);
        }
    }

    /// Mean acceptance probability of local moves; `None` before the first.
    pub fn local_acceptance(&self) -> Option<f64> {
        (self.local.1 > 0).then(|| self.local.0 / self.local.1 as f64)
    }

    /// Share of global moves that moved a chain; `None` before the first.
    pub fn global_acceptance(&self) -> Option<f64> {
        (self.global.1 > 0).then(|| self.global.0 as f64 / self.global.1 as f64)
    }

    /// The largest R-hat when it was last computed.
    pub fn max_rhat(&self) -> Option<f64> {
        self.rhat
    }
}
