//! `dW += dy x^T`: the gradient in the weights, summed over rows.

use super::panels::{PANEL, panel_start};
use super::tile::{next_vectors, sized, tile};
use crate::Real;
use crate::block::{BLOCK, blocks, rows_in};
use crate::simd::{self, Isa, Job, Lanes, Vector};

/// What [`outer`] has checked.
#[doc(hidden)]
pub struct Outer<'a, T> {
    dy: &'a [T],
    n_out: usize,
    x: &'a [T],
    n_in: usize,
    rows: usize,
    weights: &'a mut [T],
    bias: Option<&'a mut [T]>,
    scratch: &'a mut [T],
}

/// Numbers of scratch that [`outer`] needs.
pub fn outer_scratch(n_in: usize, n_out: usize, rows: usize) -> usize {
    // The stride of a turned row is at most this, see `row_stride`.
    blocks(rows).min(PART) * BLOCK * (n_in.max(n_out).next_multiple_of(64) + 64)
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
    T::run_outer(Outer { dy, n_out, x, n_in, rows, weights, bias, scratch });
}

impl<T: Real> Job for Outer<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self { dy, n_out, x, n_in, rows, weights, bias, scratch } = self;
        if let Some(bias) = bias {
            sum_rows::<T, I>(dy, n_out, rows, bias);
        }
        // One factor is broadcast, the other lies along the lanes and has to be turned first: turn the one that wastes
        // fewer lanes.
        let lanes = Lanes::<T, I>::LANES;
        if n_in.next_multiple_of(lanes) * n_out <= n_out.next_multiple_of(lanes) * n_in {
            accumulate::<T, I>((dy, n_out), (x, n_in), rows, (weights, n_in, 1), scratch);
        } else {
            accumulate::<T, I>((x, n_in), (dy, n_out), rows, (weights, 1, n_in), scratch);
        }
    }
}

