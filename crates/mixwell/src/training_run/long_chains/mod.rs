//! Long chains under an energy that has been trained and no longer changes: do they mix, do they stay where the data are, and what do they
//! look like after thousands of steps? Short-run chains, which the energy was perhaps trained with, cannot tell.

mod config;
mod moments;
mod start;
mod task;

pub use config::{ChainSpace, LongChainsConfig};
pub use start::ChainStart;
pub use task::{LongChainsState, LongChainsTask};
