//! The exponential of a number that is not positive, written so that a loop over it becomes vector instructions.
//!
//! `exp(x) = 2^k exp(r)` with `k = round(x / ln 2)` and `|r| <= ln(2)/2`; `exp(r)` by its Taylor polynomial of degree 13,
//! whose remainder `r^14/14!` is below 5e-18. The error is within 2 units in the last place. Below `-708` the result
//! is zero (the exact value is below 3.4e-308), which is what a weight that small amounts to; NaN stays NaN.

/// `exp(x)` for `x <= 0`.
#[inline(always)]
pub(crate) fn exp_nonpositive(x: f64) -> f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    // ln 2 in two parts: the first has 32 zero bits at its end, so that k times it is exact.
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Adding it leaves the rounded sum in the low bits of the mantissa.
    const ROUND: f64 = 6_755_399_441_055_744.0;

    let shifted = x * LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let mut p = 1.0 / 6_227_020_800.0;
    p = p * r + 1.0 / 479_001_600.0;
    p = p * r + 1.0 / 39_916_800.0;
    p = p * r + 1.0 / 3_628_800.0;
    p = p * r + 1.0 / 362_880.0;
    p = p * r + 1.0 / 40_320.0;
    p = p * r + 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    let scale = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    if x < -708.0 { 0.0 } else { p * scale }
}

/// `exp` of every number, none of them positive. One long loop is what the compiler turns into vector instructions;
/// the same loop over lanes nested in rows is not.
#[inline(always)]
pub(crate) fn exp_nonpositive_each(values: &mut [f64]) {
    for v in values {
        *v = exp_nonpositive(*v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library_to_two_units_in_the_last_place() {
        let mut x = 0.0;
        while x > -708.0 {
            let (a, b) = (exp_nonpositive(x), f64::exp(x));
            assert!((a - b).abs() <= 2.0 * f64::EPSILON * b, "{x}: {a} {b}");
            x -= 0.003_17;
        }
        assert_eq!(exp_nonpositive(0.0), 1.0);
        assert_eq!(exp_nonpositive(-1e300), 0.0);
        assert_eq!(exp_nonpositive(f64::NEG_INFINITY), 0.0);
        assert!(exp_nonpositive(f64::NAN).is_nan());
    }
}
