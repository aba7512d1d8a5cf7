//! What is computed from the draws of a cell, by `kind`.
//!
//! A metric answers with one value per chain (efficiency of a single chain, distance of a chain from exact draws) or with one
//! value for all chains, or not at all where it does not apply: acceptance of local moves of a method that has none. To add
//! one: a variant here, its arm in [`Metric::measure`], a function in the file of its family.

mod distance;
mod efficiency;
mod generated;
mod images;
mod modes;
mod moments;
mod training;

use serde::{Deserialize, Serialize};

pub use generated::{AmongModes, KnownLaw, Quantile};
use mixwell::metric::ModeRadius;

use crate::{ImageScorer, Measured, Sample, Trained};

/// A metric with its name in tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricEntry {
    /// Its name in tables.
    pub title: String,
    /// What is computed.
    pub measure: Metric,
    /// The value is divided by this, e.g. `"${dim}"`.
    #[serde(default = "one")]
    pub divide_by: f64,
    /// Look at the first chains only; zero for all. For metrics of single chains, which may be costly.
    #[serde(default)]
    pub chains: usize,
}

fn one() -> f64 {
    1.0
}

impl MetricEntry {
    /// The values for one cell; `None` where the metric does not apply.
    pub fn measure(&self, sample: &Sample<'_>) -> Option<Measured> {
        Some(self.measure.measure(sample, self.chains)?.divided(self.divide_by))
    }

    /// The classifier by which it scores images, where it does.
    pub(crate) fn scorer(&self) -> Option<&ImageScorer> {
        self.measure.scorer().and_then(Option::as_ref)
    }

    /// Whether it scores images, and does not know by which classifier.
    pub(crate) fn lacks_a_scorer(&self) -> bool {
        self.measure.scorer().is_some_and(Option::is_none)
    }

    /// Scores images by this classifier and points by this law, unless it has its own.
    pub(crate) fn score_by(&mut self, scorer: Option<&ImageScorer>, known: Option<&KnownLaw>) {
        if let (Some(by @ None), Some(scorer)) = (self.measure.scorer_mut(), scorer) {
            *by = Some(scorer.clone());
        }
        if let (
            Metric::AmongModes { law: law @ None, .. }
            | Metric::BesideCurve { law: law @ None, .. }
            | Metric::NearCurve { law: law @ None, .. },
            Some(known),
        ) = (&mut self.measure, known)
        {
            *law = Some(known.clone());
        }
    }

    /// The same for a cell that is a training.
    pub fn measure_training(&self, trained: &Trained) -> Option<Measured> {
        Some(self.measure.measure_training(trained)?.divided(self.divide_by))
    }
}

fn near() -> ModeRadius {
    ModeRadius::Quantile(0.999)
}

/// Which moves an acceptance is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moves {
    /// Kernels that move near the current point.
    Local,
    /// Kernels that jump.
    Global,
}

/// Which published code a sliced total variation follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// 25 directions, 1000 places.
    #[default]
    Ex2mcmc,
    /// 128 directions, 2048 places.
    FlowMcmc,
}

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// `x`
    First,
    /// `x^2`
    Second,
    /// `x^4`
    Fourth,
    /// `|x|`
    Absolute,
}

/// What is computed of several values of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Their mean.
    #[default]
    Mean,
    /// Their standard deviation.
    Sd,
}

