//! Kolmogorov-Smirnov distances of coordinates and random projections: the largest difference of two distribution functions.
//!
//! Two samples: `D = max |F_n - G_m|`; one sample: `D = max |F_n - F|`. Asymptotically
//! `P(D > x) = 2 sum_{k>=1} (-1)^(k-1) exp(-2 k^2 n x^2)` for *independent* draws, with `n m/(n + m)` for `n` if there are two samples
//! (Kolmogorov 1933, Smirnov 1948). Draws of a chain are dependent; thin them, or use their effective size.
//! No bandwidth, so it sees narrow features that a kernel density blurs; but it is most sensitive in the middle, not in the tails.

use super::directions::{project, random_directions};
use crate::{Batch, Stream};

/// Mean and largest distance over directions or coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KsDistance {
    /// Mean over directions.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// Distance between two samples of one number; NaN if one is empty or has a NaN.
///
/// ```
/// // F_n jumps at 1, 2; G_m at 2, 3: they are furthest apart, by 1/2, from 1 to 3.
/// assert_eq!(mixwell::metric::ks_two_sample(&[1.0, 2.0], &[2.0, 3.0]), 0.5);
/// ```
pub fn ks_two_sample(x: &[f64], y: &[f64]) -> f64 {
    let (Some(x), Some(y)) = (sorted(x), sorted(y)) else { return f64::NAN };
    let (n, m) = (x.len() as f64, y.len() as f64);
    let (mut i, mut j, mut largest) = (0, 0, 0.0f64);
    while i < x.len() && j < y.len() {
        let place = x[i].min(y[j]);
        while i < x.len() && x[i] == place {
            i += 1;
        }
        while j < y.len() && y[j] == place {
            j += 1;
        }
        largest = largest.max((i as f64 / n - j as f64 / m).abs());
    }
    largest
}

/// Distance between a sample and the distribution function `cdf`; NaN if the sample is empty or has a NaN.
pub fn ks_one_sample(x: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    let Some(x) = sorted(x) else { return f64::NAN };
    let n = x.len() as f64;
    let jump = |(i, v): (usize, &f64)| {
        let f = cdf(*v);
        (f - i as f64 / n).max((i + 1) as f64 / n - f)
    };
    x.iter().enumerate().map(jump).fold(0.0, f64::max)
}

/// How probable a distance of at least `distance` is between `n` independent draws and their own law. For two samples of sizes `a`, `b`,
/// `n = a b / (a + b)`.
pub fn ks_p_value(distance: f64, n: f64) -> f64 {
    // Stephens' correction for finite n.
    let x = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    if x.is_nan() {
        return f64::NAN;
    }
    // Below this the series converges slowly and the probability is 1 to nine digits.
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| (-2.0 * f64::from(k * k) * x * x).exp() * if k % 2 == 1 { 2.0 } else { -2.0 };
    (1..40).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// Distances of two samples along random directions.
///
/// # Panics
/// When the samples differ in dimension or there are no directions.
pub fn ks_projections(
    exact: Batch<'_>,
    draws: Batch<'_>,
    n_directions: usize,
    stream: &mut Stream,
) -> KsDistance {
    assert_eq!(exact.dim(), draws.dim(), "samples of different dimension");
    let directions = random_directions(n_directions, exact.dim(), stream);
    KsDistance::over(
        directions.as_batch().iter().map(|d| ks_two_sample(&project(exact, d), &project(draws, d))),
    )
}

/// Distances of two samples coordinate by coordinate.
///
/// # Panics
/// When the samples differ in dimension.
pub fn ks_coordinates(exact: Batch<'_>, draws: Batch<'_>) -> KsDistance {
    assert_eq!(exact.dim(), draws.dim(), "samples of different dimension");
    let column = |batch: Batch<'_>, j: usize| -> Vec<f64> { batch.iter().map(|row| row[j]).collect() };
    KsDistance::over((0..exact.dim()).map(|j| ks_two_sample(&column(exact, j), &column(draws, j))))
}

impl KsDistance {
    fn over(distances: impl ExactSizeIterator<Item = f64>) -> Self {
        let n = distances.len();
        assert!(n > 0, "a direction at least");
        let (mut sum, mut max) = (0.0, 0.0f64);
        for d in distances {
            sum += d;
            // `f64::max` would drop a NaN.
            max = if d.is_nan() || max.is_nan() { f64::NAN } else { max.max(d) };
        }
        Self { mean: sum / n as f64, max }
    }
}

/// `None` for nothing or NaN.
fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    let mut values = values.to_vec();
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::math::normal_cdf;

    #[test]
    fn by_hand() {
        // Uniform on (0, 1) against 0.1, 0.2, 0.9: after 0.2, F_n = 2/3 and F = 0.2.
        assert!((ks_one_sample(&[0.9, 0.1, 0.2], |x| x) - (2.0 / 3.0 - 0.2)).abs() < 1e-15);
        assert_eq!(ks_two_sample(&[1.0, 1.0, 1.0, 5.0], &[1.0, 5.0]), 0.25);
        assert_eq!(ks_two_sample(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(ks_two_sample(&[1.0, 2.0], &[2.0, 1.0]), 0.0);
        assert!(ks_two_sample(&[1.0, f64::NAN], &[1.0]).is_nan() && ks_one_sample(&[], |x| x).is_nan());
    }

    #[test]
    fn probabilities_match_the_table() {
        // Kolmogorov's limit law: P(sqrt n D > 1.3581) = 0.05, P(> 1.6276) = 0.01.
        let n = 1e12f64;
        assert!((ks_p_value(1.3581 / n.sqrt(), n) - 0.05).abs() < 1e-4);
        assert!((ks_p_value(1.6276 / n.sqrt(), n) - 0.01).abs() < 1e-4);
        assert_eq!(ks_p_value(0.0, 100.0), 1.0);
        assert!(ks_p_value(0.5, 1000.0) < 1e-100);
    }

    #[test]
    fn exact_draws_pass_and_wrong_ones_fail() {
        let mut x = Points::zeros(2000, 5);
        let mut y = Points::zeros(1000, 5);
        Stream::new(1, 0).fill_normal(x.data_mut());
        Stream::new(2, 0).fill_normal(y.data_mut());
        let n = 2000.0 * 1000.0 / 3000.0;
        let good = ks_projections(x.as_batch(), y.as_batch(), 20, &mut Stream::new(3, 0));
        assert!(ks_p_value(good.max, n) > 1e-4 && good.mean <= good.max);
        assert!(ks_p_value(ks_coordinates(x.as_batch(), y.as_batch()).max, n) > 1e-4);
        let first: Vec<f64> = x.as_batch().iter().map(|row| row[0]).collect();
        assert!(ks_p_value(ks_one_sample(&first, normal_cdf), 2000.0) > 1e-4);
        // Two fifths too wide in one coordinate of five.
        y.as_batch_mut().iter_mut().for_each(|row| row[3] *= 1.4);
        assert!(ks_p_value(ks_coordinates(x.as_batch(), y.as_batch()).max, n) < 1e-4);
        y.row_mut(0)[0] = f64::NAN;
        assert!(ks_coordinates(x.as_batch(), y.as_batch()).max.is_nan());
    }
}
