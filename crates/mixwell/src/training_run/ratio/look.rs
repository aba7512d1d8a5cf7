//! What a ratio is worth on what was held out, beside the GAN's own discriminator, as it is and repaired.

use crate::gan::HeldOut;
use crate::gan::calibrate::{CalibrationMeasures, Calibrator, CalibratorKind, Scores};
use crate::net::Network;
use crate::training_run::Outcome;
use crate::{ConfigError, Points};

/// Standard errors from which on the mean of `e^r` is not one.
const FAR: f64 = 5.0;
/// And how far it may be off in any case.
const OFF: f64 = 0.1;

/// Puts down a log loss, and returns it.
fn put(found: &mut Outcome, key: &str, what: &str, measures: CalibrationMeasures) -> f64 {
    let loss = measures.log_loss;
    found.put(key, loss.value);
    found.put(&format!("{key}_error"), loss.standard_error);
    found.lines.push(format!("held-out log loss {:.4} (+- {:.4}) {what}", loss.value, loss.standard_error));
    loss.value
}

fn scores(network: &Network<f32>, x: &Points) -> Vec<f64> {
    let mut scores = vec![0.0; x.rows()];
    network.energy(x.as_batch(), &mut scores);
    scores
}

/// Looks at the ratio and at the discriminator, where there is one. Half of what is held out fits the discriminator's repair, and all is
/// compared on the other half.
pub(super) fn look(
    ratio: &Network<f32>,
    discriminator: Option<&Network<f32>>,
    held_out: &HeldOut,
) -> Result<Outcome, ConfigError> {
    let mut found = Outcome::default();
    let (real, generated) = (scores(ratio, &held_out.data), scores(ratio, &held_out.generated));
    let half = real.len() / 2;
    let measure = |calibrator: &Calibrator, real: &[f64], generated: &[f64]| {
        Scores::new(real, generated).map(|scores| CalibrationMeasures::of(calibrator, scores))
    };
    let raw = Calibrator::Raw {};
    let own = put(&mut found, "log_loss", "of the ratio", measure(&raw, &real[half..], &generated[half..])?);
    if let Some(network) = discriminator {
        let (real, generated) = (scores(network, &held_out.data), scores(network, &held_out.generated));
        let fitted = Calibrator::fit(&real[..half], &generated[..half], CalibratorKind::Logistic)?;
        let (real, generated) = (&real[half..], &generated[half..]);
        put(
            &mut found,
            "discriminator_log_loss",
            "of the GAN's discriminator",
            measure(&raw, real, generated)?,
        );
        let repaired = measure(&fitted, real, generated)?;
        let repaired =
            put(&mut found, "repaired_log_loss", "of the discriminator after logistic repair", repaired);
        if own > repaired {
            found.problems.push(format!(
                "the ratio's held-out log loss {own:.4} is above the repaired discriminator's {repaired:.4}; take a larger network, more data, or train for longer"
            ));
        }
    }
    let ratios: Vec<f64> = generated.iter().map(|r| r.exp()).collect();
    let n = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / n;
    let spread = ratios.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / (n - 1.0);
    let error = (spread / n).sqrt();
    found.put("mean_ratio", mean);
    found.put("mean_ratio_error", error);
    found
        .lines
        .push(format!("mean of e^r over held-out generated points {mean:.3} (+- {error:.3}), 1 for a ratio"));
    if mean.is_nan() || (mean - 1.0).abs() > (FAR * error).max(OFF) {
        found.problems.push(format!(
            "e^r averages to {mean:.3} (+- {error:.3}) over generated points, and a ratio to 1; take a `penalty`, or more data"
        ));
    }
    Ok(found)
}
