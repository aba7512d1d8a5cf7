//! AVX-512 and AVX2 vectors, and the detection of both.
//!
//! Why the `unsafe` blocks here are sound: the vectors are only ever made inside a [`Job`](super::Job) that was started by
//! `run_v4` or `run_v3`, and those are called only after detection; so every intrinsic below runs on a machine that has it.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::OnceLock;

use super::{Isa, Job, Vector};

/// The x86-64 levels that make a difference here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    V2,
    V3,
    V4,
}

/// What this machine can do; found once.
#[inline]
pub(super) fn level() -> Level {
    #[cfg(any(test, feature = "forced-level"))]
    if let Some(level) = FORCED.get() {
        return level.min(detected());
    }
    detected()
}

#[cfg(any(test, feature = "forced-level"))]
thread_local! {
    /// The level that tests ask this thread to use at most.
    pub(super) static FORCED: std::cell::Cell<Option<Level>> = const { std::cell::Cell::new(None) };
}

#[inline]
fn detected() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
            Level::V2
        } else if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
        {
            Level::V4
        } else {
            Level::V3
        }
    })
}

/// Runs a job compiled for AVX-512.
///
/// # Safety
/// The machine must have the features named.
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,bmi2")]
pub(super) unsafe fn run_v4<J: Job>(job: J) -> J::Output {
    job.call::<Avx512>()
}

/// Runs a job compiled for AVX2 and FMA.
///
/// # Safety
/// The machine must have the features named.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_v3<J: Job>(job: J) -> J::Output {
    job.call::<Avx2>()
}

/// AVX-512: 32 registers of 64 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Avx512;

impl Isa for Avx512 {
    type F32 = F32x16;
    type F64 = F64x8;
    const TILE: usize = 4;
}

/// AVX2 with FMA: 16 registers of 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Avx2;

impl Isa for Avx2 {
    type F32 = F32x8;
    type F64 = F64x4;
    const TILE: usize = 2;
}

macro_rules! operators {
    ($name:ident, $raw:ty, $doc:literal, $add:ident, $sub:ident, $mul:ident, $div:ident, $zero:ident) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        #[repr(transparent)]
        pub struct $name($raw);

        operators!(@ $name, Add, add, $add);
        operators!(@ $name, Sub, sub, $sub);
        operators!(@ $name, Mul, mul, $mul);
        operators!(@ $name, Div, div, $div);

        impl Neg for $name {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                Self::splat(-0.0) - self
            }
        }
    };
    (@ $name:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $name {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    };
}

operators!(
    F32x16,
    __m512,
    "16 `f32`s.",
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_setzero_ps
);
operators!(
    F64x8,
    __m512d,
    "8 `f64`s.",
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_setzero_pd
);
operators!(
    F32x8,
    __m256,
    "8 `f32`s.",
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_setzero_ps
);
operators!(
    F64x4,
    __m256d,
    "4 `f64`s.",
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_setzero_pd
);

