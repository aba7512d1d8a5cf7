//! The ratio behind every R-hat, of series of equal length; the formula stands in `rhat.rs`.

use super::moments::{is_constant, mean, squares_about, variance};

/// `R` of the series of length `n` that `series` consists of.
pub(super) fn scale_reduction(series: &[f64], n: usize) -> f64 {
    squared_scale_reduction(series, n).sqrt()
}

/// `sig^2 / s_w^2`, NaN where that says nothing.
pub(super) fn squared_scale_reduction(series: &[f64], n: usize) -> f64 {
    if n < 2 || series.len() < 2 * n || series.chunks_exact(n).all(is_constant) {
        return f64::NAN;
    }
    let means: Vec<f64> = series.chunks_exact(n).map(mean).collect();
    let m = means.len() as f64;
    let squares: f64 = series.chunks_exact(n).zip(&means).map(|(x, mean)| squares_about(x, *mean)).sum();
    let within = squares / (m * (n - 1) as f64);
    ((n - 1) as f64 + n as f64 * variance(&means) / within) / n as f64
}
