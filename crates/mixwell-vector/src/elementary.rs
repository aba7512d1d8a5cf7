//! exp, tanh, ln, softplus, sigmoid and the normal distribution function on vectors and on slices, good to a few units in the last place.
//!
//! exp: `x = n ln 2 + r`, `|r| <= ln(2)/2`, `exp x = 2^n sum r^k / k!`.
//! tanh: `t / (t + 2)` with `t = exp(2|x|) - 1`, formed without cancellation as `2^n (exp r - 1) + (2^n - 1)`.
//! ln: `x = 2^e m`, `1/sqrt 2 <= m < sqrt 2`, `ln x = e ln 2 + 2 atanh((m - 1)/(m + 1))`.
//! softplus: `ln(1 + exp x) = max(x, 0) + 2 atanh(y / (2 + y))`, `y = exp(-|x|)`.
//! Phi: `Phi(-a) = exp(-a^2/2) h((a - 4)/(a + 4)) / (1 + a)` for `a >= 0`, h a polynomial; `Phi(a) = 1 - Phi(-a)`.
//!
//! Bounds, in units in the last place, over the whole range (tests below; with / without fused multiply-add):
//! exp 2 / 3, tanh 3 / 4, ln 2 / 4, softplus 3 / 4, sigmoid 4 / 5, Phi(x) 5 + x^2/2 (the rounding of x^2). Results below the smallest normal number may lose
//! all relative precision. NaN gives NaN; infinities give the limits; ln of a negative number is NaN, of zero `-inf`.

use super::simd::{self, Isa, Job, Lanes, Vector};
use crate::Real;

/// `terms[0] + terms[1] x + ...`
#[inline(always)]
fn polynomial<T: Real, V: Vector<T>>(terms: &'static [T], x: V) -> V {
    let (last, rest) = terms.split_last().expect("a polynomial has terms");
    let mut sum = V::splat(*last);
    for &term in rest.iter().rev() {
        sum = sum.mul_add(x, V::splat(term));
    }
    sum
}

/// `x = n ln 2 + r`: returns `n` and `exp(r) - 1`.
#[inline(always)]
fn reduce<T: Real, V: Vector<T>>(x: V) -> (V, V) {
    let n = (x * V::splat(T::LOG2_E)).round();
    let r = n.mul_add(V::splat(-T::LN_2_HIGH), x);
    let r = n.mul_add(V::splat(-T::LN_2_LOW), r);
    // r + r^2 (1/2 + ...): the leading term is exact.
    (n, (r * r).mul_add(polynomial(&T::EXP_TERMS[1..], r), r))
}

