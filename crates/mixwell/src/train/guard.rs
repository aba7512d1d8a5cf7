//! Guards of flow training: an update whose loss or gradient is unusable is skipped and counted, never replaced.

use serde::{Deserialize, Serialize};

/// What the guards counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardCounts {
    /// Optimiser steps taken.
    pub updates: u64,
    /// Updates skipped because the loss or the gradient was NaN or infinite.
    pub skipped_non_finite: u64,
    /// Updates skipped because the loss jumped.
    pub skipped_jumps: u64,
    /// Latents of the reverse KL left out because the target was not finite there.
    pub non_finite_rows: u64,
    /// Training calls that ended on older weights because later ones validated worse.
    pub restored_best: u64,
}

/// Decides whether an update may be applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    jump_tolerance: f64,
    last: Option<f64>,
    /// What happened so far.
    pub counts: GuardCounts,
}

impl Guard {
    /// A guard that refuses losses further than `jump_tolerance` from the last accepted one.
    pub fn new(jump_tolerance: f64) -> Self {
        Self { jump_tolerance, last: None, counts: GuardCounts::default() }
    }

    /// True when an update with this loss and gradient norm may be applied; counts the verdict either way.
    pub fn admits(&mut self, loss: f64, gradient_norm: f64) -> bool {
        if !loss.is_finite() || !gradient_norm.is_finite() {
            self.counts.skipped_non_finite += 1;
            return false;
        }
        if self.last.is_some_and(|last| (loss - last).abs() > self.jump_tolerance) {
            self.counts.skipped_jumps += 1;
            return false;
        }
        self.last = Some(loss);
        self.counts.updates += 1;
        true
    }

    /// Forgets the last loss: losses of another objective or data set are not comparable.
    pub fn restart(&mut self) {
        self.last = None;
    }

    /// The last accepted loss.
    pub fn last_loss(&self) -> Option<f64> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_updates_are_counted() {
        let mut guard = Guard::new(10.0);
        assert!(guard.admits(1.0, 1.0));
        assert!(!guard.admits(f64::NAN, 1.0));
        assert!(!guard.admits(1.0, f64::INFINITY));
        assert!(!guard.admits(12.0, 1.0));
        assert!(guard.admits(10.5, 1.0));
        let expected =
            GuardCounts { updates: 2, skipped_non_finite: 2, skipped_jumps: 1, ..Default::default() };
        assert_eq!(guard.counts, expected);
    }
}
