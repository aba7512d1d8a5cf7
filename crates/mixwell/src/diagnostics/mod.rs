//! Diagnostics: did the chains mix, and how precise is what they say?
//!
//! Pure functions of arrays. Nothing here knows a kernel, opens a file or prints. A scalar is a view [`Draws`],
//! `n_chains x n_draws`; points are a [`Batch`](crate::Batch) of rows, chain after chain.

mod autocovariance;
mod draws;
mod ess;
mod mcse;
mod moments;
mod ranks;
mod rhat;
mod summary;
mod workspace;

pub use draws::Draws;
pub use ess::{ess_bulk, ess_mean, ess_quantile, ess_raw, ess_sd, ess_tail};
pub use mcse::{mcse_mean, mcse_quantile, mcse_sd};
pub use rhat::{rhat, rhat_bulk, rhat_folded, rhat_plain, rhat_split, rhat_tfp};
pub use summary::{ScalarSummary, summarise, summarise_rows};
