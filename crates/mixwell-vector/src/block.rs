//! How networks hold their numbers: blocks of 64 rows, each feature of a block contiguous.
//!
//! A buffer of `n` features for `rows` rows is `blocks(rows) x n x 64` numbers; row `r` of feature `f` is number
//! `(r / 64 * n + f) * 64 + r % 64`. Rows lie along the vector lanes, so that layers of any width, also one or two features
//! wide, keep every lane busy, and a block of a whole flow stays in cache. Lanes past the last row hold anything; they
//! are never read into a result.

use rayon::prelude::*;

use super::simd::{self, Isa, Job, Lanes, Vector};
use crate::Real;

/// Rows per block.
pub const BLOCK: usize = 64;

/// Blocks that hold `rows` rows.
#[inline(always)]
pub fn blocks(rows: usize) -> usize {
    rows.div_ceil(BLOCK)
}

/// Rows in block `b` of a buffer of `rows` rows.
#[inline(always)]
pub fn rows_in(rows: usize, b: usize) -> usize {
    (rows - b * BLOCK).min(BLOCK)
}

/// Length of a buffer of `n` features for `rows` rows.
#[inline(always)]
pub fn buffer_len(rows: usize, n: usize) -> usize {
    blocks(rows) * n * BLOCK
}

/// Rows that a thread takes at a time when all threads share `rows` rows: pieces of even size, at most a block each, and
/// as many for every thread.
fn rows_per_piece(rows: usize) -> usize {
    let pieces = blocks(rows).next_multiple_of(rayon::current_num_threads());
    rows.div_ceil(pieces.max(1)).max(1)
}

/// Calls `work(first row, per_row, wide)` on pieces of at most a block of rows, on all threads or on this one. `per_row` has one
/// entry per row, `wide` has `width` entries per row (units where there is nothing to write).
pub fn each_piece<P: Send, W: Send>(
    parallel: bool,
    per_row: &mut [P],
    wide: &mut [W],
    width: usize,
    work: impl Fn(usize, &mut [P], &mut [W]) + Sync,
) {
    debug_assert_eq!(per_row.len() * width, wide.len());
    if parallel {
        let piece = rows_per_piece(per_row.len());
        let pieces = per_row.par_chunks_mut(piece).zip(wide.par_chunks_mut(piece * width));
        pieces.enumerate().for_each(|(p, (per_row, wide))| work(p * piece, per_row, wide));
    } else {
        let pieces = per_row.chunks_mut(BLOCK).zip(wide.chunks_mut(BLOCK * width));
        pieces.enumerate().for_each(|(b, (per_row, wide))| work(b * BLOCK, per_row, wide));
    }
}

/// Copies row-major `rows x n` numbers into a blocked buffer, rounding to `T`; lanes past the last row become zero.
pub fn load_rows<T: Real>(from: &[f64], n: usize, to: &mut [T]) {
    debug_assert!(to.len() >= buffer_len(from.len() / n, n));
    simd::run(Load { from, n, to });
}

/// Copies a blocked buffer to row-major `rows x n` numbers.
pub fn store_rows<T: Real>(from: &[T], n: usize, to: &mut [f64]) {
    simd::run(Store { from, n, to });
}

struct Load<'a, T> {
    from: &'a [f64],
    n: usize,
    to: &'a mut [T],
}

impl<T: Real> Job for Load<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self { from, n, to } = self;
        let lanes = Lanes::<f64, I>::LANES;
        for (from, block) in from.chunks(BLOCK * n).zip(to.chunks_exact_mut(BLOCK * n)) {
            let rows = from.len() / n;
            // Squares of rows and features are turned in registers, what is left goes number by number.
            let (square_rows, square_features) = (rows - rows % lanes, n - n % lanes);
            for f in (0..square_features).step_by(lanes) {
                for r in (0..square_rows).step_by(lanes) {
                    let mut square = [Lanes::<f64, I>::splat(0.0); 16];
                    for (i, row) in square.iter_mut().enumerate().take(lanes) {
                        *row = Lanes::<f64, I>::of(&from[(r + i) * n + f..]);
                    }
                    simd::transpose::<f64, _>(&mut square);
                    for (i, feature) in square.iter().enumerate().take(lanes) {
                        let mut values = [0.0; 16];
                        feature.put(&mut values);
                        let to = &mut block[(f + i) * BLOCK + r..][..lanes];
                        to.iter_mut().zip(values).for_each(|(to, v)| *to = T::from_f64(v));
                    }
                }
            }
            for (f, feature) in block.chunks_exact_mut(BLOCK).enumerate() {
                let first = if f < square_features { square_rows } else { 0 };
                for (r, value) in feature[..rows].iter_mut().enumerate().skip(first) {
                    *value = T::from_f64(from[r * n + f]);
                }
                feature[rows..].fill(T::ZERO);
            }
        }
    }
}

struct Store<'a, T> {
    from: &'a [T],
    n: usize,
    to: &'a mut [f64],
}

impl<T: Real> Job for Store<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self { from, n, to } = self;
        let lanes = Lanes::<f64, I>::LANES;
        for (to, block) in to.chunks_mut(BLOCK * n).zip(from.chunks_exact(BLOCK * n)) {
            let rows = to.len() / n;
            let (square_rows, square_features) = (rows - rows % lanes, n - n % lanes);
            for f in (0..square_features).step_by(lanes) {
                for r in (0..square_rows).step_by(lanes) {
                    let mut square = [Lanes::<f64, I>::splat(0.0); 16];
                    for (i, feature) in square.iter_mut().enumerate().take(lanes) {
                        let mut values = [0.0; 16];
                        let from = &block[(f + i) * BLOCK + r..][..lanes];
                        values.iter_mut().zip(from).for_each(|(v, from)| *v = from.to_f64());
                        *feature = Lanes::<f64, I>::of(&values);
                    }
                    simd::transpose::<f64, _>(&mut square);
                    for (i, row) in square.iter().enumerate().take(lanes) {
                        row.put(&mut to[(r + i) * n + f..]);
                    }
                }
            }
            for (r, row) in to.chunks_exact_mut(n).enumerate() {
                let first = if r < square_rows { square_features } else { 0 };
                for (f, value) in row.iter_mut().enumerate().skip(first) {
                    *value = block[f * BLOCK + r].to_f64();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_and_out_unchanged() {
        simd::under_each(|| {
            for (rows, n) in [1, 63, 64, 65, 77, 200].into_iter().flat_map(|r| [(r, 3), (r, 8), (r, 21)]) {
                let x: Vec<f64> = (0..rows * n).map(|i| i as f64).collect();
                let mut buffer = vec![f32::NAN; buffer_len(rows, n)];
                load_rows(&x, n, &mut buffer);
                for (place, value) in buffer.iter().enumerate() {
                    let (row, feature) = (place / (n * BLOCK) * BLOCK + place % BLOCK, place / BLOCK % n);
                    let want = if row < rows { (row * n + feature) as f32 } else { 0.0 };
                    assert_eq!(*value, want, "row {row}, feature {feature} of {rows} x {n}");
                }
                let mut back = vec![f64::NAN; rows * n];
                store_rows(&buffer, n, &mut back);
                assert_eq!(x, back);
            }
        });
    }
}
