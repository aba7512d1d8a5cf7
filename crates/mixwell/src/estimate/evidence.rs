//! [`Estimate`], the result of every estimator: the log evidence with its error, the quality of the weights, and the cost.
//!
//! `Z^ = mean(w)` of independent unbiased weights, `ln Z^` with standard error `se = sd(w) / (mean(w) sqrt(n))` (delta method).
//! Intervals take into account how well that error is known and that weights are skewed, since the draws that are
//! missing from a sample are mostly those of large weight:
//!
//! - weights of draws: `ln(Z^ (1 - se g(t))) .. ln(Z^ (1 - se g(-t)))`, where `t` is a quantile of Student's law with the
//!   [degrees of freedom](ImportanceSummary::degrees_of_freedom) of the error and, with `a` the skewness over `sqrt(n)`,
//!   `g(y) = 3/a ((1 + a (y - a/6))^(1/3) - 1)` corrects the studentised mean (Hall, JRSS-B 54 (1992), the cubic transformation).
//!   For log-normal weights of sd 1, 95 % intervals hold the truth 94 % of the time with 30 draws, those without both
//!   corrections 88 %.
//! - `R` replicates of a whole estimator, whose few results say nothing about skewness: `ln Z^ -+ t se` with `R - 1` degrees.

use serde::{Deserialize, Serialize};

use super::draws::WeightedDraws;
use super::rungs::{Round, Rung};
use crate::ConfigError;
use crate::density::Counted;
use crate::diagnostics::{ImportanceSummary, null_as_nan};
use crate::footprint::MOST_COUNT;
use crate::math::student_quantile;
use crate::range::{at_least, at_most};

/// What the standard error of an evidence rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The spread of the weights of independent draws.
    Weights,
    /// The spread of independent replicates of the estimator.
    Replicates,
}

/// An estimate of `ln Z` with its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEvidence {
    /// The estimate; `-inf` when every weight is zero.
    #[serde(deserialize_with = "null_as_nan")]
    pub value: f64,
    /// Its standard error.
    #[serde(deserialize_with = "null_as_nan")]
    pub standard_error: f64,
    /// Degrees of freedom of the standard error.
    #[serde(deserialize_with = "null_as_nan")]
    pub degrees_of_freedom: f64,
    /// Skewness of `Z^`: that of the weights over the root of their number; 0 where it is not known.
    #[serde(deserialize_with = "null_as_nan")]
    pub skewness: f64,
    /// What the standard error rests on.
    pub basis: Basis,
}

impl LogEvidence {
    /// From independent replicates of an estimator whose `Z^` is unbiased: the mean of the `Z^`, given as logarithms.
    pub fn of_replicates(log_z: &[f64]) -> Self {
        let summary = ImportanceSummary::compute(log_z);
        Self {
            degrees_of_freedom: log_z.len() as f64 - 1.0,
            skewness: 0.0,
            basis: Basis::Replicates,
            ..Self::from(&summary)
        }
    }

    /// The interval that holds the exact value with probability `level`. NaN without an error; it begins at `-inf` where
    /// the weights do not rule out that `Z` is zero.
    ///
    /// ```
    /// use mixwell::estimate::LogEvidence;
    /// let z = LogEvidence::of_replicates(&[0.1, -0.1, 0.05, 0.0]);
    /// let (low, high) = z.interval(0.95);
    /// assert!(low < z.value && z.value < high);
    /// ```
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let t = student_quantile(0.5 + 0.5 * level, self.degrees_of_freedom);
        let end = |y: f64| match self.basis {
            Basis::Replicates => self.value - self.standard_error * y,
            Basis::Weights => {
                let factor = 1.0 - self.standard_error * unskewed(y, self.skewness);
                self.value + if factor > 0.0 { factor.ln() } else { f64::NEG_INFINITY }
            }
        };
        if t.is_nan() || self.standard_error.is_nan() { (f64::NAN, f64::NAN) } else { (end(t), end(-t)) }
    }
}

/// Hall's transformation of a quantile of a studentised mean of skewness `a`: where a symmetric law has `y`.
fn unskewed(y: f64, a: f64) -> f64 {
    let u = a * (y - a / 6.0);
    if u.abs() < 1e-5 {
        // The series, since the difference would lose all digits.
        return (y - a / 6.0) * (1.0 - u / 3.0);
    }
    3.0 / a * ((1.0 + u).cbrt() - 1.0)
}

impl From<&ImportanceSummary> for LogEvidence {
    fn from(summary: &ImportanceSummary) -> Self {
        Self {
            value: summary.log_evidence,
            standard_error: summary.log_evidence_error,
            degrees_of_freedom: summary.degrees_of_freedom,
            skewness: summary.skewness / (summary.n as f64).sqrt(),
            basis: Basis::Weights,
        }
    }
}

/// Rows of the target that were evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluations {
    /// Without gradient.
    pub densities: u64,
    /// With gradient.
    pub gradients: u64,
}

