//! `dW += dy x^T`: the gradient in the weights, summed over rows.
//!
//! One factor is broadcast number by number, the other is turned so that its features lie along the lanes.

use super::dots::{Dots, dots};
use super::panels::{PANEL, panel_start};
use super::tile::{next_vectors, sized, tile};
use crate::Real;
use crate::block::{BLOCK, blocks, rows_in};
use crate::simd::{self, Isa, Job, Lanes, Vector};

/// The parts of the work, each of which the caller has checked.
#[doc(hidden)]
pub enum Outer<'a, T> {
    /// Numbers in a vector, written to the place given.
    Lanes(&'a mut usize),
    /// Adds the sums over the rows of a block to `sum`.
    SumRows { from: &'a [T], sum: &'a mut [T], rows: usize },
    /// Turns a block of features.
    Turn { from: &'a [T], n: usize, to: &'a mut [T], rows: usize },
    /// Adds products of broadcast and turned features.
    Accumulate(Accumulate<'a, T>),
    /// Adds products of features as they lie.
    Dots(Dots<'a, T>),
}

/// `out[i * step_a + j * step_b] += sum over pairs, sum over rows of a[i] * b[j]`.
#[doc(hidden)]
pub struct Accumulate<'a, T> {
    /// Broadcast features, the first `n_a` of each member.
    pub(super) a: &'a [T],
    pub(super) n_a: usize,
    /// Turned features; a member has [`turned_len`] numbers.
    pub(super) b: &'a [T],
    pub(super) n_b: usize,
    pub(super) pairs: Pairs<'a>,
    /// Rows of every pair but the last, and of the last.
    pub(super) rows: [usize; 2],
    pub(super) out: &'a mut [T],
    pub(super) steps: [usize; 2],
}

/// Which members of the two factors belong together, and where they begin.
#[derive(Clone, Copy)]
pub(super) enum Pairs<'a> {
    /// Member `i` of both, up to this many.
    Same { n: usize, a_len: usize, b_len: usize },
    /// These of the first and the second, in units of these lengths.
    Listed { members: &'a [(u32, u32)], a_len: usize, b_len: usize },
}

impl Pairs<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        match self {
            Self::Same { n, .. } => *n,
            Self::Listed { members, .. } => members.len(),
        }
    }

    #[inline(always)]
    fn get(&self, i: usize) -> (usize, usize) {
        match *self {
            Self::Same { a_len, b_len, .. } => (i * a_len, i * b_len),
            Self::Listed { members, a_len, b_len } => {
                (members[i].0 as usize * a_len, members[i].1 as usize * b_len)
            }
        }
    }
}

/// Numbers in a vector of this machine.
pub(super) fn lanes<T: Real>() -> usize {
    let mut lanes = 0;
    T::run_outer(Outer::Lanes(&mut lanes));
    lanes
}

/// Numbers that a block of `n` features takes when it is turned: whole tiles of the longest vectors, which are 64 features, and at
/// the end one vector, two, or a tile.
pub(super) const fn turned_len(n: usize) -> usize {
    let end = match n % 64 {
        0 => 0,
        1..=16 => 16,
        17..=32 => 32,
        _ => 64,
    };
    BLOCK * (n / 64 * 64 + end)
}

/// Whether it is `x` that is turned: the factor that wastes fewer lanes.
pub(super) fn turns_x(lanes: usize, n_in: usize, n_out: usize) -> bool {
    n_in.next_multiple_of(lanes) * n_out <= n_out.next_multiple_of(lanes) * n_in
}

/// Pairs that are summed before they are added to the result: so many that the turned rows of a tile stay in the first-level
/// cache while all features of the other factor pass.
const PART: usize = 2;

/// The same for images of few channels, whose turned rows are short.
const LONGEST_PART: usize = 8;

/// Numbers of scratch that [`outer`] needs.
pub fn outer_scratch(n_in: usize, n_out: usize, rows: usize) -> usize {
    blocks(rows).min(PART) * turned_len(n_in.max(n_out))
}

