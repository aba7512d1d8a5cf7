//! Vectors of numbers and the choice of instruction set at run time.
//!
//! A [`Job`] is written once over an instruction set `I: Isa`; [`run`] instantiates its body inside a function compiled
//! for the best set this machine has (x86-64 with AVX-512, with AVX2 and FMA, or the plain target of the build) and calls
//! it. Everything a job calls must be `#[inline(always)]`, so that it is compiled under the same features.
//!
//! `mul_add` is a true fused operation only where the set has one; elsewhere it is a product and a sum, since the library
//! call that would emulate it is two orders of magnitude slower.
#![allow(unsafe_code)]

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::Real;

pub use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// An instruction set: its vectors of `f32` and `f64`.
pub trait Isa: Copy + Send + Sync + 'static {
    /// Vector of `f32`.
    type F32: Vector<f32>;
    /// Vector of `f64`.
    type F64: Vector<f64>;
    /// Vectors per row of the register tile in matrix products: 4 with 32 registers, 2 with 16.
    const TILE: usize;
}

/// A vector register of `T`s.
pub trait Vector<T>:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// One truth value per lane.
    type Mask: Copy;
    /// Numbers per vector; divides [`BLOCK`](super::block::BLOCK).
    const LANES: usize;

    /// The same number in every lane.
    fn splat(value: T) -> Self;
    /// Reads `LANES` numbers.
    ///
    /// # Safety
    /// `from` must be readable for `LANES` numbers (any alignment).
    unsafe fn load(from: *const T) -> Self;
    /// Writes `LANES` numbers.
    ///
    /// # Safety
    /// `to` must be writable for `LANES` numbers (any alignment).
    unsafe fn store(self, to: *mut T);
    /// `self * b + c`, fused where the set has it.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `if self < other { self } else { other }`: `other` when either is NaN.
    fn min(self, other: Self) -> Self;
    /// `if self > other { self } else { other }`: `other` when either is NaN.
    fn max(self, other: Self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Magnitude of `self`, sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Nearest integer, ties to even.
    fn round(self) -> Self;
    /// `self * 2^n` for integral `n`; overflows to infinity, underflows to zero.
    fn scale2(self, n: Self) -> Self;
    /// Exponent and mantissa in `[1, 2)` of a positive normal number.
    fn split(self) -> (Self, Self);
    /// Lanes where `self < other`; false for NaN.
    fn lt(self, other: Self) -> Self::Mask;
    /// `yes` where the mask is set, `no` elsewhere.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// Whether the mask is set in every lane.
    fn all(mask: Self::Mask) -> bool;

    /// Both vectors interleaved, `a0 b0 a1 b1 ...`: the first half and the second half.
    fn zip(self, other: Self) -> (Self, Self);

    /// The first `LANES` numbers of a slice.
    #[inline(always)]
    fn of(from: &[T]) -> Self {
        assert!(from.len() >= Self::LANES);
        // SAFETY: the slice is long enough, just checked.
        unsafe { Self::load(from.as_ptr()) }
    }

    /// Writes to the first `LANES` numbers of a slice.
    #[inline(always)]
    fn put(self, to: &mut [T]) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: the slice is long enough, just checked.
        unsafe { self.store(to.as_mut_ptr()) }
    }
}

/// Turns a square of `LANES` vectors in place: vector `i`, lane `j` becomes vector `j`, lane `i`. Only the first `LANES`
/// entries of the array are used.
#[inline(always)]
pub(crate) fn transpose<T, V: Vector<T>>(square: &mut [V; 16]) {
    // Interleaving row i with row i + lanes/2, log2(lanes) times over, is the transpose.
    let mut width = 1;
    while width < V::LANES {
        let old = *square;
        for i in 0..V::LANES / 2 {
            (square[2 * i], square[2 * i + 1]) = old[i].zip(old[i + V::LANES / 2]);
        }
        width *= 2;
    }
}

/// The vector type of `T` under the instruction set `I`.
pub type Lanes<T, I> = <T as Real>::Vec<I>;

/// Work whose body is compiled once per instruction set. `call` must be `#[inline(always)]`.
pub trait Job {
    /// What the work returns.
    type Output;
    /// Does the work with the vectors of `I`.
    fn call<I: Isa>(self) -> Self::Output;
}

/// Does `job` with the best instruction set of this machine.
#[inline]
pub fn run<J: Job>(job: J) -> J::Output {
    #[cfg(target_arch = "x86_64")]
    {
        match x86::level() {
            // SAFETY: `level` has found the features that the function is compiled with.
            x86::Level::V4 => return unsafe { x86::run_v4(job) },
            // SAFETY: as above.
            x86::Level::V3 => return unsafe { x86::run_v3(job) },
            x86::Level::V2 => {}
        }
    }
    job.call::<Portable>()
}

/// Name of the instruction set that [`run`] uses.
pub fn name() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        match x86::level() {
            x86::Level::V4 => return "AVX-512",
            x86::Level::V3 => return "AVX2 + FMA",
            x86::Level::V2 => {}
        }
    }
    "portable"
}

/// Does the job once under every instruction set of this machine; for tests.
#[cfg(any(test, feature = "forced-level"))]
pub fn run_all<J: Job + Clone>(job: &J, mut each: impl FnMut(&'static str, J::Output)) {
    each("portable", job.clone().call::<Portable>());
    #[cfg(target_arch = "x86_64")]
    {
        let level = x86::level();
        if level != x86::Level::V2 {
            // SAFETY: the features were detected.
            each("AVX2", unsafe { x86::run_v3(job.clone()) });
        }
        if level == x86::Level::V4 {
            // SAFETY: the features were detected.
            each("AVX-512", unsafe { x86::run_v4(job.clone()) });
        }
    }
}

/// Runs a test once under every instruction set of this machine, on this thread.
#[cfg(any(test, feature = "forced-level"))]
pub fn under_each(mut test: impl FnMut()) {
    #[cfg(target_arch = "x86_64")]
    for level in [x86::Level::V2, x86::Level::V3, x86::Level::V4] {
        x86::FORCED.set(Some(level));
        test();
        x86::FORCED.set(None);
    }
    #[cfg(not(target_arch = "x86_64"))]
    test();
}