macro_rules! common {
    ($t:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $fma:ident, $min:ident, $max:ident, $sqrt:ident,
     $zip:ident) => {
        const LANES: usize = $lanes;

        #[inline(always)]
        fn splat(value: $t) -> Self {
            // SAFETY: see the head of this file.
            Self(unsafe { $splat(value) })
        }
        #[inline(always)]
        unsafe fn load(from: *const $t) -> Self {
            // SAFETY: the caller promises `LANES` readable numbers; the load may be unaligned.
            Self(unsafe { $load(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $t) {
            // SAFETY: the caller promises `LANES` writable numbers; the store may be unaligned.
            unsafe { $store(to, self.0) }
        }
        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            // SAFETY: see the head of this file.
            Self(unsafe { $fma(self.0, b.0, c.0) })
        }
        #[inline(always)]
        fn min(self, other: Self) -> Self {
            // SAFETY: see the head of this file.
            Self(unsafe { $min(self.0, other.0) })
        }
        #[inline(always)]
        fn max(self, other: Self) -> Self {
            // SAFETY: see the head of this file.
            Self(unsafe { $max(self.0, other.0) })
        }
        #[inline(always)]
        fn zip(self, other: Self) -> (Self, Self) {
            // SAFETY: see the head of this file.
            let (first, second) = unsafe { $zip(self.0, other.0) };
            (Self(first), Self(second))
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            // SAFETY: see the head of this file.
            Self(unsafe { $sqrt(self.0) })
        }
    };
}

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

macro_rules! avx512 {
    ($name:ident, $t:ty, $lanes:literal, $mask:ty, $splat:ident, $load:ident, $store:ident, $fma:ident, $min:ident,
     $max:ident, $sqrt:ident, $abs:ident, $and:ident, $or:ident, $round:ident, $scalef:ident, $getexp:ident, $getmant:ident,
     $cmp:ident, $blend:ident, $zip:ident) => {
        impl Vector<$t> for $name {
            type Mask = $mask;
            common!($t, $lanes, $splat, $load, $store, $fma, $min, $max, $sqrt, $zip);

            #[inline(always)]
            fn abs(self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $abs(self.0) })
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $or($abs(self.0), $and(sign.0, Self::splat(-0.0).0)) })
            }
            #[inline(always)]
            fn round(self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $round::<NEAREST>(self.0) })
            }
            #[inline(always)]
            fn scale2(self, n: Self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $scalef(self.0, n.0) })
            }
            #[inline(always)]
            fn split(self) -> (Self, Self) {
                // SAFETY: see the head of this file.
                unsafe {
                    (Self($getexp(self.0)), Self($getmant::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0)))
                }
            }
            #[inline(always)]
            fn lt(self, other: Self) -> Self::Mask {
                // SAFETY: see the head of this file.
                unsafe { $cmp::<_CMP_LT_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $blend(mask, no.0, yes.0) })
            }
            #[inline(always)]
            fn all(mask: Self::Mask) -> bool {
                // As many bits as lanes.
                mask == <$mask>::MAX
            }
        }
    };
}

avx512!(
    F32x16,
    f32,
    16,
    __mmask16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_min_ps,
    _mm512_max_ps,
    _mm512_sqrt_ps,
    _mm512_abs_ps,
    _mm512_and_ps,
    _mm512_or_ps,
    _mm512_roundscale_ps,
    _mm512_scalef_ps,
    _mm512_getexp_ps,
    _mm512_getmant_ps,
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    zip_512_ps
);
avx512!(
    F64x8,
    f64,
    8,
    __mmask8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_fmadd_pd,
    _mm512_min_pd,
    _mm512_max_pd,
    _mm512_sqrt_pd,
    _mm512_abs_pd,
    _mm512_and_pd,
    _mm512_or_pd,
    _mm512_roundscale_pd,
    _mm512_scalef_pd,
    _mm512_getexp_pd,
    _mm512_getmant_pd,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    zip_512_pd
);

macro_rules! avx2 {
    ($name:ident, $raw:ty, $t:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $fma:ident, $min:ident,
     $max:ident, $sqrt:ident, $and:ident, $andnot:ident, $or:ident, $round:ident, $cmp:ident, $blend:ident, $movemask:ident,
     $scale2:ident, $split:ident, $zip:ident) => {
        impl Vector<$t> for $name {
            type Mask = $raw;
            common!($t, $lanes, $splat, $load, $store, $fma, $min, $max, $sqrt, $zip);

            #[inline(always)]
            fn abs(self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $andnot(Self::splat(-0.0).0, self.0) })
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $or(self.abs().0, $and(sign.0, Self::splat(-0.0).0)) })
            }
            #[inline(always)]
            fn round(self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $round::<NEAREST>(self.0) })
            }
            #[inline(always)]
            fn scale2(self, n: Self) -> Self {
                // In two factors, since 2^n alone may overflow or be subnormal.
                let half = (n * Self::splat(0.5)).round();
                // SAFETY: see the head of this file.
                unsafe { self * Self($scale2(half.0)) * Self($scale2((n - half).0)) }
            }
            #[inline(always)]
            fn split(self) -> (Self, Self) {
                // SAFETY: see the head of this file.
                let (e, m) = unsafe { $split(self.0) };
                (Self(e), Self(m))
            }
            #[inline(always)]
            fn lt(self, other: Self) -> Self::Mask {
                // SAFETY: see the head of this file.
                unsafe { $cmp::<_CMP_LT_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
                // SAFETY: see the head of this file.
                Self(unsafe { $blend(no.0, yes.0, mask) })
            }
            #[inline(always)]
            fn all(mask: Self::Mask) -> bool {
                // SAFETY: see the head of this file.
                unsafe { $movemask(mask) == (1 << Self::LANES) - 1 }
            }
        }
    };
}