/// `e^x`.
#[inline(always)]
pub fn exp<T: Real, V: Vector<T>>(x: V) -> V {
    // The constant goes first, so that NaN passes through min and max.
    let x = V::splat(T::EXP_LOW).max(V::splat(T::EXP_HIGH).min(x));
    let (n, expm1) = reduce(x);
    (expm1 + V::splat(T::ONE)).scale2(n)
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh<T: Real, V: Vector<T>>(x: V) -> V {
    let y = V::splat(T::TANH_HIGH).min(x.abs());
    let (n, expm1) = reduce(y + y);
    let power = V::splat(T::ONE).scale2(n);
    let t = power.mul_add(expm1, power - V::splat(T::ONE));
    (t / (t + V::splat(T::ONE + T::ONE))).copysign(x)
}

/// Natural logarithm.
#[inline(always)]
pub fn ln<T: Real, V: Vector<T>>(x: V) -> V {
    let (zero, one) = (V::splat(T::ZERO), V::splat(T::ONE));
    let (smallest, lift, lift_exponent) = T::LIFT;
    let tiny = x.lt(V::splat(smallest));
    let (e, m) = V::select(tiny, x * V::splat(lift), x).split();
    let e = e - V::select(tiny, V::splat(lift_exponent), zero);
    let root2 = V::splat(T::from_f64(std::f64::consts::SQRT_2));
    let small = m.lt(root2);
    let m = V::select(small, m, m * V::splat(T::from_f64(0.5)));
    let e = V::select(small, e, e + one);
    // 2 atanh(s) with f = m - 1 exact: f - s (f - tail), where tail = 2 s^2 (1/3 + s^2/5 + ...).
    let f = m - one;
    let s = f / (f + V::splat(T::ONE + T::ONE));
    let s2 = s * s;
    let tail = (s2 + s2) * polynomial(&T::LN_TERMS[1..], s2);
    let small_part = e.mul_add(V::splat(T::LN_2_LOW), s * (tail - f));
    let value = e.mul_add(V::splat(T::LN_2_HIGH), f + small_part);
    // Outside (0, inf): inf stays, zero gives -inf, the rest (negative or NaN) gives NaN.
    let infinite = V::splat(T::INFINITY);
    let value = V::select(x.lt(infinite), value, x);
    let value = V::select(zero.lt(x), value, V::splat(T::NAN));
    V::select(zero.lt(x.abs()), value, V::select(x.lt(one), V::splat(-T::INFINITY), x))
}

/// `ln(1 + y)` for `0 <= y <= 1`.
#[inline(always)]
fn ln_1p_unit<T: Real, V: Vector<T>>(y: V) -> V {
    let s = y / (y + V::splat(T::ONE + T::ONE));
    (s + s) * polynomial(T::LN_1P_TERMS, s * s)
}

/// `ln(1 + e^x)`.
#[inline(always)]
pub fn softplus<T: Real, V: Vector<T>>(x: V) -> V {
    V::splat(T::ZERO).max(x) + ln_1p_unit(exp(-x.abs()))
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid<T: Real, V: Vector<T>>(x: V) -> V {
    V::splat(T::ONE) / (V::splat(T::ONE) + exp(-x))
}

/// The distribution function of the standard normal distribution, good in both tails, and its density.
#[inline(always)]
pub fn normal_cdf_and_density<T: Real, V: Vector<T>>(x: V) -> (V, V) {
    let (one, four) = (V::splat(T::ONE), V::splat(T::from_f64(4.0)));
    let a = V::splat(T::NORMAL_HIGH).min(x.abs());
    let bell = exp(a * a * V::splat(T::from_f64(-0.5)));
    let tail = bell * polynomial(T::NORMAL_TERMS, (a - four) / (a + four)) / (one + a);
    let root = V::splat(T::from_f64(0.398_942_280_401_432_7)); // 1 / sqrt(2 pi)
    (V::select(x.lt(V::splat(T::ZERO)), tail, one - tail), bell * root)
}

/// The distribution function of the standard normal distribution.
#[inline(always)]
pub fn normal_cdf<T: Real, V: Vector<T>>(x: V) -> V {
    normal_cdf_and_density(x).0
}

/// A function of one vector.
pub trait Unary: Copy {
    /// Its value.
    fn at<T: Real, V: Vector<T>>(self, x: V) -> V;
}

/// Replaces every number of a slice by its image, also where the length is no multiple of the lanes.
#[inline(always)]
pub fn map<T: Real, I: Isa>(values: &mut [T], f: impl Unary) {
    let lanes = Lanes::<T, I>::LANES;
    let mut chunks = values.chunks_exact_mut(lanes);
    for chunk in &mut chunks {
        f.at::<T, Lanes<T, I>>(Lanes::<T, I>::of(chunk)).put(chunk);
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        let mut padded = [T::ONE; 16];
        padded[..rest.len()].copy_from_slice(rest);
        f.at::<T, Lanes<T, I>>(Lanes::<T, I>::of(&padded)).put(&mut padded);
        rest.copy_from_slice(&padded[..rest.len()]);
    }
}

struct Map<'a, T, F>(&'a mut [T], F);

impl<T: Real, F: Unary> Job for Map<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        map::<T, I>(self.0, self.1);
    }
}

