//! Many standard normal numbers at once, from random bits (Box and Muller 1958).
//!
//! `r = sqrt(-2 ln u)`, and a uniform angle: first within an eighth of a turn to either side of the axis, where short
//! polynomials give sine and cosine, then to one of the four quarters by two more random bits. A pair of 64-bit words
//! makes a pair of numbers; `u` has 52 bits and is never 0 or 1, so numbers lie within 8.6.

use super::elementary::ln;
use super::simd::{self, Isa, Job, Lanes, Vector};

/// Numbers are made in groups of this many.
pub const GROUP: usize = 16;

/// Half of a group, for each of the two words of a pair.
const HALF: usize = GROUP / 2;

/// `(-1)^k / (2k + 1)!`: `sin(a) = a (t0 + t1 a^2 + ...)`, good to the last place for `|a| <= pi/4`.
const SINE: [f64; 9] = [
    1.0,
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5_040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
];

/// `(-1)^k / (2k)!`: `cos(a) = t0 + t1 a^2 + ...`.
const COSINE: [f64; 9] = [
    1.0,
    -0.5,
    1.0 / 24.0,
    -1.0 / 720.0,
    1.0 / 40_320.0,
    -1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 20_922_789_888_000.0,
];

/// Turns random words into standard normal numbers, group by group.
///
/// # Panics
/// When `out` and `bits` are not equally many whole groups.
pub fn from_bits(bits: &[u64], out: &mut [f64]) {
    assert!(bits.len() == out.len() && out.len().is_multiple_of(GROUP), "not whole groups");
    simd::run(FromBits { bits, out });
}

#[derive(Debug)]
struct FromBits<'a> {
    bits: &'a [u64],
    out: &'a mut [f64],
}

impl Job for FromBits<'_> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<f64, I>::LANES;
        for (bits, out) in self.bits.chunks_exact(GROUP).zip(self.out.chunks_exact_mut(GROUP)) {
            let (mut u, mut angle, mut sign, mut swap) = ([0.0; HALF], [0.0; HALF], [0.0; HALF], [0.0; HALF]);
            for i in 0..HALF {
                let (first, second) = (bits[i], bits[HALF + i]);
                u[i] = open_unit(first);
                angle[i] = (open_unit(second) - 0.5) * std::f64::consts::FRAC_PI_2;
                // The lowest bits are in neither of the two numbers above.
                sign[i] = one_with_sign(second);
                swap[i] = one_with_sign(second >> 1);
            }
            let (cosines, sines) = out.split_at_mut(HALF);
            for at in (0..HALF).step_by(lanes) {
                let load = |from: &[f64; HALF]| Lanes::<f64, I>::of(&from[at..]);
                let r = (ln::<f64, _>(load(&u)) * Lanes::<f64, I>::splat(-2.0)).sqrt() * load(&sign);
                let a = load(&angle);
                let a2 = a * a;
                let sine = a * series::<Lanes<f64, I>>(&SINE, a2);
                let cosine = series::<Lanes<f64, I>>(&COSINE, a2);
                let swapped = load(&swap).lt(Lanes::<f64, I>::splat(0.0));
                (r * Lanes::<f64, I>::select(swapped, sine, cosine)).put(&mut cosines[at..]);
                (r * Lanes::<f64, I>::select(swapped, cosine, sine)).put(&mut sines[at..]);
            }
        }
    }
}

/// The upper 52 bits as a number in the open interval (0, 1).
#[inline(always)]
fn open_unit(bits: u64) -> f64 {
    // A number in [1, 2), moved down by one and up by half of its spacing.
    f64::from_bits((bits >> 12) | 1.0f64.to_bits()) - (1.0 - f64::EPSILON / 2.0)
}

/// 1, or -1 when the lowest bit is set.
#[inline(always)]
fn one_with_sign(bits: u64) -> f64 {
    f64::from_bits((bits << 63) | 1.0f64.to_bits())
}

#[inline(always)]
fn series<V: Vector<f64>>(terms: &[f64; 9], x: V) -> V {
    let mut sum = V::splat(terms[8]);
    for term in terms[..8].iter().rev() {
        sum = sum.mul_add(x, V::splat(*term));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same in plain arithmetic.
    fn plain(first: u64, second: u64) -> [f64; 2] {
        let unit = |bits: u64| ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
        let r = (-2.0 * unit(first).ln()).sqrt() * if second & 1 == 1 { -1.0 } else { 1.0 };
        let angle = (unit(second) - 0.5) * std::f64::consts::FRAC_PI_2;
        if second & 2 == 2 { [r * angle.sin(), r * angle.cos()] } else { [r * angle.cos(), r * angle.sin()] }
    }

    #[test]
    fn every_word_gives_the_numbers_of_the_formula() {
        simd::under_each(|| {
            let mut state = 1u64;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state ^ (state >> 29)
            };
            let mut bits: Vec<u64> = (0..4096).map(|_| next()).collect();
            // The largest and smallest radius, all four quarters, both ends of the angle.
            bits[..GROUP].fill(0);
            bits[1] = u64::MAX;
            for (i, word) in [0, 1, 2, 3, !3, !2, !1, !0].into_iter().enumerate() {
                bits[HALF + i] = word;
            }
            let mut out = vec![0.0; bits.len()];
            from_bits(&bits, &mut out);
            for (bits, out) in bits.chunks(GROUP).zip(out.chunks(GROUP)) {
                for i in 0..HALF {
                    let want = plain(bits[i], bits[HALF + i]);
                    for (got, want) in [out[i], out[HALF + i]].into_iter().zip(want) {
                        assert!(
                            (got - want).abs() <= 8.0 * f64::EPSILON * want.abs().max(1e-8),
                            "{got} {want}"
                        );
                    }
                }
            }
            assert!(out.iter().all(|v| v.abs() < 8.7));
        });
    }
}