/// `weights += dy x^T` (`n_out x n_in`) and, where there is one, `bias += dy 1`, summed over `rows` rows.
///
/// # Panics
/// When a buffer is shorter than its shape.
pub fn outer<T: Real>(
    (dy, n_out): (&[T], usize),
    (x, n_in): (&[T], usize),
    rows: usize,
    weights: &mut [T],
    bias: Option<&mut [T]>,
    scratch: &mut [T],
) {
    let nb = blocks(rows);
    assert!(x.len() >= nb * n_in * BLOCK && dy.len() >= nb * n_out * BLOCK, "short buffer");
    assert!(weights.len() == n_in * n_out, "gradient of another shape");
    assert!(bias.as_ref().is_none_or(|b| b.len() == n_out), "gradient of another shape");
    assert!(scratch.len() >= outer_scratch(n_in, n_out, rows), "short scratch");
    if let Some(sum) = bias {
        for b in 0..nb {
            let from = &dy[b * n_out * BLOCK..][..n_out * BLOCK];
            T::run_outer(Outer::SumRows { from, sum: &mut *sum, rows: rows_in(rows, b) });
        }
    }
    let (a, n_a, b, n_b, steps) = if turns_x(lanes::<T>(), n_in, n_out) {
        (dy, n_out, x, n_in, [n_in, 1])
    } else {
        (x, n_in, dy, n_out, [1, n_in])
    };
    let len = turned_len(n_b);
    for first in (0..nb).step_by(PART) {
        let n = (nb - first).min(PART);
        for (block, to) in (first..first + n).zip(scratch.chunks_exact_mut(len.max(1))) {
            let from = &b[block * n_b * BLOCK..][..n_b * BLOCK];
            T::run_outer(Outer::Turn { from, n: n_b, to, rows: rows_in(rows, block) });
        }
        T::run_outer(Outer::Accumulate(Accumulate {
            a: &a[first * n_a * BLOCK..],
            n_a,
            b: scratch,
            n_b,
            pairs: Pairs::Same { n, a_len: n_a * BLOCK, b_len: len },
            rows: [BLOCK, rows_in(rows, first + n - 1)],
            out: &mut *weights,
            steps,
        }));
    }
}

impl<T: Real> Job for Outer<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        match self {
            Self::Lanes(lanes) => *lanes = Lanes::<T, I>::LANES,
            Self::SumRows { from, sum, rows } => sum_rows::<T, I>(from, rows, sum),
            Self::Turn { from, n, to, rows } => turn::<T, I>(from, n, rows, to),
            Self::Accumulate(job) => accumulate::<T, I>(job),
            Self::Dots(job) => dots::<T, I>(job),
        }
    }
}

/// `sum[f] += sum over rows of v[f]`.
#[inline(always)]
fn sum_rows<T: Real, I: Isa>(v: &[T], rows: usize, sum: &mut [T]) {
    let lanes = Lanes::<T, I>::LANES;
    for (f, total) in sum.iter_mut().enumerate() {
        let feature = &v[f * BLOCK..][..rows];
        let mut acc = Lanes::<T, I>::splat(T::ZERO);
        let chunks = feature.chunks_exact(lanes);
        let rest = chunks.remainder();
        for chunk in chunks {
            acc = acc + Lanes::<T, I>::of(chunk);
        }
        let mut parts = [T::ZERO; 16];
        acc.put(&mut parts);
        for (part, value) in parts.iter_mut().zip(rest) {
            *part += *value;
        }
        let mut width = 8;
        while width > 0 {
            for i in 0..width {
                parts[i] += parts[i + width];
            }
            width /= 2;
        }
        *total += parts[0];
    }
}