macro_rules! unary {
    ($type:ident, $function:ident, $slice:ident, $doc:literal) => {
        #[derive(Clone, Copy)]
        struct $type;
        impl Unary for $type {
            #[inline(always)]
            fn at<T: Real, V: Vector<T>>(self, x: V) -> V {
                $function(x)
            }
        }
        #[doc = $doc]
        pub fn $slice<T: Real>(values: &mut [T]) {
            simd::run(Map(values, $type));
        }
    };
}

unary!(Exp, exp, exp_slice, "`e^x` in place.");
unary!(Tanh, tanh, tanh_slice, "Hyperbolic tangent in place.");
unary!(Ln, ln, ln_slice, "Natural logarithm in place.");
unary!(Softplus, softplus, softplus_slice, "`ln(1 + e^x)` in place.");
unary!(Sigmoid, sigmoid, sigmoid_slice, "`1 / (1 + e^-x)` in place.");
unary!(
    NormalCdf,
    normal_cdf,
    normal_cdf_slice,
    "The distribution function of the standard normal distribution in place."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Eval<T, F>(Vec<T>, F);
    impl<T: Real, F: Unary> Job for Eval<T, F> {
        type Output = Vec<T>;
        #[inline(always)]
        fn call<I: Isa>(self) -> Vec<T> {
            let mut v = self.0;
            map::<T, I>(&mut v, self.1);
            v
        }
    }

    /// Largest distance from the reference, in units in the last place of the reference.
    fn worst32(f: impl Unary, reference: fn(f64) -> f64, inputs: &[f32]) -> f64 {
        let mut worst = 0.0;
        simd::run_all(&Eval(inputs.to_vec(), f), |isa, out| {
            for (x, y) in inputs.iter().zip(out) {
                let want = reference(f64::from(*x));
                let ulp =
                    f64::from((want.abs() as f32).max(f32::MIN_POSITIVE)) * f64::from(f32::EPSILON) / 2.0;
                if (want as f32).is_infinite() {
                    assert_eq!(y, want as f32, "{isa}: {x}");
                    continue;
                }
                // A unit in the last place lies between eps/2 and eps times the value: count the smaller, then halve.
                let error = (f64::from(y) - want).abs() / ulp / 2.0;
                assert!(error.is_finite(), "{isa}: f({x}) = {y}, not {want}");
                worst = f64::max(worst, error);
            }
        });
        worst
    }

    fn worst64(f: impl Unary, reference: fn(f64) -> f64, inputs: &[f64]) -> f64 {
        let mut worst = 0.0;
        simd::run_all(&Eval(inputs.to_vec(), f), |isa, out| {
            for (x, y) in inputs.iter().zip(out) {
                let want = reference(*x);
                if want.is_infinite() {
                    assert_eq!(y, want, "{isa}: {x}");
                    continue;
                }
                let error = (y - want).abs() / (want.abs().max(f64::MIN_POSITIVE) * f64::EPSILON);
                assert!(error.is_finite(), "{isa}: f({x}) = {y}, not {want}");
                worst = f64::max(worst, error);
            }
        });
        worst
    }

    /// A grid over `[low, high]` and points around zero on every scale.
    fn grid(low: f64, high: f64, smallest_exponent: i32) -> Vec<f64> {
        let mut points: Vec<f64> =
            (0..200_000).map(|i| low + (high - low) * (i as f64 + 0.3) / 200_000.0).collect();
        for e in smallest_exponent..10 {
            for k in 0..50 {
                let x = 2f64.powi(e) * (1.0 + k as f64 / 50.0);
                points.extend([x, -x].into_iter().filter(|v| (low..high).contains(v)));
            }
        }
        points.push(0.0);
        points
    }

    fn narrow(points: &[f64]) -> Vec<f32> {
        points.iter().map(|v| *v as f32).collect()
    }

    #[test]
    fn elementary_functions_keep_their_bounds() {
        let sp = |x: f64| x.max(0.0) + libm::log1p((-x.abs()).exp());
        let sg = |x: f64| 1.0 / (1.0 + (-x).exp());
        let mut report = Vec::new();
        let mut check = |name, w32: f64, w64: f64, bound: f64| {
            report.push(format!("{name}: {w32:.2} / {w64:.2} ulp"));
            assert!(w32 < bound && w64 < bound, "{report:?}");
        };
        let (g32, g64) = (grid(-86.0, 88.0, -40), grid(-707.0, 709.0, -80));
        check("exp", worst32(Exp, libm::exp, &narrow(&g32)), worst64(Exp, libm::exp, &g64), 3.0);
        let t = grid(-25.0, 25.0, -80);
        check("tanh", worst32(Tanh, libm::tanh, &narrow(&t)), worst64(Tanh, libm::tanh, &t), 4.0);
        let l: Vec<f64> =
            grid(0.0, 600.0, -120).into_iter().chain(grid(0.5, 1.5, -1)).filter(|v| *v > 0.0).collect();
        check("ln", worst32(Ln, libm::log, &narrow(&l)), worst64(Ln, libm::log, &l), 4.0);
        check("softplus", worst32(Softplus, sp, &narrow(&g32)), worst64(Softplus, sp, &g64), 4.0);
        check("sigmoid", worst32(Sigmoid, sg, &narrow(&g32)), worst64(Sigmoid, sg, &g64), 5.0);
        // The reference rounds its argument, too.
        let phi = |x: f64| 0.5 * libm::erfc(x * -std::f64::consts::FRAC_1_SQRT_2);
        for high in [0.5f64, 1.0, 2.0, 4.0, 8.0, 12.0] {
            let n = grid(-high, high, -40);
            let [w32, w64] = [worst32(NormalCdf, phi, &narrow(&n)), worst64(NormalCdf, phi, &n)];
            check("Phi", w32, w64, 5.0 + high * high);
        }
    }

    #[test]
    fn limits_and_nan() {
        fn values<T: Real>(f: impl Unary, x: f64, want: f64) {
            simd::run_all(&Eval(vec![T::from_f64(x); 3], f), |isa, y| {
                let y = y[2].to_f64();
                assert!(y == want || (y.is_nan() && want.is_nan()), "{isa}: f({x}) = {y}, not {want}");
            });
        }
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        macro_rules! both {
            ($f:ident, $($x:expr => $y:expr),*) => { $( values::<f32>($f, $x, $y); values::<f64>($f, $x, $y); )* };
        }
        both!(Exp, inf => inf, -inf => 0.0, nan => nan, 0.0 => 1.0, 1e30 => inf, -1e30 => 0.0);
        both!(Tanh, inf => 1.0, -inf => -1.0, nan => nan, 0.0 => 0.0, 1e30 => 1.0);
        both!(Ln, inf => inf, 0.0 => -inf, -0.0 => -inf, -1.0 => nan, -inf => nan, nan => nan, 1.0 => 0.0);
        both!(Softplus, inf => inf, -inf => 0.0, nan => nan);
        both!(NormalCdf, inf => 1.0, nan => nan, 0.0 => 0.5, 1e30 => 1.0);
        both!(Sigmoid, inf => 1.0, -inf => 0.0, nan => nan, 0.0 => 0.5);
        // Subnormal numbers have logarithms.
        values::<f64>(Ln, 5e-324, libm::log(5e-324));
    }

    #[test]
    fn slices_of_any_length() {
        for n in 0..40 {
            let mut v: Vec<f64> = (0..n).map(|i| i as f64 * 0.1).collect();
            tanh_slice(&mut v);
            for (i, y) in v.iter().enumerate() {
                assert!((y - (i as f64 * 0.1).tanh()).abs() < 1e-15);
            }
        }
    }
}