/// `sum[f] += sum over rows of v[f]`.
#[inline(always)]
fn sum_rows<T: Real, I: Isa>(v: &[T], n: usize, rows: usize, sum: &mut [T]) {
    let lanes = Lanes::<T, I>::LANES;
    for b in 0..blocks(rows) {
        let r_end = rows_in(rows, b);
        for (f, total) in sum.iter_mut().enumerate() {
            let feature = &v[(b * n + f) * BLOCK..][..r_end];
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
}

/// Blocks of rows that are summed before they are added to the result: so many that the turned rows of a tile stay in
/// the first-level cache while all features of the other factor pass.
const PART: usize = 2;

/// Distance of turned rows of `n` numbers: whole tiles, and an odd number of them, so that rows spread over all sets of
/// the cache.
#[inline(always)]
fn row_stride<T: Real, I: Isa>(n: usize) -> usize {
    let tile = Lanes::<T, I>::LANES * I::TILE;
    (n.div_ceil(tile) | 1) * tile
}

/// `out[i * step_a + j * step_b] += sum over rows of a[i] * b[j]`.
#[inline(always)]
fn accumulate<T: Real, I: Isa>(
    (a, n_a): (&[T], usize),
    (b, n_b): (&[T], usize),
    rows: usize,
    (out, step_a, step_b): (&mut [T], usize, usize),
    scratch: &mut [T],
) {
    for first in (0..blocks(rows)).step_by(PART) {
        let (a, b) = (&a[first * n_a * BLOCK..], &b[first * n_b * BLOCK..]);
        let rows = (rows - first * BLOCK).min(PART * BLOCK);
        accumulate_part::<T, I>((a, n_a), (b, n_b), rows, (&mut *out, step_a, step_b), scratch);
    }
}

/// [`accumulate`] for the rows that `scratch` holds turned.
#[inline(always)]
fn accumulate_part<T: Real, I: Isa>(
    (a, n_a): (&[T], usize),
    (b, n_b): (&[T], usize),
    rows: usize,
    (out, step_a, step_b): (&mut [T], usize, usize),
    scratch: &mut [T],
) {
    let lanes = Lanes::<T, I>::LANES;
    let stride = row_stride::<T, I>(n_b);
    for block in 0..blocks(rows) {
        let from = &b[block * n_b * BLOCK..];
        let to = &mut scratch[block * BLOCK * stride..];
        turn::<T, I>(from, n_b, rows_in(rows, block), to, stride);
    }
    let vectors = n_b.div_ceil(lanes);
    let mut v = 0;
    while v < vectors {
        let nv = next_vectors::<I>(vectors - v);
        for p in 0..n_a.div_ceil(PANEL) {
            let (start, end) = (panel_start(n_a, p), panel_start(n_a, p + 1));
            let mut sums = [T::ZERO; PANEL * 64];
            // SAFETY: lengths were checked in `outer`; a row of scratch has room for whole tiles, 64 is the most numbers a
            // row of a tile holds, and a tile goes to `out` directly only where all of it lies inside.
            unsafe {
                let (a, b) = (a.as_ptr().add(start * BLOCK), scratch.as_ptr().add(v * lanes));
                let direct = step_b == 1 && (v + nv) * lanes <= n_b;
                let (to, to_step) = if direct {
                    (out.as_mut_ptr().add(start * step_a + v * lanes), step_a)
                } else {
                    (sums.as_mut_ptr(), 64)
                };
                sized!(end - start, nv, panel_outer::<T, I>, (a, n_a, b, stride, rows, (to, to_step)));
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

/// `MR` broadcast features times `NV` vectors of turned features, summed over all rows, added to `to` (row `i` begins at
/// `i * to_step`).
///
/// # Safety
/// `a` is a blocked buffer of `n_a` features from which `MR` are readable; `b` has `stride` numbers per row, of which `NV`
/// vectors are readable; `to` is writable for `NV` vectors in each of `MR` rows.
#[inline(always)]
unsafe fn panel_outer<T: Real, I: Isa, const MR: usize, const NV: usize>(
    a: *const T,
    n_a: usize,
    b: *const T,
    stride: usize,
    rows: usize,
    (to, to_step): (*mut T, usize),
) {
    let lanes = Lanes::<T, I>::LANES;
    let mut acc = [[Lanes::<T, I>::splat(T::ZERO); NV]; MR];
    // SAFETY: promised by the caller.
    unsafe {
        for block in 0..blocks(rows) {
            let a = a.add(block * n_a * BLOCK);
            let b = b.add(block * BLOCK * stride);
            acc = tile::<T, Lanes<T, I>, MR, NV>(rows_in(rows, block), (a, 1, BLOCK), (b, stride), acc);
        }
        for (i, row) in acc.iter().enumerate() {
            for (v, value) in row.iter().enumerate() {
                let place = to.add(i * to_step + v * lanes);
                (Lanes::<T, I>::load(place) + *value).store(place);
            }
        }
    }
}

/// Turns one block: feature `f`, row `r` goes to `to[r * stride + f]`. Whole squares of lanes are written, so rows and
/// features past the end of their square get zeros or whatever lies past the last row.
#[inline(always)]
fn turn<T: Real, I: Isa>(from: &[T], n: usize, rows: usize, to: &mut [T], stride: usize) {
    let lanes = Lanes::<T, I>::LANES;
    for f in (0..n).step_by(lanes) {
        if n - f <= 2 {
            for f in f..n {
                for (r, value) in from[f * BLOCK..][..rows].iter().enumerate() {
                    to[r * stride + f] = *value;
                }
            }
            return;
        }
        for r in (0..rows).step_by(lanes) {
            let mut square = [Lanes::<T, I>::splat(T::ZERO); 16];
            for (i, row) in square.iter_mut().enumerate().take(lanes.min(n - f)) {
                *row = Lanes::<T, I>::of(&from[(f + i) * BLOCK + r..]);
            }
            simd::transpose::<T, _>(&mut square);
            for (j, row) in square.iter().enumerate().take(lanes) {
                row.put(&mut to[(r + j) * stride + f..]);
            }
        }
    }
}
