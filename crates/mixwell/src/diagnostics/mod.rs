//! Diagnostics: did the chains mix, and how precise is what they say?
//!
//! Pure functions of arrays. Nothing here knows a kernel, opens a file or prints. A scalar is a view [`Draws`],
//! `n_chains x n_draws`; points are a [`Batch`](crate::Batch) of rows, chain after chain.

mod autocorrelation;
mod autocovariance;
mod calibration;
mod draws;
mod ess;
mod ex2_ess;
mod importance;
mod mcse;
mod mode_weights;
mod moments;
mod null;
mod pareto;
mod ranks;
mod rhat;
mod stuck;
mod summary;
mod verdict;
mod workspace;

pub use autocorrelation::{
    AutocorrelationBand, IntegratedTime, autocorrelation, autocorrelation_band, integrated_time,
};
pub use calibration::{Calibration, Uniformity, rank_among};
pub use draws::Draws;
pub use ess::{ess_bulk, ess_mean, ess_quantile, ess_raw, ess_sd, ess_tail};
pub use ex2_ess::ex2_ess;
pub use importance::ImportanceSummary;
pub use mcse::{mcse_mean, mcse_quantile, mcse_sd};
pub use mode_weights::{ModeOccupancy, mode_weight_mse, nearest_centres};
pub(crate) use null::{null_as_nan, nulls_as_nan};
pub use pareto::{ParetoSmoothed, pareto_smooth};
pub use rhat::{rhat, rhat_bulk, rhat_folded, rhat_plain, rhat_split, rhat_tfp};
pub use stuck::{longest_stuck_runs, longest_stuck_share};
pub use summary::{ScalarSummary, summarise, summarise_rows};
pub use verdict::{Evidence, Thresholds, Verdict, Worst};