avx2!(
    F32x8,
    __m256,
    f32,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_fmadd_ps,
    _mm256_min_ps,
    _mm256_max_ps,
    _mm256_sqrt_ps,
    _mm256_and_ps,
    _mm256_andnot_ps,
    _mm256_or_ps,
    _mm256_round_ps,
    _mm256_cmp_ps,
    _mm256_blendv_ps,
    _mm256_movemask_ps,
    power_of_two_ps,
    split_ps,
    zip_256_ps
);
avx2!(
    F64x4,
    __m256d,
    f64,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_fmadd_pd,
    _mm256_min_pd,
    _mm256_max_pd,
    _mm256_sqrt_pd,
    _mm256_and_pd,
    _mm256_andnot_pd,
    _mm256_or_pd,
    _mm256_round_pd,
    _mm256_cmp_pd,
    _mm256_blendv_pd,
    _mm256_movemask_pd,
    power_of_two_pd,
    split_pd,
    zip_256_pd
);

/// `2^n` of integral `n` in the range of normal numbers, by writing the exponent field.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn power_of_two_ps(n: __m256) -> __m256 {
    let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn power_of_two_pd(n: __m256d) -> __m256d {
    // Adding 1.5 * 2^52 + 1023 leaves the biased exponent in the low bits of the mantissa.
    let biased = _mm256_add_pd(n, _mm256_set1_pd(6_755_399_441_055_744.0 + 1023.0));
    _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(biased)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn split_ps(x: __m256) -> (__m256, __m256) {
    let bits = _mm256_castps_si256(x);
    let e = _mm256_sub_epi32(_mm256_srli_epi32::<23>(bits), _mm256_set1_epi32(127));
    let m = _mm256_or_si256(
        _mm256_and_si256(bits, _mm256_set1_epi32(0x007f_ffff)),
        _mm256_set1_epi32(0x3f80_0000),
    );
    (_mm256_cvtepi32_ps(e), _mm256_castsi256_ps(m))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn split_pd(x: __m256d) -> (__m256d, __m256d) {
    let bits = _mm256_castpd_si256(x);
    // The exponent field in the low bits of 2^52 is the number 2^52 + field.
    let two52 = _mm256_set1_pd(4_503_599_627_370_496.0);
    let field = _mm256_or_si256(_mm256_srli_epi64::<52>(bits), _mm256_castpd_si256(two52));
    let e = _mm256_sub_pd(_mm256_castsi256_pd(field), _mm256_set1_pd(4_503_599_627_370_496.0 + 1023.0));
    let fraction = _mm256_and_si256(bits, _mm256_set1_epi64x(0x000f_ffff_ffff_ffff));
    (e, _mm256_castsi256_pd(_mm256_or_si256(fraction, _mm256_castpd_si256(_mm256_set1_pd(1.0)))))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn zip_512_ps(a: __m512, b: __m512) -> (__m512, __m512) {
    let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn zip_512_pd(a: __m512d, b: __m512d) -> (__m512d, __m512d) {
    let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    (_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn zip_256_ps(a: __m256, b: __m256) -> (__m256, __m256) {
    let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn zip_256_pd(a: __m256d, b: __m256d) -> (__m256d, __m256d) {
    let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    (_mm256_permute2f128_pd::<0x20>(low, high), _mm256_permute2f128_pd::<0x31>(low, high))
}
