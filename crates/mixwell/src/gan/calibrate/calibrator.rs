//! The calibrators as one type: fitted by maximum likelihood, applied to a score, with a slope where there is one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BetaCalibrator, IsotonicCalibrator, LinearCalibrator, LogisticCalibrator, Scores};
use crate::ConfigError;

/// A map from the score of a discriminator to the log-ratio of densities that it should be, both natural log odds.
///
/// ```
/// use mixwell::gan::calibrate::{Calibrator, LogisticCalibrator};
/// let half = Calibrator::Logistic(LogisticCalibrator { a: 0.5, b: 1.0 });
/// assert_eq!((half.apply(4.0), half.slope(4.0)), (3.0, Some(0.5)));
/// let text = r#"{"kind": "logistic", "a": 0.5, "b": 1.0}"#;
/// assert_eq!(serde_json::from_str::<Calibrator>(text)?, half);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Calibrator {
    /// The score as it is.
    Raw {},
    /// `a D + b`.
    Linear(LinearCalibrator),
    /// `a d + b`.
    Logistic(LogisticCalibrator),
    /// The best rising function; it has no slope.
    Isotonic(IsotonicCalibrator),
    /// `a ln D - b ln(1 - D) + c`.
    Beta(BetaCalibrator),
}

/// Which calibrator to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibratorKind {
    /// None: the score as it is.
    Raw,
    /// A logistic regression on the probability.
    Linear,
    /// A logistic regression on the score (Platt).
    #[default]
    Logistic,
    /// Pool adjacent violators.
    Isotonic,
    /// A logistic regression on `ln D` and `-ln(1 - D)`.
    Beta,
}

impl CalibratorKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Raw, Self::Linear, Self::Logistic, Self::Isotonic, Self::Beta];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Linear => "linear",
            Self::Logistic => "logistic",
            Self::Isotonic => "isotonic",
            Self::Beta => "beta",
        }
    }
}

impl fmt::Display for CalibratorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Default for Calibrator {
    fn default() -> Self {
        Self::Raw {}
    }
}

impl Calibrator {
    /// Fits a calibrator to scores of real and of generated points that the discriminator was not trained on.
    ///
    /// # Errors
    /// When there are fewer than two scores of a kind, or one is not finite.
    pub fn fit(
        scores_real: &[f64],
        scores_generated: &[f64],
        kind: CalibratorKind,
    ) -> Result<Self, ConfigError> {
        let scores = Scores::new(scores_real, scores_generated)?;
        let fitted = match kind {
            CalibratorKind::Raw => Self::Raw {},
            CalibratorKind::Linear => Self::Linear(LinearCalibrator::fit(scores)),
            CalibratorKind::Logistic => Self::Logistic(LogisticCalibrator::fit(scores)),
            CalibratorKind::Isotonic => Self::Isotonic(IsotonicCalibrator::fit(scores)),
            CalibratorKind::Beta => Self::Beta(BetaCalibrator::fit(scores)),
        };
        fitted.check()?;
        Ok(fitted)
    }

    /// Which it is.
    pub fn kind(&self) -> CalibratorKind {
        match self {
            Self::Raw {} => CalibratorKind::Raw,
            Self::Linear(_) => CalibratorKind::Linear,
            Self::Logistic(_) => CalibratorKind::Logistic,
            Self::Isotonic(_) => CalibratorKind::Isotonic,
            Self::Beta(_) => CalibratorKind::Beta,
        }
    }

