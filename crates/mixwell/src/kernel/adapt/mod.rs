//! How a kernel's step size and metric are found during warm-up, from all chains together, and then frozen.
//!
//! Sums run in the order of the chains, so that the result does not depend on threads.

mod acceptance;
mod dual_averaging;
mod metric;
mod moments;
mod step_rule;
mod tuner;
mod windows;

pub use metric::MetricKind;
pub(crate) use metric::matrices;
pub use step_rule::StepRule;
pub use tuner::{AcceptanceOver, Tuner, TunerConfig};
