//! `Real`: the number types that everything here is computed in, `f32` and `f64`, with the constants of the
//! elementary functions.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::matmul::{Outer, Product};
use super::simd::{self, Isa, Vector};

/// A floating-point type that networks can be computed in.
pub trait Real:
    Copy
    + Default
    + Debug
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// Its vector under the instruction set `I`.
    type Vec<I: Isa>: Vector<Self>;

    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Distance from 1 to the next number.
    const EPSILON: Self;

    /// `log2(e)`.
    const LOG2_E: Self;
    /// Leading part of `ln 2`, whose product with an exponent is exact.
    const LN_2_HIGH: Self;
    /// `ln 2 - LN_2_HIGH`.
    const LN_2_LOW: Self;
    /// Below this, `exp` is zero.
    const EXP_LOW: Self;
    /// Above this, `exp` is infinite.
    const EXP_HIGH: Self;
    /// Above this, `tanh` rounds to 1.
    const TANH_HIGH: Self;
    /// Smallest normal number, and the power of two that lifts subnormal numbers above it.
    const LIFT: (Self, Self, Self);
    /// Infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// `1/k!` for `k = 1, 2, ...`: enough terms for `exp` on `|r| <= ln(2)/2`.
    const EXP_TERMS: &'static [Self];
    /// `1/(2k + 1)` for `k = 0, 1, ...`: enough terms for `atanh(s)/s` on `s^2 <= 0.0295`.
    const LN_TERMS: &'static [Self];
    /// The same for `s^2 <= 1/9`.
    const LN_1P_TERMS: &'static [Self];
    /// Above this, the normal distribution function of the negative number is zero.
    const NORMAL_HIGH: Self;
    /// `(1 + a) exp(a^2/2) Phi(-a)` as a polynomial in `(a - 4) / (a + 4)`: a Chebyshev series over all `a >= 0`, in powers.
    const NORMAL_TERMS: &'static [Self];

    /// Rounds an `f64`.
    fn from_f64(value: f64) -> Self;
    /// Widens to `f64`.
    fn to_f64(self) -> f64;

    /// Does a product. Not generic over the caller, so the loops are compiled in this crate and nowhere else.
    #[doc(hidden)]
    fn run_product(job: Product<'_, Self>);
    /// Does an outer product, likewise.
    #[doc(hidden)]
    fn run_outer(job: Outer<'_, Self>);
}

macro_rules! constants {
    ($t:ty) => {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const EPSILON: Self = <$t>::EPSILON;
        const LOG2_E: Self = std::f64::consts::LOG2_E as $t;
        const INFINITY: Self = <$t>::INFINITY;
        const NAN: Self = <$t>::NAN;

        #[inline(always)]
        fn from_f64(value: f64) -> Self {
            value as $t
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self as f64
        }
        #[inline(never)]
        fn run_product(job: Product<'_, Self>) {
            simd::run(job);
        }
        #[inline(never)]
        fn run_outer(job: Outer<'_, Self>) {
            simd::run(job);
        }
    };
}

impl Real for f32 {
    type Vec<I: Isa> = I::F32;
    constants!(f32);

    // 15 significant bits, so that a product with an exponent (8 bits) is exact.
    const LN_2_HIGH: Self = 0.693_145_75;
    const LN_2_LOW: Self = 1.428_606_8e-6;
    const EXP_LOW: Self = -104.0;
    const EXP_HIGH: Self = 89.0;
    const TANH_HIGH: Self = 9.1;
    const LIFT: (Self, Self, Self) = (f32::MIN_POSITIVE, 16_777_216.0, 24.0);
    const EXP_TERMS: &'static [Self] =
        &[1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0];
    const LN_TERMS: &'static [Self] = &odd_reciprocals32::<5>();
    const LN_1P_TERMS: &'static [Self] = &odd_reciprocals32::<8>();
    const NORMAL_HIGH: Self = 14.5;
    const NORMAL_TERMS: &'static [Self] = &[
        4.720_532e-1,
        -9.670_347e-2,
        1.399_991_4e-2,
        2.860_016_8e-2,
        -3.220_116_3e-2,
        1.793_769_6e-2,
        -4.987_714_2e-3,
        -2.912_675e-4,
        6.649_887e-4,
        -8.455_402e-5,
        -5.809_123_5e-5,
        1.256_854_67e-5,
    ];
}

impl Real for f64 {
    type Vec<I: Isa> = I::F64;
    constants!(f64);

    // 32 significant bits, so that a product with an exponent (11 bits) is exact.
    const LN_2_HIGH: Self = 6.931_471_803_691_238e-1;
    const LN_2_LOW: Self = 1.908_214_929_270_587_7e-10;
    const EXP_LOW: Self = -746.0;
    const EXP_HIGH: Self = 710.0;
    const TANH_HIGH: Self = 19.1;
    const LIFT: (Self, Self, Self) = (f64::MIN_POSITIVE, 18_014_398_509_481_984.0, 54.0);
    const EXP_TERMS: &'static [Self] = &[
        1.0,
        0.5,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    const LN_TERMS: &'static [Self] = &odd_reciprocals64::<11>();
    const LN_1P_TERMS: &'static [Self] = &odd_reciprocals64::<17>();
    const NORMAL_HIGH: Self = 38.7;
    const NORMAL_TERMS: &'static [Self] = &[
        4.720_532_065_098_446_7e-1,
        -9.670_347_732_652_607e-2,
        1.399_963_472_442_433_3e-2,
        2.860_036_405_357_749e-2,
        -3.219_783_742_802_203e-2,
        1.793_609_747_886_859e-2,
        -5.002_378_592_511_494e-3,
        -2.856_230_868_093_941_3e-4,
        6.948_971_219_073_166e-4,
        -9.443_033_944_152_223e-5,
        -8.785_330_394_797_745e-5,
        2.125_044_685_620_837_6e-5,
        1.362_739_528_535_267_5e-5,
        -3.433_372_216_853_275e-6,
        -2.614_410_170_659_615_2e-6,
        4.067_173_012_515_444_7e-7,
        5.548_340_462_207_789e-7,
        -1.237_153_366_992_197e-9,
        -1.144_685_071_275_807_9e-7,
        -1.793_212_191_664_241_3e-8,
        2.025_766_713_686_158_7e-8,
        5.474_708_632_048_689e-9,
        -2.618_034_873_125_544_4e-9,
        -6.763_267_210_562_454e-10,
        1.787_354_522_185_265_7e-10,
    ];
}

const fn odd_reciprocals64<const N: usize>() -> [f64; N] {
    let mut terms = [0.0; N];
    let mut k = 0;
    while k < N {
        terms[k] = 1.0 / (2 * k + 1) as f64;
        k += 1;
    }
    terms
}

const fn odd_reciprocals32<const N: usize>() -> [f32; N] {
    let wide = odd_reciprocals64::<N>();
    let mut terms = [0.0; N];
    let mut k = 0;
    while k < N {
        terms[k] = wide[k] as f32;
        k += 1;
    }
    terms
}
