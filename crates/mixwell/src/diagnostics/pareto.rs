//! Pareto-smoothed importance sampling: can the importance weights be trusted, and a tamer version of them.
//!
//! The `M = ceil(min(S/5, 3 sqrt(S / r_eff)))` largest weights are compared with a generalised Pareto law of shape `k`,
//! fitted by the empirical Bayes estimate of Zhang and Stephens (2009), with a prior that pulls `k` to 1/2 with the weight of ten
//! draws; smoothing replaces the tail weights by the law's quantiles at `(i - 1/2)/M`, cut at the largest raw weight
//! (Vehtari et al. 2024). Read `k` like this: below 0.5 good; up to 0.7 usable; above, the estimate has a heavy
//! tail, its error is larger than it seems and more draws will hardly help; above 1 the mean weight does not exist.
//!
//! Log-weights may have any constant added, and may be `-inf`. Agrees with `psislw` of ArviZ 0.23, except that a tail
//! whose weights are all equal gets `k = 0`, not infinity: such weights cannot be too heavy. ArviZ 1.x takes one draw
//! less into the tail where `3 sqrt(S)` is not whole.

use crate::math::log_sum_exp;

/// Smoothed weights and the shape of their tail.
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoSmoothed {
    /// Smoothed log-weights, normalised: their exponentials add up to one. In the order given.
    pub log_weights: Vec<f64>,
    /// Shape of the tail. Infinite when fewer than five weights are in it; NaN when a weight is NaN, infinite, or all
    /// are zero.
    pub pareto_k: f64,
}

/// Smooths log-weights. `r_eff` is the ESS of the draws divided by their number, 1 for independent draws.
///
/// ```
/// use mixwell::diagnostics::pareto_smooth;
/// let log_weights: Vec<f64> = (0..400).map(|i| -f64::from(i) / 100.0).collect();
/// let smooth = pareto_smooth(&log_weights, 1.0);
/// assert!(smooth.pareto_k < 0.5);
/// assert!((smooth.log_weights.iter().map(|w| w.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
/// ```
pub fn pareto_smooth(log_weights: &[f64], r_eff: f64) -> ParetoSmoothed {
    let n = log_weights.len();
    let max = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !max.is_finite() || log_weights.iter().any(|w| w.is_nan()) {
        return ParetoSmoothed { log_weights: vec![f64::NAN; n], pareto_k: f64::NAN };
    }
    let mut smooth: Vec<f64> = log_weights.iter().map(|w| w - max).collect();
    let pareto_k = smooth_tail(&mut smooth, r_eff);
    let total = log_sum_exp(&smooth);
    smooth.iter_mut().for_each(|w| *w -= total);
    ParetoSmoothed { log_weights: smooth, pareto_k }
}

/// Smooths log-weights whose largest is zero, and returns the shape.
fn smooth_tail(w: &mut [f64], r_eff: f64) -> f64 {
    let n = w.len() as f64;
    let length = (n / 5.0).min(3.0 * (n / r_eff).sqrt()).ceil();
    if length >= n {
        return f64::INFINITY;
    }
    let mut order: Vec<usize> = (0..w.len()).collect();
    // The order of equal weights is that of the draws, as in a stable sort, without its buffer.
    order.sort_unstable_by(|a, b| w[*a].total_cmp(&w[*b]).then(a.cmp(b)));
    // The largest weight that is not in the tail; log-weights below that of the smallest normal number count as zero.
    let cutoff = w[order[w.len() - 1 - length as usize]].max(f64::MIN_POSITIVE.ln());
    if cutoff == 0.0 && length >= 5.0 {
        return 0.0;
    }
    let tail = &order[order.partition_point(|i| w[*i] <= cutoff)..];
    if tail.len() < 5 {
        return f64::INFINITY;
    }
    let excess: Vec<f64> = tail.iter().map(|i| w[*i].exp() - cutoff.exp()).collect();
    let (k, sigma) = fit_pareto(&excess);
    if !(k.is_finite() && sigma > 0.0) {
        return f64::INFINITY;
    }
    let m = tail.len() as f64;
    for (i, place) in tail.iter().enumerate() {
        let quantile = pareto_quantile((i as f64 + 0.5) / m, k, sigma);
        w[*place] = (quantile + cutoff.exp()).ln().min(0.0);
    }
    k
}

/// Shape `k` and scale `sigma` of the generalised Pareto law of ascending positive numbers, five at least.
///
/// The law is written with `b = -k / sigma`; its profile likelihood is averaged over a grid of `b`.
pub(super) fn fit_pareto(x: &[f64]) -> (f64, f64) {
    const PRIOR_B: f64 = 3.0;
    const PRIOR_K: (f64, f64) = (0.5, 10.0);
    let n = x.len() as f64;
    let shape = |b: f64| sum_of_logs(x, b) / n;
    let quartile = x[(n / 4.0 + 0.5) as usize - 1];
    let grid = 30 + n.sqrt() as usize;
    let points: Vec<f64> = (0..grid)
        .map(|i| {
            1.0 / x[x.len() - 1] + (1.0 - (grid as f64 / (i as f64 + 0.5)).sqrt()) / (PRIOR_B * quartile)
        })
        .collect();
    let log_likelihood: Vec<f64> = points
        .iter()
        .map(|&b| {
            let k = shape(b);
            let l = n * ((-b / k).ln() - k - 1.0);
            if l.is_nan() { f64::NEG_INFINITY } else { l }
        })
        .collect();
    let total = log_sum_exp(&log_likelihood);
    // Weights below a few roundings are left out, and a grid point that falls on b = 0.
    let (mut sum, mut mean) = (0.0, 0.0);
    for (b, l) in points.iter().zip(&log_likelihood) {
        let weight = (l - total).exp();
        if weight >= 10.0 * f64::EPSILON {
            sum += weight;
            mean += weight * b;
        }
    }
    let b = mean / sum;
    let k = shape(b);
    ((n * k + PRIOR_K.1 * PRIOR_K.0) / (n + PRIOR_K.1), -k / b)
}

