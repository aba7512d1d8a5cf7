//! What `method = auto` does before a run begins: chains look at the target (`pilot.rs`), what they saw is measured (`sight.rs`) and
//! decides (`decide.rs`).
//!
//! The outcome is an ordinary config with its reasons in words. A run of that config makes the same draws, since the look has
//! random streams of its own, and a resumed run does not look again.

mod decide;
mod modes;
mod pilot;
mod sight;

use std::sync::atomic::AtomicBool;

pub(super) use self::decide::largest_choice;
use self::pilot::Look;
use super::config::RunConfig;
use super::error::RunError;
use super::method::Auto;
use super::state::Spent;
use crate::density::{Counted, Target};

/// Steps that are looked at, and most of them.
const STEPS: usize = 100;
const MOST_STEPS: usize = 300;

/// A choice: the config that is run, and what choosing it cost.
pub(super) struct Chosen {
    pub config: RunConfig,
    pub spent: Spent,
}

/// Chooses how `config` moves its chains.
///
/// # Errors
/// When the target has no value where chains start, or fails; and [`RunError::LookInterrupted`].
pub(super) fn choose(
    target: &dyn Target,
    config: &RunConfig,
    auto: &Auto,
    interrupt: &AtomicBool,
) -> Result<Chosen, RunError> {
    let begun = std::time::Instant::now();
    let counted = Counted::new(target);
    let mut config = config.clone();
    config.chosen.clear();
    let decision = match decide::without_a_look(target) {
        Some(decision) => decision,
        None => {
            let mut look = Look::begin(&counted, &config, auto, interrupt)?;
            loop {
                look.go_on(STEPS)?;
                let sight = sight::measure(&counted, &look)?;
                // Chains that do not agree yet may only be slow.
                if sight.mixed() || look.cut_short || look.steps() >= MOST_STEPS {
                    break decide::decide(&sight, &config);
                }
            }
        }
    };
    decision.with_symmetries_of(target).apply(&mut config);
    let spent = Spent {
        seconds: begun.elapsed().as_secs_f64(),
        densities: counted.densities(),
        gradients: counted.gradients(),
        checks: 0,
    };
    Ok(Chosen { config, spent })
}
