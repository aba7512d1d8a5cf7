//! Moments and probabilities with their Monte Carlo errors, to be compared with exact values.

use mixwell::diagnostics::{Draws, mcse_mean};

use super::Power;
use crate::{Measured, Sample};

/// The mean of a series over all chains, with its standard error.
fn mean(sample: &Sample<'_>, series: &[f64]) -> Measured {
    let error = mcse_mean(Draws::new(series, sample.n_chains()));
    Measured::with_error(series.iter().sum::<f64>() / series.len() as f64, error)
}

pub(super) fn moment(sample: &Sample<'_>, power: Power, coordinate: Option<usize>) -> Option<Measured> {
    let f = |x: f64| match power {
        Power::First => x,
        Power::Second => x * x,
        Power::Fourth => x * x * x * x,
        Power::Absolute => x.abs(),
    };
    let dim = sample.rows().dim();
    let series = match coordinate {
        Some(j) if j >= dim => return None,
        Some(j) => sample.series(|row| f(row[j])),
        None => sample.series(|row| row.iter().map(|x| f(*x)).sum::<f64>() / dim as f64),
    };
    Some(mean(sample, &series))
}

pub(super) fn share_above(sample: &Sample<'_>, coordinate: usize, bound: f64) -> Option<Measured> {
    if coordinate >= sample.rows().dim() {
        return None;
    }
    let series = sample.series(|row| if row[coordinate] > bound { 1.0 } else { 0.0 });
    Some(mean(sample, &series))
}

/// The largest |mean - exact mean| in standard errors; an error of zero for a wrong mean is infinitely bad.
pub(super) fn worst_mean(sample: &Sample<'_>) -> Option<Measured> {
    let exact = sample.target.facts().mean?;
    if exact.len() != sample.rows().dim() {
        return None;
    }
    let worst = exact.iter().enumerate().map(|(j, exact)| {
        let found = mean(sample, &sample.series(|row| row[j]));
        (found.values[0] - exact).abs() / found.error.unwrap_or(0.0)
    });
    Some(Measured::pooled(worst.fold(0.0, f64::max)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::density::{GaussianConfig, StandardGaussianConfig};

    #[test]
    fn moments_of_exact_draws() {
        let target =
            GaussianConfig { mean: vec![1.0, 0.0], covariance: vec![vec![4.0, 0.0], vec![0.0, 1.0]] }
                .build()
                .unwrap();
        let sample = Sample::exact(&target, 4, 5000, 1).unwrap();
        // E x_0^2 = 4 + 1, E x_1^2 = 1, their average 3; E x_1^4 = 3; P(x_0 > 1) = 1/2.
        for (power, coordinate, exact) in [
            (Power::First, Some(0), 1.0),
            (Power::Second, Some(0), 5.0),
            (Power::Second, None, 3.0),
            (Power::Fourth, Some(1), 3.0),
            (Power::Absolute, Some(1), (2.0 / std::f64::consts::PI).sqrt()),
        ] {
            let found = moment(&sample, power, coordinate).unwrap();
            let error = found.error.unwrap();
            assert!((found.values[0] - exact).abs() < 5.0 * error, "{power:?}: {found:?} against {exact}");
        }
        let share = share_above(&sample, 0, 1.0).unwrap();
        assert!((share.values[0] - 0.5).abs() < 5.0 * share.error.unwrap());
        assert_eq!(moment(&sample, Power::First, Some(2)), None);
        assert!(worst_mean(&sample).unwrap().values[0] < 5.0);
    }

    #[test]
    fn a_wrong_mean_is_seen() {
        let (right, wrong) = (StandardGaussianConfig { dim: 2, ..Default::default() }, 0.2);
        let shifted = StandardGaussianConfig { mean: wrong, ..right.clone() }.build().unwrap();
        let right = right.build().unwrap();
        let mut sample = Sample::exact(&right, 4, 2500, 1).unwrap();
        sample.target = &shifted;
        assert!(worst_mean(&sample).unwrap().values[0] > 10.0);
    }
}
