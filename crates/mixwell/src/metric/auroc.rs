//! Area under the receiver operating characteristic: the probability that a score of one set is above one of another.
//!
//! `A = P(s_out > s_in) + P(s_out = s_in) / 2`, over all pairs, by ranks. With `V_i` the share of the other set that element `i` is on the right
//! side of, the error is `sqrt(var(V_out) / n_out + var(V_in) / n_in)` [delong1988comparing]. It assumes independent scores; those of
//! a chain are not.

use serde::{Deserialize, Serialize};

/// An area with its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auroc {
    /// The area: 1 where every score outside is above every score inside, 1/2 where scores tell nothing.
    pub value: f64,
    /// Its standard error for independent scores; zero where the sets do not overlap, which only says that it is small.
    pub standard_error: f64,
}

/// How well scores tell a set `outside` (higher scores) from a set `inside`.
///
/// Two samples of one law give 1/2 within the error. NaN among the scores, or a set of fewer than two, gives NaN.
///
/// ```
/// use mixwell::metric::auroc;
/// // Of the four pairs three are in order.
/// assert_eq!(auroc(&[1.0, 3.0], &[2.0, 4.0]).value, 0.75);
/// ```
pub fn auroc(inside: &[f64], outside: &[f64]) -> Auroc {
    if inside.len().min(outside.len()) < 2 || inside.iter().chain(outside).any(|s| s.is_nan()) {
        return Auroc { value: f64::NAN, standard_error: f64::NAN };
    }
    let sorted = |scores: &[f64]| {
        let mut scores = scores.to_vec();
        scores.sort_by(f64::total_cmp);
        scores
    };
    let (within, without) = (sorted(inside), sorted(outside));
    // The share of a sorted set that lies below a score; equal ones count half.
    let below = |score: f64, set: &[f64]| {
        let (less, up_to) = (set.partition_point(|s| *s < score), set.partition_point(|s| *s <= score));
        0.5 * (less + up_to) as f64 / set.len() as f64
    };
    let above: Vec<f64> = without.iter().map(|s| below(*s, &within)).collect();
    let under: Vec<f64> = within.iter().map(|s| 1.0 - below(*s, &without)).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let of_mean = |v: &[f64]| {
        let (n, mean) = (v.len() as f64, mean(v));
        v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))
    };
    Auroc { value: mean(&above), standard_error: (of_mean(&above) + of_mean(&under)).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn gaussians_a_distance_apart_have_the_closed_form_and_its_error() {
        // N(0, 1) and N(d, 1): Phi(d / sqrt 2), for d = 1 .760250. Over 200 repetitions the spread is the stated error.
        let mut stream = Stream::new(3, 0);
        let mut draw = |n: usize, mean: f64| (0..n).map(|_| mean + stream.normal()).collect::<Vec<_>>();
        let all: Vec<Auroc> = (0..200).map(|_| auroc(&draw(150, 0.0), &draw(80, 1.0))).collect();
        let mean = all.iter().map(|a| a.value).sum::<f64>() / 200.0;
        let variance = all.iter().map(|a| (a.value - mean).powi(2)).sum::<f64>() / 199.0;
        let stated = all.iter().map(|a| a.standard_error.powi(2)).sum::<f64>() / 200.0;
        assert!((mean - 0.760_250).abs() < 5.0 * (variance / 200.0).sqrt(), "{mean}");
        // A variance of 200 values is known to 10 %.
        assert!((stated / variance - 1.0).abs() < 0.5, "{stated} {variance}");
    }

    #[test]
    fn one_law_is_a_half_and_equal_scores_are_exactly() {
        let mut stream = Stream::new(4, 0);
        let mut draw = || (0..1000).map(|_| stream.normal()).collect::<Vec<_>>();
        let a = auroc(&draw(), &draw());
        assert!((a.value - 0.5).abs() < 5.0 * a.standard_error && a.standard_error < 0.02, "{a:?}");
        assert_eq!(auroc(&[1.0; 3], &[1.0; 5]), Auroc { value: 0.5, standard_error: 0.0 });
        assert_eq!(auroc(&[0.0, f64::NEG_INFINITY], &[1.0, f64::INFINITY]).value, 1.0);
        assert_eq!(auroc(&[1.0, 2.0], &[0.0, 0.5]).value, 0.0);
    }

    #[test]
    fn what_cannot_be_told_is_nan() {
        for (a, b) in [(&[1.0, f64::NAN][..], &[1.0, 2.0][..]), (&[1.0], &[1.0, 2.0]), (&[1.0, 2.0], &[])] {
            assert!(auroc(a, b).value.is_nan());
        }
    }
}
