//! How heavy the tails of the draws of one scalar are, and so whether its mean and standard deviation exist.
//!
//! The distance of the `M = ceil(min(S/5, 3 sqrt(S / r_eff)))` most extreme draws from the next one is compared with a
//! generalised Pareto law of shape `k`, on either side, as [`pareto_smooth`](super::pareto_smooth) does with weights;
//! the larger `k` counts. `1/k` is the number of moments there are: above 1/2 there is no variance and a Monte Carlo error of
//! the mean means nothing, above 1 there is no mean (Vehtari et al. 2024, section 3). `r_eff = ESS / S`, at most 1.

use super::pareto::fit_pareto;

/// Fewest draws in a tail that a shape is fitted to.
const FEWEST: usize = 5;

/// Shape of the heavier tail of ascending draws without NaN; NaN when there are too few draws, or most are equal.
pub(super) fn tail_shape(sorted: &[f64], r_eff: f64) -> f64 {
    let n = sorted.len() as f64;
    let length = (n / 5.0).min(3.0 * (n / r_eff.min(1.0)).sqrt()).ceil();
    if !(FEWEST as f64..n / 2.0).contains(&length) {
        return f64::NAN;
    }
    let length = length as usize;
    let (first, last) = (sorted[length], sorted[sorted.len() - 1 - length]);
    let lower = sorted[..length].iter().rev().map(|v| first - v);
    let upper = sorted[sorted.len() - length..].iter().map(|v| v - last);
    one_tail(lower.collect()).max(one_tail(upper.collect()))
}

/// Shape of ascending distances from the cut; draws on the cut say nothing.
fn one_tail(mut distances: Vec<f64>) -> f64 {
    distances.retain(|d| *d > 0.0);
    let all_equal = distances.first() == distances.last();
    if distances.len() < FEWEST || all_equal || distances.iter().any(|d| d.is_infinite()) {
        return f64::NAN;
    }
    let (k, sigma) = fit_pareto(&distances);
    if k.is_finite() && sigma > 0.0 { k } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    /// Shapes of 200 sets of `n` independent draws.
    fn shapes(n: usize, mut draw: impl FnMut(&mut Stream) -> f64) -> Vec<f64> {
        (0..200)
            .map(|seed| {
                let mut stream = Stream::new(seed, 0);
                let mut x: Vec<f64> = (0..n).map(|_| draw(&mut stream)).collect();
                x.sort_by(f64::total_cmp);
                tail_shape(&x, 1.0)
            })
            .collect()
    }

    /// Student's t: a normal number over the root of a mean of squares.
    fn student(stream: &mut Stream, degrees: usize) -> f64 {
        let squares: f64 = (0..degrees).map(|_| stream.normal().powi(2)).sum();
        stream.normal() / (squares / degrees as f64).sqrt()
    }

    #[test]
    fn heavy_tails_are_told_from_light_ones() {
        // Shares above the bar of the verdict, 0.7. The Cauchy law is Student's t with one degree, k = 1.
        let share = |k: Vec<f64>| k.iter().filter(|k| **k > 0.7).count();
        assert!(share(shapes(4000, |s| student(s, 1))) >= 198);
        assert_eq!(share(shapes(4000, |s| s.normal())), 0);
        assert_eq!(share(shapes(4000, |s| student(s, 5))), 0);
        assert_eq!(share(shapes(4000, |s| s.normal().exp())), 0);
        assert_eq!(share(shapes(4000, |s| s.uniform())), 0);
        assert_eq!(share(shapes(400, |s| student(s, 5))), 0);
    }

    #[test]
    fn one_heavy_tail_is_enough() {
        let mut x: Vec<f64> = (1..2000).map(|i| -1.0 / (f64::from(i) / 2000.0)).collect();
        x.sort_by(f64::total_cmp);
        assert!((tail_shape(&x, 1.0) - 1.0).abs() < 0.2);
    }

    #[test]
    fn what_cannot_be_said_is_nan() {
        assert!(tail_shape(&[1.0, 2.0, 3.0], 1.0).is_nan());
        assert!(tail_shape(&[1.0; 100], 1.0).is_nan());
        assert!(tail_shape(&[], f64::NAN).is_nan());
        // A scalar with two values has no tail.
        let coin: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i >= 50))).collect();
        assert!(tail_shape(&coin, 1.0).is_nan());
    }
}
