//! A sample with or without weights, and what it looks like along one direction.
//!
//! Weights are normalised to sum to one; a sample without them has `1/n` each. The effective size is `1 / sum w^2`; the variance is
//! `sum w (x - mean)^2 / (1 - sum w^2)`, which for equal weights is the usual one with divisor `n - 1`.

use crate::Batch;

/// Points, `rows x dim`, with weights or without.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    points: Batch<'a>,
    weights: Option<Vec<f64>>,
}

impl<'a> Sample<'a> {
    /// Points that count equally.
    pub fn equal(points: Batch<'a>) -> Self {
        Self { points, weights: None }
    }

    /// Points with one weight each, on any scale. Weights that do not have a positive sum make every metric NaN.
    ///
    /// # Panics
    /// When there is not one weight per row.
    pub fn weighted(points: Batch<'a>, weights: &[f64]) -> Self {
        assert_eq!(points.rows(), weights.len(), "one weight per row");
        let total: f64 = weights.iter().sum();
        let usable = total > 0.0 && weights.iter().all(|w| *w >= 0.0);
        let total = if usable { total } else { f64::NAN };
        Self { points, weights: Some(weights.iter().map(|w| w / total).collect()) }
    }

    /// The chains of a run, one after the other in `draws`, each as a sample of its own.
    ///
    /// # Panics
    /// When `n_chains` is zero or does not divide the number of rows.
    pub fn chains(draws: Batch<'a>, n_chains: usize) -> Vec<Self> {
        assert!(
            n_chains > 0 && draws.rows().is_multiple_of(n_chains),
            "{} draws do not form {n_chains} chains of equal length",
            draws.rows()
        );
        let n = draws.rows() / n_chains;
        (0..n_chains).map(|c| Self::equal(draws.slice(c * n..(c + 1) * n))).collect()
    }

    /// The points.
    pub fn points(&self) -> Batch<'a> {
        self.points
    }

    pub(super) fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }
}

/// One number per point of a sample, with the sample's weights.
#[derive(Clone, Copy)]
pub(super) struct Marginal<'a> {
    pub(super) values: &'a [f64],
    /// Sum to one.
    pub(super) weights: Option<&'a [f64]>,
}

impl<'a> Marginal<'a> {
    /// Pairs of value and weight, without those of weight zero.
    pub(super) fn iter(&self) -> impl Iterator<Item = (f64, f64)> + use<'a> {
        let (equal, weights) = (1.0 / self.values.len() as f64, self.weights);
        let pairs = self.values.iter().enumerate().map(move |(i, x)| (*x, weights.map_or(equal, |w| w[i])));
        pairs.filter(|(_, w)| *w != 0.0)
    }

    /// As many equally weighted points would be as good.
    pub(super) fn effective_size(&self) -> f64 {
        match self.weights {
            None => self.values.len() as f64,
            Some(weights) => 1.0 / weights.iter().map(|w| w * w).sum::<f64>(),
        }
    }

    /// Standard deviation; exactly zero when all values are equal, NaN when one or its weight is NaN.
    pub(super) fn sd(&self) -> f64 {
        let (low, high) = self.range();
        if low.is_nan() || low == high {
            return high - low;
        }
        let mean: f64 = self.iter().map(|(x, w)| w * x).sum();
        let squares: f64 = self.iter().map(|(x, w)| w * (x - mean) * (x - mean)).sum();
        (squares / (1.0 - 1.0 / self.effective_size())).sqrt()
    }

    /// Smallest and largest value; NaN if there is one among values or weights, or there is no value.
    pub(super) fn range(&self) -> (f64, f64) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (x, w) in self.iter() {
            if !(x.is_finite() && w.is_finite()) {
                return (f64::NAN, f64::NAN);
            }
            (low, high) = (low.min(x), high.max(x));
        }
        if low <= high { (low, high) } else { (f64::NAN, f64::NAN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_weights_are_repetitions_up_to_the_divisor() {
        // Values 1, 4 with weights 3, 1: mean 1.75, variance of the population 0.75 * 0.25 * 9 = 1.6875; effective size
        // 1/(9/16 + 1/16) = 1.6, so divided by 1 - 1/1.6 = 0.375: 4.5. The zero weight does not count, not even for the range.
        let points = [1.0, 4.0, 100.0];
        let sample = Sample::weighted(Batch::new(&points, 1), &[6.0, 2.0, 0.0]);
        let marginal = Marginal { values: &points, weights: sample.weights() };
        assert!((marginal.effective_size() - 1.6).abs() < 1e-14);
        assert!((marginal.sd() - 4.5f64.sqrt()).abs() < 1e-14);
        assert_eq!(marginal.range(), (1.0, 4.0));
    }

    #[test]
    fn equal_weights_give_the_usual_variance() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let marginal = Marginal { values: &values, weights: None };
        assert!((marginal.sd() - (82.5f64 / 9.0).sqrt()).abs() < 1e-14);
        assert_eq!(Marginal { values: &[0.1; 7], weights: None }.sd(), 0.0);
    }

    #[test]
    fn what_cannot_be_said_is_nan() {
        assert!(Marginal { values: &[1.0, f64::NAN], weights: None }.sd().is_nan());
        assert!(Marginal { values: &[], weights: None }.sd().is_nan());
        let points = [1.0, 2.0];
        for weights in [[0.0, 0.0], [1.0, -0.5], [1.0, f64::NAN]] {
            let sample = Sample::weighted(Batch::new(&points, 1), &weights);
            assert!(Marginal { values: &points, weights: sample.weights() }.sd().is_nan(), "{weights:?}");
        }
    }
}
