//! Sums over pixels and rows of `dy[o] x[k]`, kept as vectors along the rows: nothing is turned or broadcast, but every sum takes
//! a vector of memory, so it is for few weights.

use super::gather::{Gather, Piece, pixels};
use super::panels::PANEL;
use crate::Real;
use crate::block::BLOCK;
use crate::simd::{Isa, Lanes, Vector};

/// Neighbouring pixels that are taken together, so that sums are read and written seldom and the pixels stay in the first-level
/// cache.
const TOGETHER: usize = 4;

/// `sums[o][k] += dy[o] x[k]`, over the pixels and rows of one block, in every lane for itself.
#[doc(hidden)]
pub struct Dots<'a, T> {
    pub(super) gather: &'a Gather,
    pub(super) dy: &'a [T],
    pub(super) n_out: usize,
    pub(super) x: &'a [T],
    /// A multiple of the lanes.
    pub(super) rows: usize,
    /// First output, and how many.
    pub(super) outputs: (usize, usize),
    /// A vector for each of these outputs and each weight of one.
    pub(super) sums: &'a mut [T],
}

/// Pixels from `first` on, before `end`, whose pieces have the weights of the first.
#[inline(always)]
fn alike(gather: &Gather, first: usize, end: usize) -> usize {
    let weights = |p: &Piece| (p.weight, p.len);
    let own = || gather.pieces(first).iter().map(weights);
    let end = end.min(first + TOGETHER);
    (first + 1..end).take_while(|p| gather.pieces(*p).iter().map(weights).eq(own())).count() + 1
}

#[inline(always)]
pub(super) fn dots<T: Real, I: Isa>(job: Dots<'_, T>) {
    let Dots { gather, dy, n_out, x, rows, outputs: (first_out, n), sums } = job;
    let lanes = Lanes::<T, I>::LANES;
    let line = gather.depth() * lanes;
    // Outputs and features of a tile at most: as many sums as there are registers.
    let (tallest, widest) = if I::TILE < 4 { (4, 3) } else { (PANEL, 4) };
    let strips = n.div_ceil(tallest);
    assert!(rows.is_multiple_of(lanes) && rows <= BLOCK && first_out + n <= n_out);
    assert!(sums.len() >= n * line && x.len() >= gather.n_in() * BLOCK, "short buffer");
    assert!(dy.len() >= gather.n_pixels() * n_out * BLOCK, "short buffer");
    for group in gather.groups() {
        let all = pixels(*group);
        let mut first = all.start;
        while first < all.end {
            let together = alike(gather, first, all.end);
            // Strip by strip, so that what goes in is read from the first-level cache.
            for s in 0..strips {
                let (o, o_end) = (s * n / strips, (s + 1) * n / strips);
                for (j, piece) in gather.pieces(first).iter().enumerate() {
                    let mut members = [(0, 0); TOGETHER];
                    for (i, member) in members.iter_mut().enumerate().take(together) {
                        let input = gather.pieces(first + i)[j].input as usize;
                        *member = (((first + i) * n_out + first_out + o) * BLOCK, input * BLOCK);
                    }
                    let len = piece.len as usize;
                    let tiles = len.div_ceil(widest);
                    for t in 0..tiles {
                        let (k, k_end) = (t * len / tiles, (t + 1) * len / tiles);
                        let own: [(usize, usize); TOGETHER] = members.map(|(a, b)| (a, b + k * BLOCK));
                        // SAFETY: features of a piece lie within the input and its weights within a line, which `Gather`
                        // checks; the outputs lie within their pixel and the sums within their buffer, checked above.
                        unsafe {
                            let to = sums.as_mut_ptr().add(o * line + (piece.weight as usize + k) * lanes);
                            let factors = (dy.as_ptr(), x.as_ptr());
                            let size = (o_end - o, k_end - k);
                            tile_of::<T, I>(size, factors, &own[..together], rows / lanes, (to, line));
                        }
                    }
                }
            }
            first += together;
        }
    }
}

/// The tile of this size.
///
/// # Safety
/// As for [`tile`].
#[inline(always)]
unsafe fn tile_of<T: Real, I: Isa>(
    (outputs, features): (usize, usize),
    factors: (*const T, *const T),
    members: &[(usize, usize)],
    vectors: usize,
    to: (*mut T, usize),
) {
    macro_rules! features {
        ($outputs:literal) => {
            match features {
                1 => tile::<T, I, $outputs, 1>(factors, members, vectors, to),
                2 => tile::<T, I, $outputs, 2>(factors, members, vectors, to),
                3 => tile::<T, I, $outputs, 3>(factors, members, vectors, to),
                _ => tile::<T, I, $outputs, 4>(factors, members, vectors, to),
            }
        };
    }
    // SAFETY: promised by the caller.
    unsafe {
        match outputs {
            1 => features!(1),
            2 => features!(2),
            3 => features!(3),
            4 => features!(4),
            5 => features!(5),
            _ => features!(6),
        }
    }
}

/// `MO` outputs times `NK` features of the input over the vectors of all members, added to the vectors at `to`; those of one
/// output begin `line` numbers after those of the one before.
///
/// # Safety
/// The factors are readable at the places of the members, for `MO` and `NK` features of `vectors` vectors; `to` is writable for
/// `NK` vectors in each of `MO` lines.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
unsafe fn tile<T: Real, I: Isa, const MO: usize, const NK: usize>(
    (dy, x): (*const T, *const T),
    members: &[(usize, usize)],
    vectors: usize,
    (to, line): (*mut T, usize),
) {
    let lanes = Lanes::<T, I>::LANES;
    let mut sums = [[Lanes::<T, I>::splat(T::ZERO); NK]; MO];
    // SAFETY: promised by the caller.
    unsafe {
        for (in_dy, in_x) in members {
            let (dy, x) = (dy.add(*in_dy), x.add(*in_x));
            for v in 0..vectors {
                let mut features = [Lanes::<T, I>::splat(T::ZERO); NK];
                for k in 0..NK {
                    features[k] = Lanes::<T, I>::load(x.add(k * BLOCK + v * lanes));
                }
                for o in 0..MO {
                    let output = Lanes::<T, I>::load(dy.add(o * BLOCK + v * lanes));
                    for k in 0..NK {
                        sums[o][k] = output.mul_add(features[k], sums[o][k]);
                    }
                }
            }
        }
        for o in 0..MO {
            for k in 0..NK {
                let place = to.add(o * line + k * lanes);
                (Lanes::<T, I>::load(place) + sums[o][k]).store(place);
            }
        }
    }
}
