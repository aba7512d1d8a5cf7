//! Which states of the chains of an update are its negatives.

use serde::{Deserialize, Serialize};

use crate::{ConfigError, range};

/// Which states of the chains of an update are its negatives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Selection {
    /// The last of every chain.
    #[default]
    Last,
    /// All of every chain.
    All,
    /// This many of every chain, evenly spaced, the last among them; so many times fewer chains are moved.
    Spaced {
        /// States of a chain.
        states: usize,
    },
}

impl Selection {
    /// Refuses a number of states that cannot be had from `steps` steps of `batch` chains in all.
    pub fn check(self, steps: usize, batch: usize) -> Result<(), ConfigError> {
        let Self::Spaced { states } = self else { return Ok(()) };
        range::within("negatives.states", states, 1, steps)?;
        if batch.is_multiple_of(states) {
            return Ok(());
        }
        Err(ConfigError::new("negatives.states", states, format!("it must divide the batch of {batch}")))
    }

    /// Chains to move where `batch` negatives are wanted.
    pub fn chains(self, batch: usize) -> usize {
        match self {
            Self::Last | Self::All => batch,
            Self::Spaced { states } => batch / states,
        }
    }

    /// Whether the states after step `step` of `steps`, counted from 1, are taken.
    pub fn takes(self, step: usize, steps: usize) -> bool {
        match self {
            Self::Last => step == steps,
            Self::All => true,
            // State j of k is the one after step ceil(j steps / k).
            Self::Spaced { states } => (step * states) / steps > ((step - 1) * states) / steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_evenly_spaced_and_end_with_the_last() {
        let taken = |selection: Selection, steps: usize| {
            (1..=steps).filter(|s| selection.takes(*s, steps)).collect::<Vec<_>>()
        };
        assert_eq!(taken(Selection::Last, 4), [4]);
        assert_eq!(taken(Selection::All, 3), [1, 2, 3]);
        // The rings of the balanced-training experiments: 128 states, 4 of each chain.
        assert_eq!(taken(Selection::Spaced { states: 4 }, 128), [32, 64, 96, 128]);
        for (steps, states) in [(5, 5), (7, 3), (10, 4), (1, 1)] {
            let taken = taken(Selection::Spaced { states }, steps);
            assert_eq!((taken.len(), taken.last()), (states, Some(&steps)));
        }
    }

    #[test]
    fn what_cannot_be_had_is_named() {
        assert_eq!(Selection::Spaced { states: 3 }.check(128, 256).unwrap_err().key, "negatives.states");
        assert_eq!(Selection::Spaced { states: 0 }.check(128, 256).unwrap_err().key, "negatives.states");
        assert_eq!(Selection::Spaced { states: 9 }.check(8, 9).unwrap_err().key, "negatives.states");
        Selection::Spaced { states: 4 }.check(128, 256).unwrap();
    }
}
