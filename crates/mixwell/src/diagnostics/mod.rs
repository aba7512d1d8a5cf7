//! Diagnostics: did the chains mix, and how precise is what they say?
//!
//! Pure functions of arrays. Nothing here knows a kernel, opens a file or prints. A scalar is a view [`Draws`],
//! `n_chains x n_draws`; points are a [`Batch`](crate::Batch) of rows, chain after chain.

mod arrival;
mod autocorrelation;
mod autocovariance;
mod calibration;
mod draws;
mod ess;
mod ex2_ess;
mod geyer;
mod importance;
mod indicator;
mod mcse;
mod mobility;
mod mode_weights;
mod moments;
mod null;
mod pareto;
mod ranks;
mod rhat;
mod scale_reduction;
mod summary;
mod tails;
mod verdict;
mod workspace;

pub(crate) use arrival::{LateChain, late_chains};
pub use autocorrelation::{
    AutocorrelationBand, IntegratedTime, autocorrelation, autocorrelation_band, integrated_time,
};
pub use calibration::{Calibration, Uniformity, rank_among};
pub use draws::Draws;
pub use ess::{ess_bulk, ess_mean, ess_quantile, ess_raw, ess_sd, ess_tail};
pub use ex2_ess::ex2_ess;
pub use importance::ImportanceSummary;
pub use mcse::{mcse_mean, mcse_quantile, mcse_sd};
pub(crate) use mobility::tail_mobility;
pub use mode_weights::{ModeOccupancy, mode_weight_mse};
pub(crate) use null::{null_as_nan, nulls_as_nan};
pub use pareto::{ParetoSmoothed, pareto_smooth};
pub(crate) use ranks::sorted_quantile;
pub use rhat::{rhat, rhat_bulk, rhat_folded, rhat_plain, rhat_split, rhat_tfp};
pub use summary::{ScalarSummary, summarise, summarise_rows};
pub use verdict::Thresholds;
pub(crate) use verdict::{Evidence, Verdict, keep_worst};
pub(crate) use workspace::workspace_bytes;