/// What is computed from the draws of one cell, or from what a training has left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Metric {
    /// Effective sample size of single chains as the Ex2MCMC paper computes it, averaged over coordinates; a chain that never
    /// moves counts 0.
    Ex2Ess,
    /// Smallest bulk effective sample size over all coordinates, per draw of all chains.
    EssBulk,
    /// Largest rank-normalised R-hat over all coordinates.
    Rhat,
    /// Mean acceptance probability (for i-SIR and independent proposals: share of moves that changed the point).
    Acceptance {
        /// `local` or `global`.
        moves: Moves,
    },
    /// Share of the draws in one mode.
    ModeWeight {
        /// Its number among the target's modes.
        mode: usize,
    },
    /// Mean squared error of the mode weights.
    ModeWeightMse,
    /// Largest error of a mode weight.
    ModeWeightError,
    /// Largest error of a mode weight in standard errors of it.
    ModeWeightZ,
    /// Whether the verdict passes: 1 or 0.
    Passes,
    /// Number of modes that single chains came near to.
    ModesVisited {
        /// Near means closer to the centre than this.
        within: f64,
    },
    /// Share of single chains that came near to every mode: 1 or 0 for each.
    AllModesVisited {
        /// Near means closer to the centre than this.
        within: f64,
    },
    /// Mean of a power of one coordinate, or of its average over all coordinates.
    Moment {
        /// The power.
        power: Power,
        /// The coordinate; none for the average over all.
        #[serde(default)]
        coordinate: Option<usize>,
    },
    /// Share of the draws in which a coordinate lies above a bound.
    ShareAbove {
        /// The coordinate.
        coordinate: usize,
        /// The bound.
        bound: f64,
    },
    /// Largest deviation of a mean from the exact one over all coordinates, in Monte Carlo standard errors.
    WorstMean,
    /// Sliced total variation between single chains and exact draws.
    SlicedTotalVariation {
        /// `ex2mcmc` or `flow_mcmc`.
        #[serde(default)]
        flavour: Flavour,
        /// Number of exact draws; as many as the chain has when zero. The value depends on it.
        #[serde(default)]
        reference: usize,
    },
    /// Optimal transport with squared distances between single chains and as many exact draws.
    OptimalTransport,
    /// Mean over random directions of the Kolmogorov-Smirnov distance between single chains and as many exact draws.
    KolmogorovSmirnov {
        /// Number of directions.
        directions: usize,
    },
    /// Relative error of the covariance of all draws, in the Frobenius norm.
    CovarianceError,
    /// Steps until the law of the chains is near the target's, in one dimension; the number of draws where it never is.
    MixingTime {
        /// Near means a total variation of at most this.
        epsilon: f64,
    },
    /// Total variation between the last draws of all chains and the target's density, in one dimension.
    FinalTotalVariation,
    /// Logarithm of the evidence, by the frozen proposal.
    LogEvidence,
    /// How often the target was evaluated in the whole run, warm-up included: gradients and densities alike count one.
    Evaluations,
    /// Of a GAN of points: what they are worth among the modes of the law that they should follow.
    AmongModes {
        /// `high_quality`, `covered`, `mode_sd` or `divergence`.
        value: AmongModes,
        /// How near a good point is: `{ quantile = 0.999 }` of a mode's own draws, or `{ deviations = 4.0 }`.
        #[serde(default = "near")]
        radius: ModeRadius,
        /// The law; that of `[known_law]` when absent.
        #[serde(default)]
        law: Option<KnownLaw>,
    },
    /// Of a GAN of points: how far they are from the curves of the law that they should follow.
    BesideCurve {
        /// `median`, `q90` or `q99`.
        quantile: Quantile,
        /// The law; that of `[known_law]` when absent.
        #[serde(default)]
        law: Option<KnownLaw>,
    },
    /// Of a GAN of points: the share that is near the curves of the law that they should follow.
    NearCurve {
        /// Near means nearer than this.
        within: f64,
        /// The law; that of `[known_law]` when absent.
        #[serde(default)]
        law: Option<KnownLaw>,
    },
    /// Of a GAN of images: how sure and how varied a classifier finds them.
    ClassScore {
        /// The classifier; that of `[images]` when absent.
        #[serde(default)]
        by: Option<ImageScorer>,
    },
    /// Of a GAN of images: the Frechet distance between a classifier's features of them and of the reference.
    FrechetDistance {
        /// The classifier; that of `[images]` when absent.
        #[serde(default)]
        by: Option<ImageScorer>,
    },
    /// Of a GAN of images: the share of the class that occurs least.
    SmallestClass {
        /// The classifier; that of `[images]` when absent.
        #[serde(default)]
        by: Option<ImageScorer>,
    },
    /// Of a training: a number in the results of its `summary.json`, e.g. `divergence`, `mode_weight_mse`, `chains_rhat`.
    Result {
        /// Its name.
        name: String,
        /// Its place, where it is a list.
        #[serde(default)]
        element: Option<usize>,
    },
    /// Of a training: a column of its curve, e.g. `mode_2`, `global_acceptance`.
    Curve {
        /// Its name.
        column: String,
        /// The last so many rows that have a value there; all when zero.
        #[serde(default)]
        rows: usize,
        /// `mean` or `sd` of them.
        #[serde(default)]
        statistic: Statistic,
    },
}

