//! Numbers with derivatives along `L` directions, the lanes: `f(x + sum_l e_l d_l) = f(x) + sum_l f_l e_l`, squares of `e_l` being zero.
//!
//! Rules: `(a + b)_l = a_l + b_l`, `(a b)_l = a_l b + a b_l`, `(a / b)_l = (a_l - (a / b) b_l) / b`, `f(a)_l = f'(a) a_l`.
//! The lanes of one pass are `L` consecutive coordinates of the point. A number that is a coordinate itself knows its lane, so a linear combination of
//! coordinates has its factors for derivatives, and nothing is summed.
//! The type of the instruction set is carried along, so that each set gets its own copy of the user's function.
//!
//! Differs from the crate `num-dual`: there the value of a quotient is a product with the reciprocal, and powers go through the third lower one, so values differ in
//! the last bits from those of plain numbers, which a target must not; and each derivative may be absent, a branch per operation that keeps vectors
//! from being made (`docs/design.md` has the timings).

// The derivatives of a product are a sum.
#![allow(clippy::suspicious_arithmetic_impl)]

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::number::{Number, sum_of_products};

/// The lane of a number that is no coordinate.
const NONE: isize = isize::MIN;

/// A value and its derivatives along `L` lanes.
pub struct Dual<const L: usize, I> {
    value: f64,
    /// Counted from the first lane of the pass; lanes below 0 and from `L` on belong to other passes.
    lane: isize,
    slopes: [f64; L],
    isa: PhantomData<I>,
}

impl<const L: usize, I> Dual<L, I> {
    #[inline(always)]
    fn new(value: f64, slopes: [f64; L]) -> Self {
        Self { value, lane: NONE, slopes, isa: PhantomData }
    }

    /// A coordinate of the point: its derivative is 1 along its own lane.
    #[inline(always)]
    pub fn coordinate(value: f64, lane: isize) -> Self {
        let mut slopes = [0.0; L];
        if (0..L as isize).contains(&lane) {
            slopes[lane as usize] = 1.0;
        }
        Self { value, lane, slopes, isa: PhantomData }
    }

    /// The derivatives.
    #[inline(always)]
    pub fn slopes(&self) -> &[f64; L] {
        &self.slopes
    }

    #[inline(always)]
    fn map(self, value: f64, slope: impl Fn(f64) -> f64) -> Self {
        let mut slopes = self.slopes;
        for s in &mut slopes {
            *s = slope(*s);
        }
        Self::new(value, slopes)
    }

    #[inline(always)]
    fn zip(self, other: Self, value: f64, slope: impl Fn(f64, f64) -> f64) -> Self {
        let mut slopes = self.slopes;
        for l in 0..L {
            slopes[l] = slope(slopes[l], other.slopes[l]);
        }
        Self::new(value, slopes)
    }
}

impl<const L: usize, I> fmt::Debug for Dual<L, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {:?}e", self.value, self.slopes)
    }
}

impl<const L: usize, I> Clone for Dual<L, I> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<const L: usize, I> Copy for Dual<L, I> {}

impl<const L: usize, I> PartialEq for Dual<L, I> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<const L: usize, I> PartialOrd for Dual<L, I> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<const L: usize, I> From<f64> for Dual<L, I> {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Self::new(value, [0.0; L])
    }
}

impl<const L: usize, I> Neg for Dual<L, I> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(-self.value, |s| -s)
    }
}

/// An operator with another number and with a plain one, and its form that assigns.
macro_rules! operator {
    ($operator:ident $method:ident, $assign:ident $assign_method:ident,
     |$a:ident, $b:ident| $numbers:expr, |$c:ident, $plain:ident| $with_plain:expr) => {
        impl<const L: usize, I> $operator for Dual<L, I> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $numbers
            }
        }
        impl<const L: usize, I> $operator<f64> for Dual<L, I> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: f64) -> Self {
                let ($c, $plain) = (self, other);
                $with_plain
            }
        }
        operator!(@ $assign $assign_method $method Self);
        operator!(@ $assign $assign_method $method f64);
    };
    (@ $assign:ident $assign_method:ident $method:ident $other:ty) => {
        impl<const L: usize, I> $assign<$other> for Dual<L, I> {
            #[inline(always)]
            fn $assign_method(&mut self, other: $other) {
                *self = self.$method(other);
            }
        }
    };
}

operator!(Add add, AddAssign add_assign,
    |a, b| a.zip(b, a.value + b.value, |s, t| s + t),
    |a, plain| a.map(a.value + plain, |s| s));
operator!(Sub sub, SubAssign sub_assign,
    |a, b| a.zip(b, a.value - b.value, |s, t| s - t),
    |a, plain| a.map(a.value - plain, |s| s));
operator!(Mul mul, MulAssign mul_assign,
    |a, b| a.zip(b, a.value * b.value, |s, t| s * b.value + t * a.value),
    |a, plain| a.map(a.value * plain, |s| s * plain));
operator!(Div div, DivAssign div_assign,
|a, b| {
    let (quotient, inverse) = (a.value / b.value, 1.0 / b.value);
    a.zip(b, quotient, |s, t| (s - quotient * t) * inverse)
},
|a, plain| {
    let inverse = 1.0 / plain;
    a.map(a.value / plain, |s| s * inverse)
});

impl<const L: usize, I> Sum for Dual<L, I> {
    /// From -0, as sums of plain numbers do.
    #[inline(always)]
    fn sum<T: Iterator<Item = Self>>(numbers: T) -> Self {
        numbers.fold(Self::from(-0.0), |sum, x| sum + x)
    }
}

impl<const L: usize, I: 'static> Number for Dual<L, I> {
    #[inline(always)]
    fn value(self) -> f64 {
        self.value
    }

    #[inline(always)]
    fn chain(self, value: f64, derivative: f64) -> Self {
        self.map(value, |s| s * derivative)
    }

    #[inline(always)]
    fn dot(a: &[f64], x: &[Self]) -> Self {
        let n = a.len().min(x.len());
        let (a, x) = (&a[..n], &x[..n]);
        let first = x.first().map_or(NONE, |x| x.lane);
        let mut apart = first == NONE;
        let value = sum_of_products(a, |j| {
            apart |= x[j].lane != first.wrapping_add(j as isize);
            x[j].value
        });
        let mut slopes = [0.0; L];
        if apart {
            for (a, x) in a.iter().zip(x) {
                for l in 0..L {
                    slopes[l] += a * x.slopes[l];
                }
            }
        } else {
            // Coordinates in a row: lane l belongs to factor l - first. Four at a time, as a vector has them.
            let (skipped, begin) = ((-first).max(0) as usize, first.max(0) as usize);
            let (slopes, a) =
                (slopes.get_mut(begin..).unwrap_or_default(), a.get(skipped..).unwrap_or_default());
            let n = slopes.len().min(a.len());
            let (slopes, a) = (slopes[..n].as_chunks_mut::<4>(), a[..n].as_chunks::<4>());
            slopes.0.iter_mut().zip(a.0).for_each(|(s, a)| *s = *a);
            slopes.1.iter_mut().zip(a.1).for_each(|(s, a)| *s = *a);
        }
        Self::new(value, slopes)
    }
}
