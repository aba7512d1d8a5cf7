//! Sums, means and sums of squared deviations of a slice, with eight running sums so that they vectorise.
//!
//! The eight partial sums are added in a fixed order, so a result depends on the numbers alone. A constant series has
//! its own value as mean and exactly zero deviation, which a rounded mean would not give.

/// Sum of `f(value)`.
fn sum_by(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = values.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|&v| f(v)).sum();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += f(v);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Whether all values are equal; true for an empty slice.
pub(super) fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|v| *v == values[0])
}

/// Arithmetic mean, NaN for an empty slice.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        f64::NAN
    } else if is_constant(values) {
        values[0]
    } else {
        sum_by(values, |v| v) / values.len() as f64
    }
}

/// Sum of `(value - center)^2`.
pub(super) fn squares_about(values: &[f64], center: f64) -> f64 {
    sum_by(values, |v| (v - center) * (v - center))
}

/// Variance with divisor `n - 1`; NaN below two values.
pub(super) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    squares_about(values, mean(values)) / (values.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_of_one_to_ten() {
        // Mean 5.5, squared deviations sum to (100 - 1) 10 / 12 = 82.5, divided by 9.
        let x: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(mean(&x), 5.5);
        assert!((variance(&x) - 82.5 / 9.0).abs() < 1e-14);
        assert!(variance(&x[..1]).is_nan() && mean(&[]).is_nan());
    }

    #[test]
    fn a_constant_has_exactly_no_variance() {
        // 0.1 summed seven times and divided by seven is not 0.1 in floating point.
        assert_eq!(variance(&[0.1; 7]), 0.0);
    }
}