impl Evaluations {
    pub(super) fn of<T>(target: &Counted<T>) -> Self {
        Self { densities: target.densities(), gradients: target.gradients() }
    }
}

/// What all estimators are told alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Seed of every random stream.
    pub seed: u64,
    /// Largest number of points evaluated in one batch by one thread: bounds memory, does not change results.
    pub max_batch_rows: usize,
    /// Keep the draws; without them, memory is a few bytes per draw.
    pub keep_draws: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, max_batch_rows: 16_384, keep_draws: false }
    }
}

impl Options {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("max_batch_rows", self.max_batch_rows, 1)?;
        at_most("max_batch_rows", self.max_batch_rows, MOST_COUNT)
    }
}

/// The result of an estimator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The log evidence with its error.
    pub log_evidence: LogEvidence,
    /// Number of weights.
    pub draws: usize,
    /// Effective number of draws.
    pub ess: f64,
    /// The same as a share of the draws.
    pub ess_share: f64,
    /// Largest normalised weight: near 1 means that one draw decides everything.
    pub max_weight: f64,
    /// Shape of the tail of the weights, above 0.7 the error is larger than stated. For a population, the worst of the
    /// incremental weights of its rungs.
    pub pareto_k: f64,
    /// Points at which the target was NaN or infinite; they count as weight zero, or as rejected moves.
    pub non_finite: u64,
    /// What it cost.
    pub cost: Evaluations,
    /// Share of i-SIR steps that chose a fresh path, where there were such steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<f64>,
    /// The ladder that was climbed (of the first replicate, or of the pilot), where there was one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rungs: Vec<Rung>,
    /// The rounds of training, where there were some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// The draws, if they were to be kept.
    #[serde(skip)]
    pub weighted: Option<WeightedDraws>,
}

impl Estimate {
    /// An estimate from the log-weights of independent draws; what it cost is for the caller to add.
    pub(super) fn of_weights(log_weights: &[f64], non_finite: u64) -> Self {
        let summary = ImportanceSummary::compute(log_weights);
        Self {
            log_evidence: LogEvidence::from(&summary),
            draws: summary.n,
            ess: summary.ess,
            ess_share: summary.ess_share,
            max_weight: summary.max_weight,
            pareto_k: summary.pareto_k,
            non_finite,
            cost: Evaluations::default(),
            moved: None,
            rungs: Vec::new(),
            rounds: Vec::new(),
            weighted: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicates_by_hand() {
        // Z = 1, 3: mean 2, sd sqrt 2, error of the mean 1, relative 1/2; one degree of freedom, t = tan(0.475 pi) = 12.706.
        let z = LogEvidence::of_replicates(&[0.0, 3f64.ln()]);
        assert!((z.value - 2f64.ln()).abs() < 1e-15 && (z.standard_error - 0.5).abs() < 1e-15);
        let (low, high) = z.interval(0.95);
        assert!((high - low - 12.706_204_7).abs() < 1e-6);
        assert_eq!(z.basis, Basis::Replicates);
    }

    #[test]
    fn intervals_of_skewed_weights_reach_further_up() {
        // Symmetric weights: the plain interval of the mean, on the scale of the logarithm.
        let even = LogEvidence {
            value: 1.0,
            standard_error: 0.1,
            degrees_of_freedom: 1e9,
            skewness: 0.0,
            basis: Basis::Weights,
        };
        let (low, high) = even.interval(0.95);
        assert!((low - 1.0 - (1.0 - 0.1959964f64).ln()).abs() < 1e-7);
        assert!((high - 1.0 - (1.0 + 0.1959964f64).ln()).abs() < 1e-7);
        // a = 0.6: g(y) = 5 ((0.94 + 0.6 y)^(1/3) - 1); at -1.96: 5 (-0.2360^(1/3) - 1) = -8.0898.
        let skewed = LogEvidence { skewness: 0.6, ..even };
        assert!(
            (skewed.interval(0.95).1 - 1.0 - 1.808_98f64.ln()).abs() < 1e-4,
            "{:?}",
            skewed.interval(0.95)
        );
        assert!(skewed.interval(0.95).0 > low);
        // Continuous where the formula changes.
        assert!((unskewed(2.0, 4.9e-6) - unskewed(2.0, 5.1e-6)).abs() < 1e-6);
        let hopeless = LogEvidence { standard_error: 0.9, ..even };
        assert_eq!(hopeless.interval(0.95).0, f64::NEG_INFINITY);
    }

    #[test]
    fn an_evidence_survives_json_even_without_an_error() {
        let z = LogEvidence::of_replicates(&[1.5]);
        let back: LogEvidence = serde_json::from_str(&serde_json::to_string(&z).unwrap()).unwrap();
        assert!(back.value == 1.5 && back.standard_error.is_nan() && back.interval(0.95).0.is_nan());
    }
}
