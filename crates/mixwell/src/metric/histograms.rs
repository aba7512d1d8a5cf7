//! Histograms of several sets of numbers over common bins, and how far each set is from the first: the share that overlaps, and the
//! 1-Wasserstein distance.
//!
//! The overlap is `sum_b min(p_b, q_b)` over bins: below 1 for two samples of one law, by about `.56 sqrt(bins / n)` at most. The distance
//! is `int |F - G|`, from the numbers themselves and not from bins.

use serde::{Deserialize, Serialize};

/// Histograms over common bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histograms {
    /// Ends of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// For each set the share of its numbers in every bin. The outermost bins hold what lies beyond them, infinities included.
    pub shares: Vec<Vec<f64>>,
    /// For each set the part it has in common with the first.
    pub overlaps: Vec<f64>,
    /// For each set its 1-Wasserstein distance from the first.
    pub distances: Vec<f64>,
}

/// Share of a set that may lie beyond the outermost edges on either side, so that a few far numbers do not empty the picture.
const BEYOND: f64 = 0.002;

impl Histograms {
    /// Those of some sets, with so many bins of equal width.
    ///
    /// `None` when there is no set, one is empty or has a NaN, or there is no finite number to make bins of.
    ///
    /// ```
    /// let found = mixwell::metric::Histograms::of(&[&[0.0, 1.0], &[0.0, 3.0]], 3).unwrap();
    /// assert_eq!((found.overlaps[1], found.distances[1]), (0.5, 1.0));
    /// ```
    pub fn of(sets: &[&[f64]], bins: usize) -> Option<Self> {
        if bins == 0 || sets.iter().any(|set| set.is_empty() || set.iter().any(|v| v.is_nan())) {
            return None;
        }
        let sorted = |set: &&[f64]| {
            let mut set = set.to_vec();
            set.sort_by(f64::total_cmp);
            set
        };
        let sets: Vec<Vec<f64>> = sets.iter().map(sorted).collect();
        let (low, high) = ends(&sets)?;
        let width = (high - low) / bins as f64;
        let edges: Vec<f64> = (0..=bins).map(|i| low + width * i as f64).collect();
        let shares: Vec<Vec<f64>> = sets.iter().map(|set| shares(set, low, width, bins)).collect();
        let overlap = |p: &Vec<f64>| p.iter().zip(&shares[0]).map(|(p, q)| p.min(*q)).sum();
        let overlaps = shares.iter().map(overlap).collect();
        let distances = sets.iter().map(|set| distance(&sets[0], set)).collect();
        Some(Self { edges, overlaps, distances, shares })
    }
}

fn ends(sets: &[Vec<f64>]) -> Option<(f64, f64)> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for set in sets {
        let beyond = (BEYOND * set.len() as f64) as usize;
        let kept = &set[beyond..set.len() - beyond];
        for v in kept.iter().filter(|v| v.is_finite()) {
            (low, high) = (low.min(*v), high.max(*v));
        }
    }
    match high - low {
        w if w > 0.0 && w.is_finite() => Some((low, high)),
        // All are one number.
        0.0 => Some((low - 0.5, high + 0.5)),
        _ => None,
    }
}

fn shares(set: &[f64], low: f64, width: f64, bins: usize) -> Vec<f64> {
    let mut counts = vec![0usize; bins];
    for v in set {
        let place = ((v - low) / width).clamp(0.0, (bins - 1) as f64);
        counts[place as usize] += 1;
    }
    counts.iter().map(|c| *c as f64 / set.len() as f64).collect()
}

/// `int |F - G|` of two sorted sets: what the steps of both distribution functions enclose.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    let mut at = a[0].min(b[0]);
    while i < a.len() || j < b.len() {
        let next = a.get(i).copied().unwrap_or(f64::INFINITY).min(b.get(j).copied().unwrap_or(f64::INFINITY));
        let gap = (i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs();
        if gap > 0.0 {
            sum += gap * (next - at);
        }
        at = next;
        i += a[i..].partition_point(|v| *v <= at);
        j += b[j..].partition_point(|v| *v <= at);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::metric::{Cost, optimal_transport};

    #[test]
    fn the_distance_is_that_of_optimal_transport() {
        let mut stream = Stream::new(5, 0);
        let mut draw = |n: usize, mean: f64| (0..n).map(|_| mean + stream.normal()).collect::<Vec<_>>();
        let (a, b) = (draw(120, 0.0), draw(60, 0.7));
        let found = Histograms::of(&[&a, &b], 10).unwrap();
        let batch = |v| crate::Batch::new(v, 1);
        let exact = optimal_transport(batch(&a), batch(&b), Cost::Euclid).unwrap();
        assert!((found.distances[1] - exact).abs() < 1e-12, "{found:?} {exact}");
        assert_eq!((found.distances[0], found.overlaps[0]), (0.0, 1.0));
    }

    #[test]
    fn gaussians_overlap_as_they_should() {
        // N(0, 1) and N(1, 1) have 2 Phi(-1/2) = .617075 in common.
        let mut stream = Stream::new(6, 0);
        let mut draw = |mean: f64| (0..40_000).map(|_| mean + stream.normal()).collect::<Vec<_>>();
        let found = Histograms::of(&[&draw(0.0), &draw(1.0)], 60).unwrap();
        assert!((found.overlaps[1] - 0.617).abs() < 0.02, "{:?}", found.overlaps);
        for shares in &found.shares {
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn two_samples_of_one_law_overlap_as_much_as_is_said() {
        // Uniform on (0, 1), 20 bins, 1000 of each: .564 sqrt(20 / 1000) = .0798 is missing.
        let mut stream = Stream::new(7, 0);
        let mut draw = || (0..1000).map(|_| stream.uniform()).collect::<Vec<_>>();
        let missing: f64 =
            (0..50).map(|_| 1.0 - Histograms::of(&[&draw(), &draw()], 20).unwrap().overlaps[1]).sum();
        assert!((missing / 50.0 - 0.0798).abs() < 0.01, "{missing}");
    }

    #[test]
    fn far_numbers_are_counted_and_do_not_set_the_bins() {
        let mut far: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
        far[999] = 1e300;
        far[0] = f64::NEG_INFINITY;
        let found = Histograms::of(&[&far], 4).unwrap();
        assert!(found.edges[4] < 2.0 && (found.shares[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(Histograms::of(&[&[2.0, 2.0]], 3).unwrap().edges[0], 1.5);
        assert!(Histograms::of(&[&[f64::NAN]], 3).is_none() && Histograms::of(&[&[]], 3).is_none());
        assert!(Histograms::of(&[], 3).is_none() && Histograms::of(&[&[f64::INFINITY]], 3).is_none());
    }
}
