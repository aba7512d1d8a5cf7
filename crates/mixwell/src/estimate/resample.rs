//! Systematic resampling of a weighted population.
//!
//! Reference: Kitagawa, J. Comput. Graph. Stat. 5 (1996).

/// Systematic resampling: the indices hit by `(i + u) / n`, `i = 0..n`, in the cumulated normalised weights; in rising order.
///
/// Every index comes up `floor(n w)` or `ceil(n w)` times.
///
/// ```
/// assert_eq!(mixwell::estimate::systematic(&[0.5, 0.25, 0.25], 4, 0.5), [0, 0, 1, 2]);
/// ```
pub fn systematic(weights: &[f64], n: usize, u: f64) -> Vec<usize> {
    let last = weights.iter().rposition(|w| *w > 0.0).unwrap_or(0);
    let (mut at, mut below) = (0, 0.0);
    (0..n)
        .map(|i| {
            let place = (i as f64 + u) / n as f64;
            // Rounding must not lead past the last index that has a weight.
            while at < last && below + weights[at] <= place {
                below += weights[at];
                at += 1;
            }
            at
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn systematic_counts_are_next_to_their_expectation() {
        let mut stream = Stream::new(1, 0);
        let raw: Vec<f64> = (0..50).map(|_| stream.uniform().powi(3)).collect();
        let total: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / total).collect();
        let mut mean = vec![0.0; 50];
        for _ in 0..4000 {
            let mut counts = vec![0.0; 50];
            systematic(&weights, 120, stream.uniform()).into_iter().for_each(|i| counts[i] += 1.0);
            for ((count, w), mean) in counts.iter().zip(&weights).zip(&mut mean) {
                assert!((count - 120.0 * w).abs() < 1.0 + 1e-9);
                *mean += count / 4000.0;
            }
        }
        // Unbiased: a count is a coin flip around its expectation, so the standard error is at most 0.5 / sqrt(4000).
        for (mean, w) in mean.iter().zip(&weights) {
            assert!((mean - 120.0 * w).abs() < 5.0 * 0.5 / 4000f64.sqrt(), "{mean} {}", 120.0 * w);
        }
    }

    #[test]
    fn weights_of_zero_are_never_chosen() {
        assert_eq!(systematic(&[0.0, 1.0, 0.0], 3, 0.999_999), [1, 1, 1]);
        assert_eq!(systematic(&[0.0, 0.0, 1.0], 2, 1e-9), [2, 2]);
    }
}
