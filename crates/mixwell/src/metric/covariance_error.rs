//! Relative error of a covariance: `|S - C|_F / |C|_F`, `S` the covariance of the draws (divisor `n - 1`), `C` the exact one.
//!
//! `n` independent normal draws get about `sqrt((tr(C)^2 / |C|_F^2 + 1) / n)`: `sqrt((d + 1)/n)` when `C` is the identity.
//! The norm weighs directions by their variance, so errors along narrow ones do not show.

use crate::Batch;

/// Relative Frobenius error of the draws' covariance; `exact` is `dim x dim`, row after row. NaN below two draws or with a NaN.
///
/// ```
/// use mixwell::{Points, metric::covariance_error};
/// // Means 0, variances 2 and 0, no covariance: off by diag(1, -1), whose norm is that of the identity.
/// let draws = Points::from_rows(&[[1.0, 3.0], [-1.0, 3.0]]);
/// assert_eq!(covariance_error(draws.as_batch(), &[1.0, 0.0, 0.0, 1.0]), 1.0);
/// ```
///
/// # Panics
/// When `exact` is not `dim x dim`.
pub fn covariance_error(draws: Batch<'_>, exact: &[f64]) -> f64 {
    let (n, dim) = (draws.rows(), draws.dim());
    assert_eq!(exact.len(), dim * dim, "a covariance of another dimension");
    if n < 2 {
        return f64::NAN;
    }
    let mut mean = vec![0.0; dim];
    for row in draws.iter() {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / n as f64);
    }
    // Lower triangle of the sums of products.
    let mut sums = vec![0.0; dim * dim];
    let mut centred = vec![0.0; dim];
    for row in draws.iter() {
        centred.iter_mut().zip(row).zip(&mean).for_each(|((c, x), m)| *c = x - m);
        for (i, sums) in sums.chunks_exact_mut(dim).enumerate() {
            let a = centred[i];
            sums.iter_mut().zip(&centred[..=i]).for_each(|(s, b)| *s += a * b);
        }
    }
    let (mut error, mut norm) = (0.0, 0.0);
    for i in 0..dim {
        for j in 0..=i {
            // Entries off the diagonal occur twice.
            let times = if i == j { 1.0 } else { 2.0 };
            let c = exact[i * dim + j];
            let difference = sums[i * dim + j] / (n - 1) as f64 - c;
            error += times * difference * difference;
            norm += times * c * c;
        }
    }
    (error / norm).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Points, Stream};

    #[test]
    fn exact_draws_have_the_known_error() {
        // C = diag(9, 1, 1, 1): tr^2/|C|^2 = 144/84, so sqrt((1.714 + 1)/4000) = 0.026 on average over samples.
        let mut errors = 0.0;
        let mut exact = vec![0.0; 16];
        (0..4).for_each(|i| exact[5 * i] = if i == 0 { 9.0 } else { 1.0 });
        for seed in 0..50 {
            let mut x = Points::zeros(4000, 4);
            Stream::new(seed, 0).fill_normal(x.data_mut());
            x.as_batch_mut().iter_mut().for_each(|row| row[0] = 3.0 * row[0] + 1.0);
            errors += covariance_error(x.as_batch(), &exact).powi(2) / 50.0;
        }
        // The square is a sum with a heavy first term: standard deviation about its mean, over sqrt 50.
        assert!((errors.sqrt() / 0.026 - 1.0).abs() < 0.35, "{}", errors.sqrt());
    }

    #[test]
    fn too_few_draws_or_nan_is_nan() {
        assert!(covariance_error(Points::zeros(1, 1).as_batch(), &[1.0]).is_nan());
        assert!(covariance_error(Batch::new(&[1.0, f64::NAN], 1), &[1.0]).is_nan());
    }
}
