//! How networks hold their numbers: blocks of 64 rows, each feature of a block contiguous.
//!
//! A buffer of `n` features for `rows` rows is `blocks(rows) x n x 64` numbers; row `r` of feature `f` is number
//! `(r / 64 * n + f) * 64 + r % 64`. Rows lie along the vector lanes, so that layers of any width, also one or two features
//! wide, keep every lane busy, and a block of a whole flow stays in cache. Lanes past the last row hold anything; they
//! are never read into a result.

use super::real::Real;

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

/// Copies row-major `rows x n` numbers into a blocked buffer, rounding to `T`; lanes past the last row become zero.
pub fn load_rows<T: Real>(from: &[f64], n: usize, to: &mut [T]) {
    let rows = from.len() / n;
    for (rows_of_block, block) in from.chunks(BLOCK * n).zip(to.chunks_exact_mut(BLOCK * n)) {
        let r_end = rows_of_block.len() / n;
        for (f, feature) in block.chunks_exact_mut(BLOCK).enumerate() {
            for (r, value) in feature[..r_end].iter_mut().enumerate() {
                *value = T::from_f64(rows_of_block[r * n + f]);
            }
            feature[r_end..].fill(T::ZERO);
        }
    }
    debug_assert!(to.len() >= buffer_len(rows, n));
}

/// Copies a blocked buffer to row-major `rows x n` numbers.
pub fn store_rows<T: Real>(from: &[T], n: usize, to: &mut [f64]) {
    for (rows_of_block, block) in to.chunks_mut(BLOCK * n).zip(from.chunks_exact(BLOCK * n)) {
        for (r, row) in rows_of_block.chunks_exact_mut(n).enumerate() {
            for (f, value) in row.iter_mut().enumerate() {
                *value = block[f * BLOCK + r].to_f64();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_and_out_unchanged() {
        for rows in [1, 63, 64, 65, 200] {
            let x: Vec<f64> = (0..rows * 3).map(|i| i as f64).collect();
            let mut buffer = vec![f32::NAN; buffer_len(rows, 3)];
            load_rows(&x, 3, &mut buffer);
            assert_eq!(buffer[BLOCK], 1.0);
            let mut back = vec![0.0; rows * 3];
            store_rows(&buffer, 3, &mut back);
            assert_eq!(x, back);
        }
    }
}