#[inline(always)]
fn accumulate<T: Real, I: Isa>(job: Accumulate<'_, T>) {
    let Accumulate { a, n_a, b, n_b, pairs, rows, out, steps: [step_a, step_b] } = job;
    let lanes = Lanes::<T, I>::LANES;
    let vectors = n_b.div_ceil(lanes);
    let part = match pairs {
        Pairs::Same { .. } => PART,
        _ => (PART * 64 / n_b.next_multiple_of(lanes)).clamp(PART, LONGEST_PART),
    };
    for first in (0..pairs.len()).step_by(part) {
        let n = (pairs.len() - first).min(part);
        // The members of this part: where they begin, and how many rows they have.
        let mut members = [(0, 0, 0); LONGEST_PART];
        for (i, member) in members.iter_mut().enumerate().take(n) {
            let (in_a, in_b) = pairs.get(first + i);
            *member = (in_a, in_b, rows[usize::from(first + i + 1 == pairs.len())]);
            assert!(a.len() >= in_a + n_a * BLOCK && b.len() >= in_b + turned_len(n_b), "a member outside");
        }
        let mut v = 0;
        while v < vectors {
            let nv = next_vectors::<I>(vectors - v);
            for p in 0..n_a.div_ceil(PANEL) {
                let (start, end) = (panel_start(n_a, p), panel_start(n_a, p + 1));
                let mut sums = [T::ZERO; PANEL * 64];
                // SAFETY: members lie within their factors, checked above; turned members have room for whole tiles; 64 is the
                // most numbers a row of a tile holds, and a tile goes to `out` directly only where all of it lies inside.
                unsafe {
                    let (a, b) = (a.as_ptr().add(start * BLOCK), b.as_ptr().add(v * lanes * BLOCK));
                    let direct = step_b == 1 && (v + nv) * lanes <= n_b;
                    let (to, to_step) = if direct {
                        (out.as_mut_ptr().add(start * step_a + v * lanes), step_a)
                    } else {
                        (sums.as_mut_ptr(), 64)
                    };
                    sized!(end - start, nv, panel_outer::<T, I>, (a, b, &members[..n], (to, to_step)));
                    if direct {
                        continue;
                    }
                }
                let columns = (nv * lanes).min(n_b - v * lanes);
                for i in 0..end - start {
                    let place = (start + i) * step_a + v * lanes * step_b;
                    let sums = &sums[i * 64..][..columns];
                    if step_b == 1 {
                        for (total, sum) in out[place..place + columns].iter_mut().zip(sums) {
                            *total += *sum;
                        }
                    } else {
                        for (j, sum) in sums.iter().enumerate() {
                            out[place + j * step_b] += *sum;
                        }
                    }
                }
            }
            v += nv;
        }
    }
}

/// `MR` broadcast features times `NV` vectors of turned features, summed over the rows of all members, added to `to` (row `i`
/// begins at `i * to_step`).
///
/// # Safety
/// `a` and `b` are readable at the places of the members, for `MR` features and `NV` vectors of turned features; `to` is writable
/// for `NV` vectors in each of `MR` rows.
#[inline(always)]
unsafe fn panel_outer<T: Real, I: Isa, const MR: usize, const NV: usize>(
    a: *const T,
    b: *const T,
    members: &[(usize, usize, usize)],
    (to, to_step): (*mut T, usize),
) {
    let lanes = Lanes::<T, I>::LANES;
    let mut acc = [[Lanes::<T, I>::splat(T::ZERO); NV]; MR];
    // SAFETY: promised by the caller.
    unsafe {
        for (in_a, in_b, rows) in members {
            let (a, b) = ((a.add(*in_a), 1, BLOCK), (b.add(*in_b), NV * lanes));
            acc = tile::<T, Lanes<T, I>, MR, NV>(*rows, a, b, acc);
        }
        for (i, row) in acc.iter().enumerate() {
            for (v, value) in row.iter().enumerate() {
                let place = to.add(i * to_step + v * lanes);
                (Lanes::<T, I>::load(place) + *value).store(place);
            }
        }
    }
}

/// Turns one block. The features are taken in the tiles of [`accumulate`]; the tile that begins at vector `v` with `nv` vectors lies
/// at `v * lanes * BLOCK`, row after row of its `nv * lanes` numbers. Whole squares of lanes are written, so rows and features
/// past the end of their square get zeros or whatever lies past the last row.
#[inline(always)]
fn turn<T: Real, I: Isa>(from: &[T], n: usize, rows: usize, to: &mut [T]) {
    let lanes = Lanes::<T, I>::LANES;
    let vectors = n.div_ceil(lanes);
    let mut v = 0;
    while v < vectors {
        let nv = next_vectors::<I>(vectors - v);
        let (to, stride) = (&mut to[v * lanes * BLOCK..], nv * lanes);
        for (column, f) in (v * lanes..n.min((v + nv) * lanes)).step_by(lanes).enumerate() {
            let to = &mut to[column * lanes..];
            if n - f <= 2 {
                for (i, f) in (f..n).enumerate() {
                    for (r, value) in from[f * BLOCK..][..rows].iter().enumerate() {
                        to[r * stride + i] = *value;
                    }
                }
                break;
            }
            for r in (0..rows).step_by(lanes) {
                let mut square = [Lanes::<T, I>::splat(T::ZERO); 16];
                for (i, row) in square.iter_mut().enumerate().take(lanes.min(n - f)) {
                    *row = Lanes::<T, I>::of(&from[(f + i) * BLOCK + r..]);
                }
                simd::transpose::<T, _>(&mut square);
                for (j, row) in square.iter().enumerate().take(lanes) {
                    row.put(&mut to[(r + j) * stride..]);
                }
            }
        }
        v += nv;
    }
}
