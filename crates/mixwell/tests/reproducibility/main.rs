//! The same seed gives the same draws: however many threads there are, wherever a run was interrupted, and whatever a chain
//! remembers instead of computing it anew.

mod batch_rows;
mod failing_target;
mod preset_twins;
mod resume;
mod threads;
