//! Error and bias of a statistic by leaving out one group of rows at a time.
//!
//! `theta` is the statistic of all rows, `theta_g` that without group `g` of `G`. Variance `(G - 1)/G sum_g (theta_g - mean)^2`, bias
//! `(G - 1) (mean - theta)`, with `mean` that of the `theta_g` [efron1982jackknife]. Groups are rows one after the other, as equal as they can be. Rows must
//! be exchangeable: who has images in the order of their classes shuffles them first.

use std::ops::Range;

/// Most groups: the error is then known to 16 %.
const GROUPS: usize = 20;

/// The groups of so many rows.
pub(super) fn groups(rows: usize) -> impl Iterator<Item = Range<usize>> {
    pieces(rows, GROUPS.min(rows))
}

/// Rows cut into so many pieces.
pub(super) fn pieces(rows: usize, n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).map(move |i| i * rows / n..(i + 1) * rows / n)
}

/// What leaving out tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jackknife {
    pub(super) variance: f64,
    pub(super) bias: f64,
}

impl Jackknife {
    /// From the statistic of all rows, and without each group; NaN below two groups.
    pub(super) fn of(all: f64, without: &[f64]) -> Self {
        if without.len() < 2 {
            return Self { variance: f64::NAN, bias: f64::NAN };
        }
        let n = without.len() as f64;
        let mean = without.iter().sum::<f64>() / n;
        let squares: f64 = without.iter().map(|v| (v - mean) * (v - mean)).sum();
        Self { variance: (n - 1.0) / n * squares, bias: (n - 1.0) * (mean - all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mean_and_of_a_variance_it_is_the_known_one() {
        // Groups of one. The mean of 1, 2, 4: variance s^2/n = (7/3)/3, no bias. The variance with divisor n is 14/9, its bias
        // -s^2/n = -7/9 exactly.
        let x = [1.0, 2.0, 4.0f64];
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let spread = |v: &[f64]| v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / v.len() as f64;
        let rest = [[2.0, 4.0], [1.0, 4.0], [1.0, 2.0]];
        let of_mean = Jackknife::of(mean(&x), &rest.map(|r| mean(&r)));
        assert!((of_mean.variance - 7.0 / 9.0).abs() < 1e-14 && of_mean.bias.abs() < 1e-14);
        let of_spread = Jackknife::of(spread(&x), &rest.map(|r| spread(&r)));
        assert!((of_spread.bias + 7.0 / 9.0).abs() < 1e-14, "{of_spread:?}");
        assert!(Jackknife::of(1.0, &[1.0]).variance.is_nan());
    }

    #[test]
    fn groups_are_all_rows() {
        for rows in [0, 1, 3, 20, 21, 1003] {
            let all: Vec<usize> = groups(rows).flatten().collect();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
            assert!(groups(rows).all(|g| !g.is_empty()) && groups(rows).count() == rows.min(GROUPS));
        }
    }
}