    /// Checks that its numbers are finite, and knots of an isotonic one in order.
    ///
    /// # Errors
    /// Names the number.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Raw {} => Ok(()),
            Self::Linear(c) => c.check(),
            Self::Logistic(c) => c.check(),
            Self::Isotonic(c) => c.check(),
            Self::Beta(c) => c.check(),
        }
    }

    /// The calibrated log-ratio of a score; NaN for NaN.
    pub fn apply(&self, score: f64) -> f64 {
        match self {
            Self::Raw {} => score,
            Self::Linear(c) => c.apply(score),
            Self::Logistic(c) => c.apply(score),
            Self::Isotonic(c) => c.apply(score),
            Self::Beta(c) => c.apply(score),
        }
    }

    /// The derivative of [`Calibrator::apply`]; `None` where there is none that a gradient method could follow (isotonic).
    pub fn slope(&self, score: f64) -> Option<f64> {
        match self {
            Self::Raw {} => Some(if score.is_nan() { f64::NAN } else { 1.0 }),
            Self::Linear(c) => Some(c.slope(score)),
            Self::Logistic(c) => Some(c.slope(score)),
            Self::Isotonic(_) => None,
            Self::Beta(c) => Some(c.slope(score)),
        }
    }

    /// Whether it has a slope everywhere, as methods that use gradients need.
    pub fn is_smooth(&self) -> bool {
        !matches!(self, Self::Isotonic(_))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{CalibrationMeasures, ReliabilityTable};
    use super::*;
    use crate::Stream;

    /// Scores `x - 1/2` of `N(1, 1)` and `N(0, 1)`: exact log-ratios.
    fn exact(seed: u64, n: usize) -> (Vec<f64>, Vec<f64>) {
        let mut stream = Stream::new(seed, 0);
        let real = (0..n).map(|_| stream.normal() + 0.5).collect();
        (real, (0..n).map(|_| stream.normal() - 0.5).collect())
    }

    fn measured(calibrator: &Calibrator, of: &(Vec<f64>, Vec<f64>)) -> CalibrationMeasures {
        CalibrationMeasures::of(calibrator, Scores::new(&of.0, &of.1).unwrap())
    }

    #[test]
    fn exact_scores_are_left_as_they_are() {
        let (real, generated) = exact(5, 20_000);
        let Calibrator::Logistic(c) = Calibrator::fit(&real, &generated, CalibratorKind::Logistic).unwrap()
        else {
            panic!("logistic")
        };
        // Fisher's information of (a, b) at (1, 0) is sum P (1 - P) (d, 1)(d, 1)^T; d is symmetric, so the two are independent.
        let (mut of_a, mut of_b) = (0.0, 0.0);
        for d in real.iter().chain(&generated) {
            let weight = crate::math::logistic(*d) * crate::math::logistic(-d);
            of_a += weight * d * d;
            of_b += weight;
        }
        let (z_a, z_b) = ((c.a - 1.0) * f64::sqrt(of_a), c.b * f64::sqrt(of_b));
        assert!(z_a.abs() < 5.0 && z_b.abs() < 5.0, "{z_a} {z_b}");
        let raw = measured(&Calibrator::Raw {}, &exact(6, 20_000));
        assert!(raw.z.unwrap().abs() < 5.0, "{raw:?}");
    }

    #[test]
    fn a_distorted_score_is_repaired_on_other_points() {
        let distort = |(real, generated): (Vec<f64>, Vec<f64>)| {
            let bend = |s: Vec<f64>| s.into_iter().map(|d| 3.0 * d + 2.0).collect::<Vec<f64>>();
            (bend(real), bend(generated))
        };
        let (fit, held_out) = (distort(exact(7, 5000)), distort(exact(8, 5000)));
        let raw = measured(&Calibrator::Raw {}, &held_out);
        assert!(raw.z.unwrap().abs() > 10.0, "{raw:?}");
        let truth = measured(&Calibrator::Raw {}, &exact(8, 5000));
        for kind in
            [CalibratorKind::Logistic, CalibratorKind::Isotonic, CalibratorKind::Beta, CalibratorKind::Linear]
        {
            let c = Calibrator::fit(&fit.0, &fit.1, kind).unwrap();
            let m = measured(&c, &held_out);
            // The fit has errors as large as those of the measure.
            assert!(m.z.unwrap().abs() < 5.0 * 2f64.sqrt(), "{kind} {m:?}");
            assert!(
                m.log_loss.value < raw.log_loss.value - 10.0 * raw.log_loss.standard_error,
                "{kind} {m:?}"
            );
            assert!(m.brier.value < raw.brier.value, "{kind} {m:?}");
            if kind != CalibratorKind::Linear {
                assert!(m.log_loss.value - truth.log_loss.value < 0.01, "{kind} {m:?} {truth:?}");
            }
        }
        let bins = |c: &Calibrator| {
            ReliabilityTable::of(c, Scores::new(&held_out.0, &held_out.1).unwrap(), 10).unwrap().worst()
        };
        let logistic = Calibrator::fit(&fit.0, &fit.1, CalibratorKind::Logistic).unwrap();
        assert!(bins(&logistic) < 6.0 && bins(&Calibrator::Raw {}) > 20.0);
    }

    #[test]
    fn unequal_numbers_give_the_same_log_ratio() {
        let (real, generated) = exact(9, 40_000);
        for kind in
            [CalibratorKind::Linear, CalibratorKind::Logistic, CalibratorKind::Isotonic, CalibratorKind::Beta]
        {
            let c = Calibrator::fit(&real[..4000], &generated, kind).unwrap();
            // A forgotten log(1/10) would be off by 2.3.
            assert!(c.apply(0.0).abs() < 0.25, "{kind} {}", c.apply(0.0));
        }
    }

    #[test]
    fn beta_never_falls_and_is_no_worse_than_logistic() {
        let (real, generated) = exact(10, 3000);
        let of = |kind| Calibrator::fit(&real, &generated, kind).unwrap();
        let loss = |c: &Calibrator| measured(c, &(real.clone(), generated.clone())).log_loss.value;
        assert!(loss(&of(CalibratorKind::Beta)) <= loss(&of(CalibratorKind::Logistic)) + 1e-12);
        // A discriminator that is wrong about everything: the best that does not fall is a constant.
        let Calibrator::Beta(wrong) = Calibrator::fit(&generated, &real, CalibratorKind::Beta).unwrap()
        else {
            panic!("beta")
        };
        assert_eq!((wrong.a, wrong.b, wrong.c), (0.0, 0.0, 0.0));
        // One that is too bold among low scores only keeps a part.
        let fold =
            |s: &[f64]| s.iter().map(|d| if *d < 0.0 { 5.0 * d.abs() } else { *d }).collect::<Vec<_>>();
        let folded = Calibrator::fit(&fold(&real), &fold(&generated), CalibratorKind::Beta).unwrap();
        assert!([-9.0, 0.0, 9.0].iter().all(|d| folded.slope(*d).unwrap() >= 0.0), "{folded:?}");
    }

    #[test]
    fn scores_that_cannot_be_used_are_refused() {
        for kind in CalibratorKind::ALL {
            let refused = |a: &[f64], b: &[f64]| Calibrator::fit(a, b, kind).unwrap_err().key;
            assert_eq!(refused(&[0.0], &[0.0, 1.0]), "scores_real");
            assert_eq!(refused(&[0.0, 1.0], &[]), "scores_generated");
            assert_eq!(refused(&[0.0, f64::NAN], &[0.0, 1.0]), "scores_real[1]");
            assert_eq!(refused(&[0.0, 1.0], &[f64::INFINITY, 1.0]), "scores_generated[0]");
            for (real, generated) in [(1e300, -1e300), (1e-300, 0.0), (f64::MAX, f64::MIN)] {
                // Whatever the size of scores, what is fitted can be used or is refused.
                if let Ok(c) = Calibrator::fit(&[real, 0.5 * real], &[generated, 0.5 * generated], kind) {
                    assert!(!c.apply(real).is_nan(), "{kind} {real}: {c:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let (real, generated) = exact(11, 50);
        for kind in CalibratorKind::ALL {
            let c = Calibrator::fit(&real, &generated, kind).unwrap();
            let text = serde_json::to_string(&c).unwrap();
            assert!(text.contains(&format!(r#""kind":"{kind}""#)), "{text}");
            assert_eq!(serde_json::from_str::<Calibrator>(&text).unwrap(), c);
            assert_eq!(c.kind(), kind);
            let more = text.replacen('{', r#"{"more":1,"#, 1);
            assert!(serde_json::from_str::<Calibrator>(&more).is_err(), "{more}");
            assert!(c.apply(f64::NAN).is_nan() && c.slope(f64::NAN).is_none_or(f64::is_nan), "{kind}");
            assert!([f64::INFINITY, f64::NEG_INFINITY].iter().all(|d| !c.apply(*d).is_nan()), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn slopes_are_differences(a in 0.0..3.0f64, b in 0.0..3.0f64, c in -2.0..2.0f64, d in -8.0..8.0f64) {
            let all = [
                Calibrator::Raw {},
                Calibrator::Linear(LinearCalibrator { a, b }),
                Calibrator::Logistic(LogisticCalibrator { a, b }),
                Calibrator::Beta(BetaCalibrator { a, b, c }),
            ];
            for calibrator in all {
                let h = 1e-5;
                let difference = (calibrator.apply(d + h) - calibrator.apply(d - h)) / (2.0 * h);
                prop_assert!((difference - calibrator.slope(d).unwrap()).abs() < 1e-8, "{calibrator:?}");
                prop_assert!(calibrator.is_smooth());
            }
        }

        #[test]
        fn logistic_does_not_see_another_scale_or_level(scale in 0.01..50.0f64, level in -20.0..20.0f64, seed in 0u64..50) {
            let (real, generated) = exact(seed, 60);
            let other = |s: &[f64]| s.iter().map(|d| scale * d + level).collect::<Vec<_>>();
            let plain = Calibrator::fit(&real, &generated, CalibratorKind::Logistic).unwrap();
            let bent = Calibrator::fit(&other(&real), &other(&generated), CalibratorKind::Logistic).unwrap();
            for d in [-2.0, 0.0, 3.0] {
                let (x, y) = (plain.apply(d), bent.apply(scale * d + level));
                prop_assert!((x - y).abs() < 1e-7 * (1.0 + x.abs()), "{x} {y}");
            }
        }
    }
}
