//! Whether estimates of one `ln Z` agree: every pair by its difference in standard errors.
//!
//! With errors `s_a`, `s_b` on `d_a`, `d_b` degrees of freedom, the difference over `s = (s_a^2 + s_b^2)^(1/2)` is held against the quantile of
//! Student's law on `s^4 / (s_a^4 / d_a + s_b^4 / d_b)` degrees (Welch), at a level at which estimates that are right are told to disagree
//! once in a thousand times over all pairs. It cannot see what all of them miss: a mode that none finds.

use serde::Serialize;

use super::LogEvidence;
use crate::math::student_quantile;

/// Share of correct sets of estimates that are told to disagree.
const FALSE_ALARMS: f64 = 1e-3;
/// Differences below this, relative to the values, are rounding.
const ROUNDING: f64 = 1e-9;

/// Two estimates that cannot both be right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disagreement {
    /// Their names.
    pub names: [String; 2],
    /// Their values.
    pub values: [f64; 2],
    /// The difference in standard errors.
    pub off: f64,
    /// What it may be.
    pub bar: f64,
}

/// The pairs of estimates that disagree, the worst first. An estimate without a finite value or error takes no part.
///
/// ```
/// use mixwell::estimate::{LogEvidence, disagreements};
/// let near = LogEvidence::of_replicates(&[0.1, -0.1, 0.05, 0.0]);
/// let far = LogEvidence { value: near.value + 1.0, ..near };
/// assert_eq!(disagreements(&[("a", near), ("b", near)]).len(), 0);
/// assert_eq!(disagreements(&[("a", near), ("b", far)])[0].names, ["a", "b"]);
/// ```
pub fn disagreements(estimates: &[(&str, LogEvidence)]) -> Vec<Disagreement> {
    let usable = |z: &LogEvidence| z.value.is_finite() && z.standard_error.is_finite();
    let usable: Vec<_> = estimates.iter().filter(|(_, z)| usable(z)).collect();
    let pairs = usable.len() * usable.len().saturating_sub(1) / 2;
    let mut found = Vec::new();
    for (i, (name, a)) in usable.iter().enumerate() {
        for (other, b) in &usable[i + 1..] {
            let [va, vb] = [a, b].map(|z| z.standard_error * z.standard_error);
            let degrees =
                (va + vb).powi(2) / (va * va / a.degrees_of_freedom + vb * vb / b.degrees_of_freedom);
            // Both without error: any difference is one.
            let degrees = if degrees.is_nan() { f64::INFINITY } else { degrees };
            let bar = student_quantile(1.0 - 0.5 * FALSE_ALARMS / pairs as f64, degrees);
            let difference = (a.value - b.value).abs();
            let off = difference / (va + vb).sqrt();
            if off > bar && difference > ROUNDING * (1.0 + a.value.abs()) {
                let names = [name.to_string(), other.to_string()];
                found.push(Disagreement { names, values: [a.value, b.value], off, bar });
            }
        }
    }
    found.sort_by(|a, b| (b.off / b.bar).total_cmp(&(a.off / a.bar)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::estimate::Basis;

    fn z(value: f64, standard_error: f64, degrees_of_freedom: f64) -> LogEvidence {
        LogEvidence { value, standard_error, degrees_of_freedom, skewness: 0.0, basis: Basis::Replicates }
    }

    #[test]
    fn estimates_that_are_right_agree_as_often_as_is_said() {
        // Means of six normal values, with their own errors: three of them, three pairs.
        let mut stream = Stream::new(8, 0);
        let mut alarms = 0;
        for _ in 0..20_000 {
            let mut estimate = || {
                let values: Vec<f64> = (0..6).map(|_| stream.normal()).collect();
                let mean = values.iter().sum::<f64>() / 6.0;
                let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 5.0;
                z(mean, (variance / 6.0).sqrt(), 5.0)
            };
            alarms += usize::from(
                !disagreements(&[("a", estimate()), ("b", estimate()), ("c", estimate())]).is_empty(),
            );
        }
        // At most one in a thousand: 20, of which the count strays by 4.5.
        assert!(alarms <= 20 + 5 * 5, "{alarms}");
    }

    #[test]
    fn the_worst_comes_first_and_what_is_no_number_takes_no_part() {
        let all = [
            ("quadrature", z(0.0, 0.0, f64::INFINITY)),
            ("flow", z(0.5, 0.01, 9999.0)),
            ("smc", z(0.2, 0.1, 7.0)),
            ("ais", z(f64::NEG_INFINITY, f64::NAN, 9.0)),
        ];
        let found = disagreements(&all);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].names, ["quadrature", "flow"]);
        assert!((found[0].off - 50.0).abs() < 1e-9 && found[0].bar < 5.0);
        let exact = [
            ("a", z(1.0, 0.0, f64::INFINITY)),
            ("b", z(1.0, 0.0, f64::INFINITY)),
            ("c", z(1.1, 0.0, f64::INFINITY)),
        ];
        assert_eq!(disagreements(&exact).len(), 2);
        assert!(disagreements(&exact[..1]).is_empty() && disagreements(&[]).is_empty());
    }
}
