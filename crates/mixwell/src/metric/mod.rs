//! Metrics: how far are draws from the truth, where the truth is known?
//!
//! Pure functions that compare draws with exact draws, exact moments or an exact density, for targets that have them. Where the
//! truth is unknown, [`diagnostics`](crate::diagnostics) compare draws with themselves. Two more metrics live there because runs
//! report them: [`ex2_ess`](crate::diagnostics::ex2_ess) and [`mode_weight_mse`](crate::diagnostics::mode_weight_mse).
//!
//! Every distance between two finite samples is above zero even when both come from one distribution. That floor depends on sizes and
//! dimension, so a metric of a chain means little without the same metric of as many independent exact draws beside it.
//!
//! Samples are a [`Batch`](crate::Batch) of rows, chain after chain. NaN among the numbers gives NaN, never a panic.

mod assignment;
mod auroc;
mod bandwidth;
mod class_balance;
mod class_score;
mod covariance_error;
mod curve_distance;
mod directions;
mod frechet_distance;
mod histograms;
mod jackknife;
mod jensen_shannon;
mod kernel_density;
mod ks_projection;
mod mixing_time;
mod mode_rates;
mod nearest;
mod optimal_transport;
mod sample;
mod sliced_total_variation;
mod total_variation;

pub use assignment::{Assignment, assign};
pub use auroc::{Auroc, auroc};
pub use class_balance::ClassBalance;
pub use class_score::{ClassScore, class_score};
pub use covariance_error::covariance_error;
pub use curve_distance::CurveDistance;
pub use frechet_distance::{FrechetDistance, Moments, frechet_distance};
pub use histograms::Histograms;
pub use jensen_shannon::{jensen_shannon, kullback_leibler};
pub use ks_projection::{
    KsDistance, ks_coordinates, ks_one_sample, ks_p_value, ks_projections, ks_two_sample,
};
pub use mixing_time::mixing_time;
pub use mode_rates::{LeastPerMode, ModeRadius, ModeRateOptions, ModeRates, RoundModes};
pub use nearest::NearestRows;
pub use optimal_transport::{Cost, SizesDoNotDivide, optimal_transport};
pub use sample::Sample;
pub use sliced_total_variation::{Evaluation, SlicedTotalVariation, TotalVariation};
pub use total_variation::total_variation_from_density;
