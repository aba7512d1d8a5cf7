//! A calibration from scores to file: one half fits, the other measures, and every calibrator is set beside the chosen one.

use super::{CalibrationFile, CalibrationMeasures, Calibrator, CalibratorKind, Scores};
use crate::metric::auroc;
use crate::{ConfigError, Stream, range};

/// Fewest scores of a kind in each half.
const LEAST: usize = 10;
/// Beyond this, probabilities are wrong on the whole.
const LARGEST_Z: f64 = 3.0;

/// Scores of points that no network was trained on, in two halves.
#[derive(Clone, Debug, PartialEq)]
pub struct Halves {
    fit: [Vec<f64>; 2],
    measure: [Vec<f64>; 2],
}

/// One calibrator beside the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Fitted on the first half.
    pub calibrator: Calibrator,
    /// Measured on the second.
    pub measures: CalibrationMeasures,
}

impl Halves {
    /// Deals scores out at random, real and generated ones each, half and half.
    ///
    /// # Errors
    /// When there are fewer than 20 of a kind, or one is not finite.
    pub fn of(real: &[f64], generated: &[f64], stream: &mut Stream) -> Result<Self, ConfigError> {
        let mut halve = |key: &str, scores: &[f64]| {
            range::at_least(key, scores.len(), 2 * LEAST)?;
            range::vector(key, scores)?;
            let mut scores = scores.to_vec();
            stream.shuffle(&mut scores);
            let measure = scores.split_off(scores.len() / 2);
            Ok::<_, ConfigError>((scores, measure))
        };
        let (fit_real, measure_real) = halve("scores_real", real)?;
        let (fit_generated, measure_generated) = halve("scores_generated", generated)?;
        Ok(Self { fit: [fit_real, fit_generated], measure: [measure_real, measure_generated] })
    }

    /// The half that measures.
    pub fn held_out(&self) -> Scores<'_> {
        let [real, generated] = &self.measure;
        Scores::new(real, generated).expect("both were checked")
    }

    /// A calibrator of this kind.
    ///
    /// # Errors
    /// When its numbers come out infinite, as for scores near the largest double.
    pub fn candidate(&self, kind: CalibratorKind) -> Result<Candidate, ConfigError> {
        let [real, generated] = &self.fit;
        let calibrator = Calibrator::fit(real, generated, kind)?;
        Ok(Candidate { measures: CalibrationMeasures::of(&calibrator, self.held_out()), calibrator })
    }

    /// The file of a calibrator for the networks of these hashes.
    ///
    /// # Errors
    /// When a hash is none.
    pub fn file(
        &self,
        chosen: &Candidate,
        generator_sha256: impl Into<String>,
        discriminator_sha256: impl Into<String>,
    ) -> Result<CalibrationFile, ConfigError> {
        CalibrationFile::new(
            chosen.calibrator.clone(),
            self.held_out(),
            generator_sha256,
            discriminator_sha256,
        )
    }

    /// What makes a calibrator worth less.
    pub fn warnings(&self, chosen: &Candidate) -> Vec<String> {
        let mut warnings = vec![];
        let [real, generated] = &self.fit;
        let area = auroc(generated, real);
        if area.value == 1.0 {
            warnings.push(
                "the scores tell real points from generated ones without an error, so nothing says how sure they may be; take more points, or a discriminator that was trained less"
                    .into(),
            );
        } else if area.value + 5.0 * area.standard_error < 0.5 {
            warnings.push(format!(
                "real points score lower than generated ones (AUROC {:.3}): is the data scaled as in the training, and the loss the right one?",
                area.value
            ));
        }
        if let Calibrator::Logistic(c) = &chosen.calibrator
            && c.a <= 0.0
        {
            warnings.push(format!("the slope is {:.3}: a higher score becomes a lower one", c.a));
        }
        match chosen.measures.z {
            Some(z) if z.abs() <= LARGEST_Z => {}
            Some(z) => warnings.push(format!("still not calibrated on the whole: Z is {z:.1}")),
            None => warnings.push("probabilities are all 0 or 1 to rounding, so there is no Z".into()),
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(seed: u64, n: usize, scale: f64) -> (Vec<f64>, Vec<f64>) {
        let mut stream = Stream::new(seed, 0);
        let mut draw = |shift: f64| (0..n).map(|_| scale * (stream.normal() + shift)).collect::<Vec<f64>>();
        (draw(0.5), draw(-0.5))
    }

    #[test]
    fn both_halves_are_of_one_law_and_no_score_is_in_both() {
        // Real scores sorted: halves in order would be far apart.
        let (mut real, generated) = scores(1, 4001, 5.0);
        real.sort_by(f64::total_cmp);
        let halves = Halves::of(&real, &generated, &mut Stream::new(1, 0)).unwrap();
        let mut together = [halves.fit[0].clone(), halves.measure[0].clone()].concat();
        together.sort_by(f64::total_cmp);
        assert_eq!(together, real);
        assert_eq!((halves.fit[0].len(), halves.measure[0].len()), (2000, 2001));
        let raw = halves.candidate(CalibratorKind::Raw).unwrap();
        let chosen = halves.candidate(CalibratorKind::Logistic).unwrap();
        let gained = raw.measures.log_loss.value - chosen.measures.log_loss.value;
        assert!(gained > 5.0 * raw.measures.log_loss.standard_error, "{raw:?} {chosen:?}");
        assert!(halves.warnings(&chosen).is_empty(), "{:?}", halves.warnings(&chosen));
        let file = halves.file(&chosen, "a".repeat(64), "b".repeat(64)).unwrap();
        assert_eq!((&file.before, &file.after), (&raw.measures, &chosen.measures));
        assert_eq!(file.real_scores.len(), 2001);
        assert_eq!(Halves::of(&real, &generated, &mut Stream::new(1, 0)).unwrap(), halves);
        assert_ne!(Halves::of(&real, &generated, &mut Stream::new(2, 0)).unwrap(), halves);
    }

    #[test]
    fn what_goes_wrong_is_said() {
        let warned = |real: &[f64], generated: &[f64], kind| {
            let halves = Halves::of(real, generated, &mut Stream::new(1, 0)).unwrap();
            halves.warnings(&halves.candidate(kind).unwrap()).join("; ")
        };
        let (real, generated) = scores(2, 500, 1.0);
        assert!(warned(&generated, &real, CalibratorKind::Logistic).contains("score lower"));
        assert!(warned(&generated, &real, CalibratorKind::Logistic).contains("a higher score"));
        let shifted: Vec<f64> = real.iter().map(|s| s + 100.0).collect();
        assert!(warned(&shifted, &generated, CalibratorKind::Logistic).contains("without an error"));
        let high: Vec<f64> = generated.iter().map(|s| s + 2.0).collect();
        assert!(warned(&real, &high, CalibratorKind::Raw).contains("Z is -"));
        let refused = |real: &[f64], generated: &[f64]| {
            Halves::of(real, generated, &mut Stream::new(1, 0)).unwrap_err().key
        };
        assert_eq!(refused(&real[..19], &generated), "scores_real");
        assert_eq!(refused(&real, &[f64::NAN; 30]), "scores_generated[0]");
    }
}
