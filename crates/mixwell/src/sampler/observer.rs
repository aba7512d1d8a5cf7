//! Progress of a run, while it runs. The library prints nothing; a caller that wants to show progress passes an [`Observer`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The phases of a run, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Kernels adapt and the flow trains: draws are not exact and are kept apart.
    #[default]
    Warmup,
    /// Everything is fixed; draws until chains have settled under it are kept with the warm-up.
    Frozen,
    /// Exact draws.
    Production,
    /// All draws are made.
    Finished,
}

impl Phase {
    /// Its name in progress lines.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Warmup => "warm-up",
            Phase::Frozen => "frozen",
            Phase::Production => "production",
            Phase::Finished => "finished",
        }
    }

    /// The same within a sentence.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Phase::Warmup => "the warm-up",
            Phase::Frozen => "the frozen phase",
            Phase::Production | Phase::Finished => "production",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Draws per chain done in this phase, and planned.
    pub draws: (usize, usize),
    /// Draws per chain done and planned over all phases.
    pub total: (usize, usize),
    /// True while a training call runs.
    pub training: bool,
    /// Mean acceptance of local moves since the last report.
    pub local_acceptance: Option<f64>,
    /// Share of global moves that moved the chain since the last report.
    pub global_acceptance: Option<f64>,
    /// Loss of the last training call.
    pub flow_loss: Option<f64>,
    /// Largest R-hat over all parameters so far, from a thinned record of this phase.
    pub max_rhat: Option<f64>,
    /// Time since the start, earlier sessions of a resumed run included.
    pub elapsed: Duration,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run is about to start; how much memory and disk it will need, in bytes.
    Planned {
        /// Resident memory of draws, state and batches.
        memory: u64,
        /// Disk for draws, before compression.
        disk: u64,
    },
    /// The run went a bit further. Sent often: an observer that draws should limit its own rate.
    Progress(Progress),
    /// A phase ended.
    PhaseEnded(Phase),
    /// A checkpoint was written.
    Checkpoint,
    /// `method = auto` is about to look at the target, or has chosen: what and why.
    Choice(String),
    /// Something the user should know.
    Warning(String),
}

/// Follows a run.
pub trait Observer: Send {
    /// Called on the thread that runs the sampler; should return quickly.
    fn event(&mut self, event: &Event);
}

/// Sees nothing, says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event) {}
}
