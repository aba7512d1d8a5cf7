//! The state of a run as a checkpoint stores it: all that is needed to continue with the same numbers.

use serde::{Deserialize, Serialize};

use super::consistency::Consistency;
use super::observer::Phase;
use super::schedule::Cursor;
use super::totals::PhaseTotals;
use crate::flow::FlowState;
use crate::io::StoreState;
use crate::kernel::{EnsembleState, KernelState, ParticlePool, Tally};
use crate::train::TrainerState;

/// A checkpoint's payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunState {
    pub progress: Place,
    pub ensemble: EnsembleState,
    pub kernels: Vec<KernelState>,
    pub flow: Option<FlowState>,
    pub trainer: Option<TrainerState>,
    /// Particles that a training call of the warm-up may learn from next.
    pub pool: Option<ParticlePool>,
    /// What happened since the last draw, `chains x leaves`.
    pub since_draw: Vec<Tally>,
    pub warmup_totals: PhaseTotals,
    pub production_totals: PhaseTotals,
    pub store: Option<StoreState>,
    pub spent: Spent,
    pub consistency: Consistency,
}

/// Where a run stands in its schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub phase: Phase,
    pub cursor: Cursor,
    /// Steps done in this phase.
    pub steps: usize,
    /// Draws per chain made in this phase.
    pub draws: usize,
    /// Draws per chain made in all phases.
    pub all_draws: usize,
    /// Production draws per chain, once production is over.
    pub produced: usize,
    /// Adapting steps done by each kernel.
    pub adapted: Vec<usize>,
    /// Production draws at which the stopping rule is asked next.
    pub next_check: usize,
}

/// What a run has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Seconds of sampling and training, earlier sessions of a resumed run included.
    pub seconds: f64,
    /// Points at which the density alone was evaluated.
    pub densities: u64,
    /// Points at which density and gradient were evaluated.
    pub gradients: u64,
    /// Points evaluated, either way, to see whether the target contradicts itself; they are not among the others.
    pub checks: u64,
}

impl Spent {
    /// Adds what something else cost.
    pub(super) fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.densities += other.densities;
        self.gradients += other.gradients;
        self.checks += other.checks;
    }
}
