//! Scalar functions used everywhere: log-sum-exp, the standard normal law, the beta and chi-square laws.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// `ln(sum(exp(values)))` with the maximum subtracted first; `-inf` when all are `-inf` or there are none.
pub fn log_sum_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !max.is_finite() {
        return if values.iter().any(|v| v.is_nan()) { f64::NAN } else { max };
    }
    max + values.iter().map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// `ln(1 + exp(x))` without overflow.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + exp(-x))` without overflow.
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// Log-density of `N(0, I)` at `z`.
pub fn standard_normal_log_prob(z: &[f64]) -> f64 {
    -0.5 * (z.iter().map(|v| v * v).sum::<f64>() + z.len() as f64 * TAU.ln())
}

/// Distribution function of the standard normal law.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// Quantile function of the standard normal law: Acklam's rational approximation, refined by Halley's method to full
/// double precision. `-inf` at 0, `inf` at 1, NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    // Work in the lower half, where the distribution function keeps its relative precision.
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let mut x = if p < 0.024_25 {
        let q = (-2.0 * p.ln()).sqrt();
        (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q
            - 2.549732539343734)
            * q
            + 4.374664141464968)
            * q
            + 2.938163982698783)
            / ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q
                + 3.754408661907416)
                * q
                + 1.0)
    } else {
        let q = p - 0.5;
        let r = q * q;
        (((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269)
            * r
            - 30.66479806614716)
            * r
            + 2.506628277459239)
            * q
            / (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r
                + 66.80131188771972)
                * r
                - 13.28068155288572)
                * r
                + 1.0)
    };
    for _ in 0..2 {
        let e = normal_cdf(x) - p;
        let u = e * TAU.sqrt() * (0.5 * x * x).exp();
        x -= u / (1.0 + 0.5 * x * u);
    }
    x
}

/// Distribution function of the beta law, the regularised incomplete beta function `I_x(a, b)`, by the continued
/// fraction of DLMF 8.17.22 (modified Lentz). NaN unless `a`, `b` are positive and `x` is in `[0, 1]`.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite() && (0.0..=1.0).contains(&x)) {
        return f64::NAN;
    }
    // The fraction converges fast below the mean; above it, mirror.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_cdf_below_mean(1.0 - x, b, a);
    }
    beta_cdf_below_mean(x, a, b)
}

fn beta_cdf_below_mean(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let log_front = a * x.ln() + b * (-x).ln_1p() + libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    let away_from_zero = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    // Of the order of sqrt(max(a, b)) terms are needed.
    for m in 1..100_000 {
        let m = f64::from(m);
        let mut delta = 1.0;
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            delta = c * d;
            fraction *= delta;
        }
        if (delta - 1.0_f64).abs() < 1e-15 {
            break;
        }
    }
    log_front.exp() * fraction / a
}

/// Upper tail `P(X > x)` of the chi-square law with `freedom` degrees of freedom: the regularised incomplete gamma function
/// `Q(freedom/2, x/2)`, by its power series (DLMF 8.7.1) or, in the tail, its continued fraction (8.9.2, modified Lentz).
/// NaN unless `freedom` is positive and `x` is not negative.
pub fn chi_square_tail(x: f64, freedom: f64) -> f64 {
    if !(freedom > 0.0 && freedom.is_finite() && x >= 0.0) {
        return f64::NAN;
    }
    let (a, x) = (0.5 * freedom, 0.5 * x);
    let log_front = a * x.ln() - x - libm::lgamma(a);
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        let mut n = a;
        while term > sum * 1e-17 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return 1.0 - sum * log_front.exp();
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut fraction = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let step = -i * (i - a);
        b += 2.0;
        d = 1.0 / (step * d + b);
        c = b + step / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction * log_front.exp()
}

