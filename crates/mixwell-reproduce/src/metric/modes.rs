//! How draws are spread over the target's modes. None of these applies to a target that does not know its modes.

use mixwell::density::Modes;
use mixwell::diagnostics::{ModeOccupancy, mode_weight_mse};

use crate::{Measured, Sample};

fn occupancy(sample: &Sample<'_>) -> Option<(ModeOccupancy, Modes)> {
    let modes = sample.target.facts().modes?;
    let labels = sample.modes()?;
    Some((ModeOccupancy::count(labels, sample.n_chains(), modes.centres.rows()), modes))
}

pub(super) fn weight(sample: &Sample<'_>, mode: usize) -> Option<Measured> {
    let (found, _) = occupancy(sample)?;
    Some(Measured::with_error(*found.weights.get(mode)?, found.weight_errors[mode]))
}

pub(super) fn mean_squared_error(sample: &Sample<'_>) -> Option<Measured> {
    let (found, modes) = occupancy(sample)?;
    Some(Measured::pooled(mode_weight_mse(&found.weights, &modes.weights?)))
}

pub(super) fn largest_error(sample: &Sample<'_>) -> Option<Measured> {
    let (found, modes) = occupancy(sample)?;
    let errors = found.weights.iter().zip(&modes.weights?).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>();
    Some(Measured::pooled(errors.into_iter().fold(0.0, f64::max)))
}

/// Infinite where a mode that has a weight holds no draw or all of them.
pub(super) fn largest_z(sample: &Sample<'_>) -> Option<Measured> {
    let (found, modes) = occupancy(sample)?;
    let of_mode = |(k, known): (usize, &f64)| {
        let z = (found.weights[k] - known).abs() / found.weight_errors[k];
        if z.is_nan() { f64::INFINITY } else { z }
    };
    Some(Measured::pooled(modes.weights?.iter().enumerate().map(of_mode).fold(0.0, f64::max)))
}

/// Per chain: the number of modes that some draw lies near to.
pub(super) fn visited(sample: &Sample<'_>, within: f64, limit: usize) -> Option<Measured> {
    let centres = sample.target.facts().modes?.centres;
    if centres.dim() != sample.rows().dim() {
        return None;
    }
    let near = |row: &[f64], centre: &[f64]| {
        row.iter().zip(centre).map(|(x, c)| (x - c) * (x - c)).sum::<f64>() < within * within
    };
    let count = |chain: mixwell::Batch<'_>| {
        centres.as_batch().iter().filter(|c| chain.iter().any(|row| near(row, c))).count() as f64
    };
    Some(Measured::of_chains(sample.chains(limit).map(count).collect()))
}

/// Per chain: 1 when it came near to every mode, else 0.
pub(super) fn all_visited(sample: &Sample<'_>, within: f64, limit: usize) -> Option<Measured> {
    let n = sample.target.facts().modes?.centres.rows() as f64;
    let visited = visited(sample, within, limit)?;
    let all = visited.values.into_iter().map(|v| if v == n { 1.0 } else { 0.0 });
    Some(Measured::of_chains(all.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::density::{Banana, BananaConfig, FourOnALineConfig};

    #[test]
    fn exact_draws_have_the_exact_weights() {
        let target = FourOnALineConfig::default().build().unwrap();
        let sample = Sample::exact(&target, 4, 2500, 1).unwrap();
        let last = weight(&sample, 3).unwrap();
        // Weight 0.4, 10 000 draws: standard error 0.0049.
        assert!((last.values[0] - 0.4).abs() < 0.025, "{last:?}");
        assert!((last.error.unwrap() - 0.0049).abs() < 0.001, "{last:?}");
        assert!(mean_squared_error(&sample).unwrap().values[0] < 1e-4);
        assert!(largest_error(&sample).unwrap().values[0] < 0.025);
        assert!(largest_z(&sample).unwrap().values[0] < 5.0);
        assert_eq!(visited(&sample, 0.5, 2).unwrap().values, [4.0, 4.0]);
        assert_eq!(all_visited(&sample, 0.5, 0).unwrap().values, [1.0; 4]);
        assert_eq!(weight(&sample, 4), None);
    }

    #[test]
    fn a_wrong_weight_is_seen() {
        // The same draws against another target's weights (0.4, 0.3, 0.2, 0.1): MSE (0.09 + 0.01 + 0.01 + 0.09) / 4 = 0.05.
        let exact = FourOnALineConfig::default().build().unwrap();
        let wrong =
            FourOnALineConfig { weights: [0.4, 0.3, 0.2, 0.1], ..Default::default() }.build().unwrap();
        let mut sample = Sample::exact(&exact, 4, 2500, 1).unwrap();
        sample.target = &wrong;
        assert!((mean_squared_error(&sample).unwrap().values[0] - 0.05).abs() < 0.01);
    }

    #[test]
    fn targets_without_known_weights_do_not_apply() {
        let target: Banana = BananaConfig { dim: 2, ..Default::default() }.build().unwrap();
        let sample = Sample::exact(&target, 1, 10, 1).unwrap();
        let modes = mixwell::density::Target::facts(&target).modes;
        assert_eq!(weight(&sample, 0).is_some(), modes.is_some());
    }
}
