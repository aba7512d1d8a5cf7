//! Estimators that weigh draws: importance sampling, annealed importance sampling, sequential Monte Carlo.
//!
//! Each gives an [`Estimate`]: the log evidence `ln Z`, `Z` the integral of `exp(log_prob)`, with its standard error and
//! intervals ([`LogEvidence`]), the effective sample size, the tail of the weights (Pareto k), what it cost, and, if
//! wanted, the [`WeightedDraws`] themselves.
//!
//! | estimator | draws | use it when |
//! |---|---|---|
//! | [`importance`] | independent draws of a proposal, a trained flow included | the proposal is good |
//! | [`AdaptiveImportanceConfig`] | the same, from a flow trained on its own weighted draws | it can be learnt |
//! | [`AnnealedConfig`] | chains led along a ladder of tempered densities | `Z` must be unbiased |
//! | [`SequentialConfig`] | a population led along the ladder, resampled on the way | nothing is known |
//!
//! Draw `i` of round `r` has a stream of its own ([`Stream::for_estimate`](crate::Stream::for_estimate)) and sums run in the
//! order of the draws, so results depend neither on threads nor on the size of batches.

mod adaptive;
mod agreement;
mod annealed;
mod annealer;
mod config;
mod draws;
mod error;
mod evidence;
mod importance;
mod iterated;
mod ladder;
mod movers;
mod population;
mod resample;
mod route;
mod rungs;
mod sequential;
mod walkers;
mod weigh;

pub use adaptive::AdaptiveImportanceConfig;
pub use agreement::{Disagreement, disagreements};
pub use annealed::{AnnealedConfig, Selection};
pub use config::{EstimatorConfig, EstimatorEntry, EvidenceConfig, catalogue};
pub use draws::WeightedDraws;
pub use error::EstimateError;
pub use evidence::{Basis, Estimate, Evaluations, LogEvidence, Options};
pub(crate) use importance::importance_bytes;
pub use importance::{ImportanceConfig, importance};
pub use ladder::LadderConfig;
pub use resample::systematic;
pub use rungs::{Round, Rung};
pub use sequential::SequentialConfig;