/// `sum_i ln(1 - b x_i)` of ascending numbers, with one logarithm for sixteen of them where their product says as much: where
/// no factor is so near one that its rounding counts, and the product cannot leave the range of numbers.
fn sum_of_logs(x: &[f64], b: f64) -> f64 {
    const TAME: std::ops::Range<f64> = 1e-18..1e18;
    let factor = |v: f64| 1.0 - b * v;
    let largest = x[x.len() - 1];
    if (b * largest).abs() < 0.01 || !TAME.contains(&factor(x[0])) || !TAME.contains(&factor(largest)) {
        return x.iter().map(|v| (-b * v).ln_1p()).sum();
    }
    let product = |numbers: &[f64]| {
        let mut lanes = [1.0; 4];
        let fours = numbers.chunks_exact(4);
        let rest: f64 = fours.remainder().iter().map(|v| factor(*v)).product();
        for four in fours {
            lanes.iter_mut().zip(four).for_each(|(lane, v)| *lane *= factor(*v));
        }
        lanes.iter().product::<f64>() * rest
    };
    x.chunks(16).map(|numbers| product(numbers).ln()).sum()
}

/// Quantile function of the generalised Pareto law.
fn pareto_quantile(p: f64, k: f64, sigma: f64) -> f64 {
    let exponential = -(-p).ln_1p();
    if k.abs() < f64::EPSILON { sigma * exponential } else { sigma * (k * exponential).exp_m1() / k }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn the_shape_of_a_pareto_law_is_found() {
        // x = (u^-k - 1)/k is generalised Pareto with shape k and scale 1. The error of the shape is about (1 + k)/sqrt(n).
        for k in [-0.5, 0.2, 0.8, 1.5] {
            let mut stream = Stream::new(7, 0);
            let mut x: Vec<f64> = (0..4000).map(|_| (stream.uniform().powf(-k) - 1.0) / k).collect();
            x.sort_by(f64::total_cmp);
            let (shape, scale) = fit_pareto(&x);
            assert!((shape - k).abs() < 5.0 * (1.0 + k) / 4000f64.sqrt(), "{shape} is not {k}");
            assert!((scale - 1.0).abs() < 0.2, "{scale}");
        }
    }

    #[test]
    fn logarithms_of_products_are_sums_of_logarithms() {
        let mut stream = Stream::new(8, 0);
        for (n, scale) in [(5, 1.0), (600, 1.0), (601, 1e-3), (100, 1e9), (64, 1e200), (64, 1e-200)] {
            let mut x: Vec<f64> = (0..n).map(|_| stream.uniform() * scale).collect();
            x.sort_by(f64::total_cmp);
            for b in [0.999, 0.3, -0.4, 1e-9, -1e3, -1e40].map(|b| b / x[n - 1]) {
                let one_by_one: f64 = x.iter().map(|v| (-b * v).ln_1p()).sum();
                let sum = sum_of_logs(&x, b);
                assert!((sum / one_by_one - 1.0).abs() < 1e-13, "{n}, {b}: {sum} is not {one_by_one}");
            }
        }
    }

    #[test]
    fn quantiles_invert_the_distribution_function() {
        // 1 - (1 + k x / sigma)^(-1/k), and 1 - exp(-x / sigma) at k = 0.
        for (k, p) in [(0.5, 0.3), (-0.7, 0.9), (1e-17, 0.5)] {
            let x = pareto_quantile(p, k, 2.0);
            let back = if k < 1e-10 && k > 0.0 {
                -(-x / 2.0).exp_m1()
            } else {
                1.0 - (1.0 + k * x / 2.0).powf(-1.0 / k)
            };
            assert!((back - p).abs() < 1e-14);
        }
    }

    #[test]
    fn edge_cases() {
        assert_eq!(pareto_smooth(&[3.0; 100], 1.0).pareto_k, 0.0);
        assert!((pareto_smooth(&[3.0; 100], 1.0).log_weights[7] + 100f64.ln()).abs() < 1e-12);
        assert_eq!(pareto_smooth(&[0.0, 1.0], 1.0).pareto_k, f64::INFINITY);
        assert_eq!(pareto_smooth(&[0.0; 20], 1.0).pareto_k, f64::INFINITY);
        assert!(pareto_smooth(&[f64::NEG_INFINITY; 50], 1.0).pareto_k.is_nan());
        assert!(pareto_smooth(&[0.0, f64::NAN], 1.0).pareto_k.is_nan());
        assert!(pareto_smooth(&[], 1.0).pareto_k.is_nan());
        // One weight carries everything.
        let mut w = vec![-800.0; 100];
        w[3] = 0.0;
        assert_eq!(pareto_smooth(&w, 1.0).pareto_k, f64::INFINITY);
    }
}