impl Metric {
    fn measure(&self, sample: &Sample<'_>, chains: usize) -> Option<Measured> {
        match *self {
            Self::Ex2Ess => Some(efficiency::ex2_ess(sample, chains)),
            Self::EssBulk => Some(efficiency::ess_bulk(sample)),
            Self::Rhat => Some(efficiency::rhat(sample)),
            Self::Acceptance { moves } => efficiency::acceptance(sample, moves),
            Self::ModeWeight { mode } => modes::weight(sample, mode),
            Self::ModeWeightMse => modes::mean_squared_error(sample),
            Self::ModeWeightError => modes::largest_error(sample),
            Self::ModeWeightZ => modes::largest_z(sample),
            Self::Passes => Some(Measured::pooled(if sample.summary?.converged { 1.0 } else { 0.0 })),
            Self::ModesVisited { within } => modes::visited(sample, within, chains),
            Self::AllModesVisited { within } => modes::all_visited(sample, within, chains),
            Self::Moment { power, coordinate } => moments::moment(sample, power, coordinate),
            Self::ShareAbove { coordinate, bound } => moments::share_above(sample, coordinate, bound),
            Self::WorstMean => moments::worst_mean(sample),
            Self::SlicedTotalVariation { flavour, reference } => {
                distance::sliced_tv(sample, flavour, reference, chains)
            }
            Self::OptimalTransport => distance::optimal_transport(sample, chains),
            Self::KolmogorovSmirnov { directions } => distance::ks(sample, directions, chains),
            Self::CovarianceError => distance::covariance(sample),
            Self::MixingTime { epsilon } => distance::mixing_time(sample, epsilon),
            Self::FinalTotalVariation => distance::final_tv(sample),
            Self::Evaluations => efficiency::evaluations(sample),
            Self::LogEvidence => {
                let summary = sample.summary?;
                Some(Measured::with_error(summary.log_evidence?, summary.log_evidence_se.unwrap_or(f64::NAN)))
            }
            Self::AmongModes { value, radius, ref law } => {
                generated::among_modes(sample, value, law.as_ref(), radius)
            }
            Self::BesideCurve { quantile, ref law } => {
                generated::beside_curve(sample, quantile, law.as_ref())
            }
            Self::NearCurve { within, ref law } => generated::near_curve(sample, within, law.as_ref()),
            Self::ClassScore { ref by } => images::class_score(sample, by.as_ref()),
            Self::FrechetDistance { ref by } => images::frechet_distance(sample, by.as_ref()),
            Self::SmallestClass { ref by } => images::smallest_class(sample, by.as_ref()),
            Self::Result { .. } | Self::Curve { .. } => None,
        }
    }

    /// The classifier that it asks for; `None` where it asks for none.
    fn scorer(&self) -> Option<&Option<ImageScorer>> {
        match self {
            Self::ClassScore { by } | Self::FrechetDistance { by } | Self::SmallestClass { by } => Some(by),
            _ => None,
        }
    }

    /// The same, to be filled in.
    fn scorer_mut(&mut self) -> Option<&mut Option<ImageScorer>> {
        match self {
            Self::ClassScore { by } | Self::FrechetDistance { by } | Self::SmallestClass { by } => Some(by),
            _ => None,
        }
    }

    fn measure_training(&self, trained: &Trained) -> Option<Measured> {
        match self {
            Self::Result { name, element } => training::result(trained, name, *element),
            Self::Curve { column, rows, statistic } => training::curve(trained, column, *rows, *statistic),
            _ => None,
        }
    }
}