/// Quantile function of the chi-square law with `freedom` degrees of freedom: bisection on [`chi_square_tail`]. Infinite at 1, NaN outside
/// `0 <= p <= 1` or unless `freedom` is positive.
pub fn chi_square_quantile(p: f64, freedom: f64) -> f64 {
    if !((0.0..=1.0).contains(&p) && freedom > 0.0 && freedom.is_finite()) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { 0.0 } else { f64::INFINITY };
    }
    let above = 1.0 - p;
    let (mut low, mut high) = (0.0, freedom.max(1.0));
    while chi_square_tail(high, freedom) > above {
        (low, high) = (high, 2.0 * high);
    }
    // Until nothing lies between: some hundred steps at most.
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return high;
        }
        if chi_square_tail(middle, freedom) > above {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Quantile function of the beta law: Newton's method on [`beta_cdf`], kept inside a shrinking bracket. NaN outside
/// `0 <= p <= 1` or unless `a`, `b` are positive.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if !((0.0..=1.0).contains(&p) && a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return p;
    }
    let log_norm = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    let (mut low, mut high) = (0.0, 1.0);
    let mut x = a / (a + b);
    for _ in 0..200 {
        let excess = beta_cdf(x, a, b) - p;
        if excess < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let density = (log_norm + (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p()).exp();
        let newton = x - excess / density;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - x).abs() <= 1e-15 * x {
            return next;
        }
        x = next;
    }
    x
}

