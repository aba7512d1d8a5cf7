//! What `method = auto` does before a run begins: chains look at the target (`pilot.rs`) and points climb to peaks that these did not meet
//! (`search.rs`, `climb.rs`); what they saw is measured (`sight.rs`, `modes.rs`) and decides (`decide.rs`).
//!
//! The outcome is an ordinary config with its reasons in words. A run of that config makes the same draws, since the look has
//! random streams of its own, and a resumed run does not look again.

mod climb;
mod decide;
mod modes;
mod pilot;
mod search;
mod sight;

use std::sync::atomic::AtomicBool;

pub(super) use self::decide::largest_choice;
use self::pilot::Look;
use self::sight::Sight;
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
            let mut sight = see(&counted, &mut look)?;
            // Scales may take longer to adapt to, where nothing else parts the chains.
            if !sight.mixed() && sight.modes.len() == 1 && !look.cut_short {
                look.adapt_longer()?;
                sight = see(&counted, &mut look)?;
            }
            decide::decide(&sight, &config)
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

/// What chains see once they agree, or have been given the time to.
fn see(target: &dyn Target, look: &mut Look<'_>) -> Result<Sight, RunError> {
    loop {
        look.go_on(STEPS)?;
        let sight = sight::measure(target, look)?;
        // Chains that do not agree yet may only be slow.
        if sight.mixed() || look.cut_short || look.steps() >= MOST_STEPS {
            return Ok(sight);
        }
    }
}
