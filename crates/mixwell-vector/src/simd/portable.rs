//! Vectors as plain arrays, for machines without an instruction set of their own here: the compiler does what it can.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Isa, Vector};

/// The plain target of the build (SSE2 on x86-64, NEON on aarch64).
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Isa for Portable {
    type F32 = Wide<f32, 4>;
    type F64 = Wide<f64, 2>;
    const TILE: usize = if cfg!(target_arch = "aarch64") { 4 } else { 2 };
}

/// `N` numbers side by side.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Wide<T, const N: usize>([T; N]);

macro_rules! wide {
    ($t:ty, $n:literal, $bits:ty, $mantissa:literal, $bias:literal) => {
        impl Wide<$t, $n> {
            #[inline(always)]
            fn pairs(self, other: Self, f: impl Fn($t, $t) -> $t) -> Self {
                Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
            }
            #[inline(always)]
            fn map(self, f: impl Fn($t) -> $t) -> Self {
                Self(std::array::from_fn(|i| f(self.0[i])))
            }
        }

        impl Add for Wide<$t, $n> {
            type Output = Self;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.pairs(other, |a, b| a + b)
            }
        }
        impl Sub for Wide<$t, $n> {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.pairs(other, |a, b| a - b)
            }
        }
        impl Mul for Wide<$t, $n> {
            type Output = Self;
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.pairs(other, |a, b| a * b)
            }
        }
        impl Div for Wide<$t, $n> {
            type Output = Self;
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                self.pairs(other, |a, b| a / b)
            }
        }
        impl Neg for Wide<$t, $n> {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                self.map(|a| -a)
            }
        }

        impl Vector<$t> for Wide<$t, $n> {
            #[inline(always)]
            fn zip(self, other: Self) -> (Self, Self) {
                let pick = |i: usize| if i % 2 == 0 { self.0[i / 2] } else { other.0[i / 2] };
                (Self(std::array::from_fn(pick)), Self(std::array::from_fn(|i| pick(i + $n))))
            }

            type Mask = [bool; $n];
            const LANES: usize = $n;

            #[inline(always)]
            fn splat(value: $t) -> Self {
                Self([value; $n])
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: the caller promises `LANES` readable numbers; an array of them has their layout.
                unsafe { from.cast::<Self>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller promises `LANES` writable numbers.
                unsafe { to.cast::<Self>().write_unaligned(self) }
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                if cfg!(target_arch = "aarch64") {
                    Self(std::array::from_fn(|i| self.0[i].mul_add(b.0[i], c.0[i])))
                } else {
                    self * b + c
                }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                self.pairs(other, |a, b| if a < b { a } else { b })
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                self.pairs(other, |a, b| if a > b { a } else { b })
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.map(<$t>::abs)
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                self.pairs(sign, <$t>::copysign)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.map(<$t>::sqrt)
            }
            #[inline(always)]
            fn round(self) -> Self {
                // Adding and taking away 1.5 * 2^mantissa leaves the nearest integer (for magnitudes below 2^(mantissa - 1)).
                const MAGIC: $t = 1.5 * (1u64 << $mantissa) as $t;
                self.map(|a| (a + MAGIC) - MAGIC)
            }
            #[inline(always)]
            fn scale2(self, n: Self) -> Self {
                // In two factors, since 2^n alone may overflow or be subnormal.
                let power = |e: i32| <$t>::from_bits(((e + $bias) as $bits) << $mantissa);
                self.pairs(n, |a, n| {
                    let n = n as i32;
                    a * power(n >> 1) * power(n - (n >> 1))
                })
            }
            #[inline(always)]
            fn split(self) -> (Self, Self) {
                let fraction: $bits = (1 << $mantissa) - 1;
                let e = self.map(|a| ((a.to_bits() >> $mantissa) as i32 - $bias) as $t);
                let m =
                    self.map(|a| <$t>::from_bits((a.to_bits() & fraction) | (($bias as $bits) << $mantissa)));
                (e, m)
            }
            #[inline(always)]
            fn lt(self, other: Self) -> Self::Mask {
                std::array::from_fn(|i| self.0[i] < other.0[i])
            }
            #[inline(always)]
            fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
                Self(std::array::from_fn(|i| if mask[i] { yes.0[i] } else { no.0[i] }))
            }
            #[inline(always)]
            fn all(mask: Self::Mask) -> bool {
                !mask.contains(&false)
            }
        }
    };
}

wide!(f32, 4, u32, 23, 127);
wide!(f64, 2, u64, 52, 1023);