/// Quantile function of Student's t law with `dof` degrees of freedom, not necessarily whole. NaN outside `0 <= p <= 1` or
/// unless `dof` is positive.
///
/// `P(|T| > t) = 1 - I_y(1/2, dof/2)` with `y = t^2 / (dof + t^2)`.
pub fn student_quantile(p: f64, dof: f64) -> f64 {
    if !((0.0..=1.0).contains(&p) && dof > 0.0) {
        return f64::NAN;
    }
    if dof > 1e7 {
        return normal_quantile(p);
    }
    let y = beta_quantile((2.0 * p - 1.0).abs(), 0.5, 0.5 * dof);
    (dof * y / (1.0 - y)).sqrt().copysign(p - 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sum_exp_of_extremes() {
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
        assert!((log_sum_exp(&[1e4, 1e4]) - (1e4 + 2f64.ln())).abs() < 1e-9);
        assert!(log_sum_exp(&[0.0, f64::NAN]).is_nan());
    }

    #[test]
    fn normal_quantile_inverts_the_distribution_function() {
        // Published quantiles: 97.5 % and 0.1 %.
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((normal_quantile(0.001) + 3.090_232_306_167_813_5).abs() < 1e-13);
        for i in 1..1000 {
            let p = i as f64 / 1000.0;
            assert!((normal_cdf(normal_quantile(p)) - p).abs() < 1e-15, "{p}");
        }
        assert!((normal_quantile(1e-300) + 37.047_096_299_361_2).abs() < 1e-10);
    }

    #[test]
    fn logistic_and_softplus_do_not_overflow() {
        assert_eq!(logistic(-1000.0), 0.0);
        assert_eq!(logistic(1000.0), 1.0);
        assert_eq!(softplus(1000.0), 1000.0);
        assert!((softplus(0.0) - 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn beta_law_against_polynomials() {
        // I_x(2, 3) = 6x^2 - 8x^3 + 3x^4; I_x(1, b) = 1 - (1 - x)^b; I_x(1/2, 1/2) = 2/pi asin(sqrt x).
        for i in 1..100 {
            let x = f64::from(i) / 100.0;
            assert!((beta_cdf(x, 2.0, 3.0) - x * x * (6.0 - 8.0 * x + 3.0 * x * x)).abs() < 1e-14);
            assert!((beta_cdf(x, 1.0, 7.5) - (1.0 - (1.0 - x).powf(7.5))).abs() < 1e-14);
            let arcsine = 2.0 * x.sqrt().asin() / std::f64::consts::PI;
            assert!((beta_cdf(x, 0.5, 0.5) - arcsine).abs() < 1e-14);
        }
        assert_eq!((beta_cdf(0.0, 2.0, 3.0), beta_cdf(1.0, 2.0, 3.0)), (0.0, 1.0));
        assert!(beta_cdf(0.5, 0.0, 1.0).is_nan() && beta_cdf(1.5, 1.0, 1.0).is_nan());
    }

    #[test]
    fn student_quantiles_of_tables() {
        // 97.5 % with 1, 2, 7, 10 and 1000 degrees of freedom; with 1 it is tan(0.475 pi), with 2 sqrt(0.95^2 2 / (1 - 0.95^2)).
        for (dof, expected) in [
            (1.0, (0.475 * std::f64::consts::PI).tan()),
            (2.0, (0.95 * 0.95 * 2.0 / (1.0 - 0.95 * 0.95f64)).sqrt()),
            (7.0, 2.364_624_251),
            (10.0, 2.228_138_852),
            (1000.0, 1.962_339_081),
            (9e6, 1.959_964_248),
            (1e9, 1.959_963_985),
        ] {
            let t = student_quantile(0.975, dof);
            assert!((t / expected - 1.0).abs() < 2e-8, "{dof}: {t} is not {expected}");
            assert!((student_quantile(0.025, dof) / t + 1.0).abs() < 1e-12);
        }
        assert_eq!(student_quantile(0.5, 3.0), 0.0);
        assert_eq!(student_quantile(1.0, 3.0), f64::INFINITY);
        assert!(student_quantile(0.5, 0.0).is_nan() && student_quantile(1.5, 3.0).is_nan());
    }

    #[test]
    fn chi_square_tails_against_closed_forms() {
        // Two degrees: exp(-x/2); four: (1 + x/2) exp(-x/2); one: erfc(sqrt(x/2)).
        for i in 1..400 {
            let x = f64::from(i) * 0.25;
            let close = |a: f64, b: f64| (a - b).abs() < 1e-14 + 1e-12 * b;
            assert!(close(chi_square_tail(x, 2.0), (-x / 2.0).exp()), "{x}");
            assert!(close(chi_square_tail(x, 4.0), (1.0 + x / 2.0) * (-x / 2.0).exp()), "{x}");
            assert!(close(chi_square_tail(x, 1.0), libm::erfc((x / 2.0).sqrt())), "{x}");
        }
        // A published 95 % quantile: 18.307 for ten degrees.
        assert!((chi_square_tail(18.307_038_053_275_146, 10.0) - 0.05).abs() < 1e-14);
        // Two degrees: -2 ln(1 - p). Ten: the same table.
        assert!((chi_square_quantile(0.999, 2.0) + 2.0 * 0.001f64.ln()).abs() < 1e-11);
        assert!((chi_square_quantile(0.95, 10.0) - 18.307_038_053_275_146).abs() < 1e-12);
        assert!(chi_square_quantile(1.0, 2.0) == f64::INFINITY && chi_square_quantile(1.1, 2.0).is_nan());
        assert!(chi_square_quantile(0.0, 2.0) == 0.0 && chi_square_quantile(0.5, 0.0).is_nan());
        assert_eq!(chi_square_tail(0.0, 3.0), 1.0);
        assert!(chi_square_tail(-1.0, 3.0).is_nan() && chi_square_tail(1.0, 0.0).is_nan());
        assert!(chi_square_tail(f64::NAN, 3.0).is_nan());
    }

    #[test]
    fn beta_quantile_inverts_the_distribution_function() {
        for (a, b) in [(0.5, 0.7), (1.0, 1.0), (2.0, 30.0), (4001.0, 201.0), (5e5, 4.5e6)] {
            for p in [1e-6, 0.1586553, 0.5, 0.8413447, 0.999] {
                let x = beta_quantile(p, a, b);
                assert!((beta_cdf(x, a, b) - p).abs() < 1e-9, "a = {a}, b = {b}, p = {p}: {x}");
            }
        }
        // A symmetric law has its median in the middle.
        assert!((beta_quantile(0.5, 1234.5, 1234.5) - 0.5).abs() < 1e-14);
        assert!(beta_quantile(f64::NAN, 1.0, 1.0).is_nan());
    }
}
