//! Scores of points beside a law whose modes or curves are known: rates of its modes, distances from its curves, and the same of as many exact draws.

use serde::Serialize;

use super::ScoreError;
use crate::density::{Facts, Target};
use crate::metric::{CurveDistance, ModeRateOptions, ModeRates, RoundModes};
use crate::rng::SCORE_STREAM;
use crate::{Batch, ConfigError, Stream};

/// What points are worth beside a known law.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointScores {
    /// Of the points.
    pub points: KnownLawScores,
    /// Of as many exact draws of the law, where they can be made: what a perfect sampler gets.
    pub exact: Option<KnownLawScores>,
}

/// Scores beside what is known of a law.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KnownLawScores {
    /// Where the law has round modes.
    pub modes: Option<ModeRates>,
    /// Where it lies along curves.
    pub curve: Option<CurveDistance>,
}

impl PointScores {
    /// Whether a law says enough of itself to score points beside it.
    pub fn can_be_of(truth: &dyn Target) -> bool {
        let facts = truth.facts();
        facts.modes.is_some_and(|modes| modes.deviations.is_some()) || !facts.curves.is_empty()
    }

    /// Scores points (`rows x dim`) beside a law. The seed is that of the exact draws.
    ///
    /// # Errors
    /// When nothing is known of the law, coordinates differ in number, there are no points, or an option cannot be used.
    pub fn of(
        x: Batch<'_>,
        truth: &dyn Target,
        options: ModeRateOptions,
        seed: u64,
    ) -> Result<Self, ScoreError> {
        if !Self::can_be_of(truth) {
            return Err(ScoreError::Unusable(
                "the law has neither round modes nor curves that are known, so points cannot be scored beside it".into(),
            ));
        }
        if x.dim() != truth.dim() {
            let reason = format!("the law has {}", truth.dim());
            return Err(ConfigError::new("points", format!("of {} coordinates", x.dim()), reason).into());
        }
        let facts = truth.facts();
        let points = KnownLawScores::of(x, &facts, options)?;
        let exact = match truth.exact_sampler() {
            None => None,
            Some(sampler) => {
                let draws = sampler.sample_rows(&mut Stream::new(seed, SCORE_STREAM), x.rows(), x.dim());
                Some(KnownLawScores::of(draws.as_batch(), &facts, options)?)
            }
        };
        Ok(Self { points, exact })
    }
}

impl KnownLawScores {
    fn of(x: Batch<'_>, facts: &Facts, options: ModeRateOptions) -> Result<Self, ConfigError> {
        let modes = facts.modes.as_ref().and_then(|modes| {
            let deviations = modes.deviations.as_deref()?;
            Some(RoundModes {
                centres: modes.centres.as_batch(),
                deviations,
                weights: modes.weights.as_deref(),
            })
        });
        let curve = (!facts.curves.is_empty()).then(|| CurveDistance::of(x, &facts.curves));
        Ok(Self {
            modes: modes.map(|modes| ModeRates::of(x, modes, options)).transpose()?,
            curve: curve.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::density::{BananaConfig, Grid25Config, SwissRollConfig};

    #[test]
    fn beside_modes_a_curve_and_neither() {
        let x = Points::zeros(100, 2);
        let of = |truth: &dyn Target| PointScores::of(x.as_batch(), truth, ModeRateOptions::default(), 1);
        let grid = of(&Grid25Config::default().build().unwrap()).unwrap();
        let rates = |scores: &KnownLawScores| scores.modes.clone().unwrap();
        assert_eq!((rates(&grid.points).covered, rates(&grid.points).high_quality), (1, 1.0));
        assert!(rates(&grid.exact.unwrap()).covered >= 22 && grid.points.curve.is_none());
        let roll = of(&SwissRollConfig::default().build().unwrap()).unwrap();
        // The origin is as far from the roll as its beginning, or nearly.
        let distance = roll.points.curve.unwrap().median;
        assert!((0.5..0.65).contains(&distance) && roll.points.modes.is_none(), "{distance}");
        assert!(roll.exact.unwrap().curve.unwrap().median < 0.05);
        let banana = BananaConfig::default().build().unwrap();
        assert!(of(&banana).unwrap_err().to_string().contains("neither round modes"));
    }
}
