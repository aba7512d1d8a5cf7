//! Densities of draws: a histogram of fine bins, smoothed by a normal kernel of Silverman's width.

/// Places at which a density is told.
pub(crate) const PLACES: usize = 121;
/// Bins between two places.
const FINE: usize = 4;

/// The density of the finite draws at [`PLACES`] equally spaced places from `low` to `high`; `None` for fewer than two different draws.
pub(crate) fn density(draws: &[f64], [low, high]: [f64; 2]) -> Option<Vec<f64>> {
    let finite = || draws.iter().copied().filter(|v| v.is_finite());
    let n = finite().count() as f64;
    let mean = finite().sum::<f64>() / n;
    let sd = (finite().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    if !(sd > 0.0 && sd.is_finite() && low < high) {
        return None;
    }
    let step = (high - low) / ((PLACES - 1) * FINE) as f64;
    // Bins reach as far beyond both ends as there are places between: what lies there bears on the ends, too.
    let bins = 3 * (PLACES - 1) * FINE + 1;
    let first = low - (high - low);
    let mut counts = vec![0.0; bins];
    for v in finite() {
        let bin = (v - first) / step + 0.5;
        if bin >= 0.0 && bin < bins as f64 {
            counts[bin as usize] += 1.0;
        }
    }
    let spread = sd.min(quartile_distance(draws, &counts, step).unwrap_or(sd));
    let width = (0.9 * spread * n.powf(-0.2) / step).max(1.0);
    let reach = ((4.0 * width) as usize).min(bins / 3);
    let kernel: Vec<f64> = (0..=reach).map(|k| (-0.5 * (k as f64 / width).powi(2)).exp()).collect();
    let total = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
    let at = |place: usize| {
        let middle = (bins - 1) / 3 + place * FINE;
        let sides = (1..=reach).map(|k| kernel[k] * (counts[middle - k] + counts[middle + k]));
        (kernel[0] * counts[middle] + sides.sum::<f64>()) / (total * n * step)
    };
    Some((0..PLACES).map(at).collect())
}

/// The distance between the quartiles as that of a normal law's standard deviation, by the bins; `None` where it is no larger than one.
fn quartile_distance(draws: &[f64], counts: &[f64], step: f64) -> Option<f64> {
    let place = |share: f64| {
        let mut below = 0.0;
        counts.iter().position(|c| {
            below += c;
            below >= share * draws.len() as f64
        })
    };
    let bins = place(0.75)?.checked_sub(place(0.25)?).filter(|bins| *bins > 1)?;
    Some(bins as f64 * step / 1.349)
}

/// From where to where the draws lie but for a share of `1 - share` at both ends together, with some room; `None` without finite draws.
pub(crate) fn range<'a>(draws: impl Iterator<Item = &'a f64>, share: f64) -> Option<[f64; 2]> {
    let mut finite: Vec<f64> = draws.copied().filter(|v| v.is_finite()).collect();
    let last = finite.len().checked_sub(1)?;
    let cut = ((1.0 - share) / 2.0 * last as f64) as usize;
    let low = *finite.select_nth_unstable_by(cut, f64::total_cmp).1;
    let high = *finite.select_nth_unstable_by(last - cut, f64::total_cmp).1;
    let room = 0.08 * (high - low);
    Some([low - room, high + room])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_law_is_level_and_ends() {
        let draws: Vec<f64> = (0..10_000).map(|i| f64::from(i) / 10_000.0).collect();
        let found = density(&draws, [-1.0, 2.0]).unwrap();
        let at = |x: f64| found[((x + 1.0) / 3.0 * (PLACES - 1) as f64).round() as usize];
        assert!((at(0.5) - 1.0).abs() < 0.02 && at(-0.6) < 1e-3 && (at(0.0) - 0.5).abs() < 0.1, "{found:?}");
        let integral: f64 = found.iter().sum::<f64>() * 3.0 / (PLACES - 1) as f64;
        assert!((integral - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_has_no_density_has_none() {
        assert_eq!(density(&[1.0; 20], [0.0, 2.0]), None);
        assert_eq!(density(&[f64::NAN, f64::INFINITY], [0.0, 2.0]), None);
        assert_eq!(density(&[], [0.0, 2.0]), None);
        assert_eq!(range([f64::NAN].iter(), 0.99), None);
    }

    #[test]
    fn a_few_strays_do_not_set_the_range() {
        let mut draws: Vec<f64> = (0..1000).map(f64::from).collect();
        draws.extend([1e9, f64::NAN, -1e9]);
        let [low, high] = range(draws.iter(), 0.99).unwrap();
        assert!(low > -200.0 && high < 1200.0, "{low} {high}");
    }
}
