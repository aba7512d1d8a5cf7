//! Weighted draws: self-normalised means with their errors, resampling, Pareto smoothing.
//!
//! `mean f = sum_i W_i f(x_i)`, `W = softmax(log w)`, with standard error `sqrt(sum_i W_i^2 (f(x_i) - mean f)^2)` for independent
//! draws (Owen, "Monte Carlo theory, methods and examples", eq. 9.9). The plain mean `(1/n) sum w f` is right only for
//! normalised densities and is not offered.

use super::resample::systematic;
use crate::diagnostics::pareto_smooth;
use crate::math::log_sum_exp;
use crate::{Batch, Points, Stream};

/// Points with unnormalised log-weights.
///
/// ```
/// use mixwell::estimate::WeightedDraws;
/// use mixwell::Points;
/// let draws = WeightedDraws::new(Points::from_rows(&[[0.0], [4.0]]), vec![0.0, 3f64.ln()]);
/// assert!((draws.mean()[0] - 3.0).abs() < 1e-12); // weights 1/4 and 3/4
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedDraws {
    x: Points,
    log_weights: Vec<f64>,
}

impl WeightedDraws {
    /// Points with one log-weight each.
    ///
    /// # Panics
    /// When there are more of one than of the other.
    pub fn new(x: Points, log_weights: Vec<f64>) -> Self {
        assert_eq!(x.rows(), log_weights.len(), "one weight per point");
        Self { x, log_weights }
    }

    /// The points, one per row.
    pub fn x(&self) -> Batch<'_> {
        self.x.as_batch()
    }

    /// The log-weights, up to a common constant.
    pub fn log_weights(&self) -> &[f64] {
        &self.log_weights
    }

    /// Weights that add up to one; NaN when no weight is positive.
    pub fn weights(&self) -> Vec<f64> {
        let total = log_sum_exp(&self.log_weights);
        self.log_weights.iter().map(|w| (w - total).exp()).collect()
    }

    /// Mean of `f` with its standard error.
    pub fn estimate(&self, f: impl Fn(&[f64]) -> f64) -> (f64, f64) {
        let weights = self.weights();
        // A point of weight zero may lie where `f` is not finite.
        let terms: Vec<(f64, f64)> = weights
            .iter()
            .zip(self.x().iter())
            .filter(|(w, _)| **w != 0.0)
            .map(|(w, x)| (*w, f(x)))
            .collect();
        let mean: f64 = terms.iter().map(|(w, f)| w * f).sum();
        let square: f64 = terms.iter().map(|(w, f)| (w * (f - mean)).powi(2)).sum();
        (mean, square.sqrt())
    }

    /// Mean of every coordinate.
    pub fn mean(&self) -> Vec<f64> {
        (0..self.x.dim()).map(|k| self.estimate(|x| x[k]).0).collect()
    }

    /// Variance of every coordinate.
    pub fn variance(&self) -> Vec<f64> {
        let mean = self.mean();
        (0..self.x.dim()).map(|k| self.estimate(|x| (x[k] - mean[k]).powi(2)).0).collect()
    }

    /// `n` equally weighted points by systematic resampling; `None` when no weight is positive.
    pub fn resample(&self, n: usize, stream: &mut Stream) -> Option<Points> {
        let weights = self.weights();
        if weights.iter().any(|w| w.is_nan()) {
            return None;
        }
        let mut points = Points::zeros(n, self.x.dim());
        for (to, from) in systematic(&weights, n, stream.uniform()).into_iter().enumerate() {
            points.row_mut(to).copy_from_slice(self.x.row(from));
        }
        Some(points)
    }

    /// The same points with Pareto-smoothed weights: a little bias for much less variance where few weights dominate.
    pub fn smoothed(self) -> Self {
        let log_weights = pareto_smooth(&self.log_weights, 1.0).log_weights;
        Self { log_weights, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_errors_by_hand() {
        // Weights 1/4, 3/4 at 0 and 4: mean 3, variance 1/4 * 9 + 3/4 = 3, error^2 = (1/4 * 3)^2 + (3/4)^2 = 18/16.
        let draws = WeightedDraws::new(Points::from_rows(&[[0.0], [4.0]]), vec![-7.0, 3f64.ln() - 7.0]);
        let (mean, error) = draws.estimate(|x| x[0]);
        assert!((mean - 3.0).abs() < 1e-14 && (error - 1.125f64.sqrt()).abs() < 1e-14);
        assert!((draws.variance()[0] - 3.0).abs() < 1e-14);
    }

    #[test]
    fn points_of_no_weight_are_not_looked_at() {
        let draws = WeightedDraws::new(Points::from_rows(&[[-1.0], [4.0]]), vec![f64::NEG_INFINITY, 0.0]);
        assert_eq!(draws.estimate(|x| x[0].sqrt()), (2.0, 0.0));
        let none = WeightedDraws::new(Points::from_rows(&[[1.0]]), vec![f64::NEG_INFINITY]);
        assert!(none.estimate(|x| x[0]).0.is_nan() && none.resample(3, &mut Stream::new(1, 0)).is_none());
    }

    #[test]
    fn resampled_points_keep_the_mean() {
        // Every count is at most one away from its expectation, so the mean of 1000 points is off by less than 4/1000.
        let draws = WeightedDraws::new(Points::from_rows(&[[0.0], [4.0]]), vec![0.0, 3f64.ln()]);
        let points = draws.resample(1000, &mut Stream::new(1, 0)).unwrap();
        assert!((points.data().iter().sum::<f64>() / 1000.0 - 3.0).abs() < 0.0041);
    }
}
