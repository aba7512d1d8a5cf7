//! What a log-density may do with its numbers: arithmetic, comparisons, elementary functions.
//!
//! Every function is its value and its derivative at a plain number, joined by [`Number::chain`]. The value is that of `f64`, operation by operation,
//! so a density has the same bits with and without gradient.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::math::{logistic, normal_cdf};

/// A number that a density is computed in: an `f64`, or one with derivatives. Compared by its value.
///
/// A plain number stands to the right (`x * 2.0`, `x - 1.0`), or becomes one of these first (`N::from(1.0) - x`).
pub trait Number:
    Copy
    + Debug
    + PartialOrd
    + From<f64>
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + AddAssign<f64>
    + SubAssign<f64>
    + MulAssign<f64>
    + DivAssign<f64>
    + Sum
{
    /// Its value, without derivatives.
    fn value(self) -> f64;

    /// `f(self)` for a function whose value and derivative at [`Number::value`] are these: the way to functions that are not here.
    fn chain(self, value: f64, derivative: f64) -> Self;

    /// `sum_j a_j x_j`, as far as the shorter of both goes: faster than a loop, most of all where `x` is the point itself.
    fn dot(a: &[f64], x: &[Self]) -> Self;

    /// `e^x`.
    #[inline(always)]
    fn exp(self) -> Self {
        let e = self.value().exp();
        self.chain(e, e)
    }

    /// `e^x - 1`.
    #[inline(always)]
    fn exp_m1(self) -> Self {
        let e = self.value().exp_m1();
        self.chain(e, e + 1.0)
    }

    /// Natural logarithm.
    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(self.value().ln(), 1.0 / self.value())
    }

    /// `ln(1 + x)`.
    #[inline(always)]
    fn ln_1p(self) -> Self {
        self.chain(self.value().ln_1p(), 1.0 / (1.0 + self.value()))
    }

    /// Square root.
    #[inline(always)]
    fn sqrt(self) -> Self {
        let root = self.value().sqrt();
        self.chain(root, 0.5 / root)
    }

    /// `1 / x`.
    #[inline(always)]
    fn recip(self) -> Self {
        let inverse = 1.0 / self.value();
        self.chain(inverse, -inverse * inverse)
    }

    /// `x^n`.
    #[inline(always)]
    fn powi(self, n: i32) -> Self {
        self.chain(power(self.value(), n), f64::from(n) * power(self.value(), n.saturating_sub(1)))
    }

    /// `x^p`.
    #[inline(always)]
    fn powf(self, p: f64) -> Self {
        self.chain(self.value().powf(p), p * self.value().powf(p - 1.0))
    }

    /// Sine.
    #[inline(always)]
    fn sin(self) -> Self {
        self.chain(self.value().sin(), self.value().cos())
    }

    /// Cosine.
    #[inline(always)]
    fn cos(self) -> Self {
        self.chain(self.value().cos(), -self.value().sin())
    }

    /// Hyperbolic tangent.
    #[inline(always)]
    fn tanh(self) -> Self {
        let t = self.value().tanh();
        self.chain(t, 1.0 - t * t)
    }

    /// Arc tangent.
    #[inline(always)]
    fn atan(self) -> Self {
        self.chain(self.value().atan(), 1.0 / (1.0 + self.value() * self.value()))
    }

    /// Absolute value; its derivative at 0 is taken to be 1.
    #[inline(always)]
    fn abs(self) -> Self {
        if self.value() < 0.0 { -self } else { self }
    }

    /// The larger of both, `self` where they are equal; `self` where either is NaN.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The smaller of both, `self` where they are equal; `self` where either is NaN.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    /// `ln(1 + e^x)` without overflow; `-(-t).softplus()` is the logarithm of the logistic function.
    #[inline(always)]
    fn softplus(self) -> Self {
        let x = self.value();
        let e = (-x.abs()).exp();
        let sum = 1.0 + e;
        let inverse = 1.0 / sum;
        // ln(1 + e) by one logarithm: what rounding takes from 1 + e is put back to first order.
        let log = sum.ln() + (e - (sum - 1.0)) * inverse;
        self.chain(x.max(0.0) + log, if x >= 0.0 { inverse } else { e * inverse })
    }

    /// `1 / (1 + e^-x)` without overflow.
    #[inline(always)]
    fn logistic(self) -> Self {
        let p = logistic(self.value());
        self.chain(p, p * logistic(-self.value()))
    }

    /// Distribution function of the standard normal law.
    #[inline(always)]
    fn normal_cdf(self) -> Self {
        let x = self.value();
        self.chain(normal_cdf(x), (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt())
    }

    /// `ln(sum(exp(values)))` without overflow; `-inf` when all are `-inf` or there are none.
    #[inline(always)]
    fn log_sum_exp(values: &[Self]) -> Self {
        let max = values.iter().map(|v| v.value()).fold(f64::NEG_INFINITY, f64::max);
        if !max.is_finite() {
            return Self::from(if values.iter().any(|v| v.value().is_nan()) { f64::NAN } else { max });
        }
        let mut sum = Self::from(0.0);
        for v in values {
            sum += (*v - max).exp();
        }
        sum.ln() + max
    }
}

/// `x^n` by squaring: the standard library does not promise the same bits wherever it is compiled.
#[inline(always)]
fn power(x: f64, n: i32) -> f64 {
    let (mut rest, mut square, mut product) = (n.unsigned_abs(), x, 1.0);
    while rest > 0 {
        if rest % 2 == 1 {
            product *= square;
        }
        square *= square;
        rest /= 2;
    }
    if n < 0 { 1.0 / product } else { product }
}

/// Interleaved partial sums of a product.
const PARTS: usize = 8;

/// `sum_j a_j x(j)` in a fixed order, the same for every kind of number.
#[inline(always)]
pub(super) fn sum_of_products(a: &[f64], mut x: impl FnMut(usize) -> f64) -> f64 {
    let mut parts = [0.0; PARTS];
    let (whole, rest) = a.as_chunks::<PARTS>();
    for (block, a) in whole.iter().enumerate() {
        for l in 0..PARTS {
            parts[l] += a[l] * x(block * PARTS + l);
        }
    }
    for (l, a) in rest.iter().enumerate() {
        parts[l] += a * x(whole.len() * PARTS + l);
    }
    let [a, b, c, d, e, f, g, h] = parts;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

impl Number for f64 {
    #[inline(always)]
    fn value(self) -> f64 {
        self
    }

    #[inline(always)]
    fn chain(self, value: f64, _: f64) -> f64 {
        value
    }

    #[inline(always)]
    fn dot(a: &[f64], x: &[f64]) -> f64 {
        let n = a.len().min(x.len());
        let x = &x[..n];
        sum_of_products(&a[..n], |j| x[j])
    }
}
