//! Products of a few rows: outputs along the lanes, one broadcast number of a row times a column of weights.
//!
//! One row in a vector of sixteen lanes would cost as much as sixteen; here it costs a sixteenth. The sums are those of
//! the other way, input after input with the same operation, so a row comes out the same to the last bit.

use std::ops::Range;

use super::panels::Panels;
use super::product::Finish;
use super::tile::tile;
use crate::Real;
use crate::block::BLOCK;
use crate::simd::{Isa, Lanes, Vector};

/// Weights up to which the columns stay in a core's cache beside the panels.
const SMALL: usize = 1 << 15;

/// Whether the last `rows % lanes` of `rows` rows are taken this way rather than as one more vector of rows.
#[inline(always)]
pub(super) fn is_quicker(rows: usize, lanes: usize, weights: usize) -> bool {
    let few = rows % lanes;
    // Beyond half of the lanes, or six rows, reading a column for each pair of rows costs more than empty lanes; and
    // large matrices should not be read from memory twice.
    few > 0 && few <= (lanes / 2).min(6) && (rows < lanes || weights <= SMALL)
}

/// Some rows of one block.
pub(super) struct FewRows<'a, T> {
    pub panels: &'a Panels<T>,
    pub bias: Option<&'a [T]>,
    pub x: &'a [T],
    pub finish: Finish<'a, T>,
    pub y: &'a mut [T],
    /// Which rows of the block.
    pub rows: Range<usize>,
}

/// `y = W x + b`, finished as told, for these rows.
#[inline(always)]
pub(super) fn product<T: Real, I: Isa>(mut job: FewRows<'_, T>) {
    let lanes = Lanes::<T, I>::LANES;
    let vectors = job.panels.n_out.div_ceil(lanes);
    let mut row = job.rows.start;
    while row < job.rows.end {
        let n_rows = if job.rows.end - row >= 2 { 2 } else { 1 };
        let mut v = 0;
        while v < vectors {
            let n = match vectors - v {
                1 => 1,
                2 | 3 => 2,
                _ => 4,
            };
            match (n_rows, n) {
                (1, 1) => outputs::<T, I, 1, 1>(&mut job, row, v * lanes),
                (1, 2) => outputs::<T, I, 1, 2>(&mut job, row, v * lanes),
                (1, _) => outputs::<T, I, 1, 4>(&mut job, row, v * lanes),
                (_, 1) => outputs::<T, I, 2, 1>(&mut job, row, v * lanes),
                (_, 2) => outputs::<T, I, 2, 2>(&mut job, row, v * lanes),
                (_, _) => outputs::<T, I, 2, 4>(&mut job, row, v * lanes),
            }
            v += n;
        }
        row += n_rows;
    }
}

/// `NV` vectors of outputs from output `first` on, for `MR` rows from `row` on.
#[inline(always)]
fn outputs<T: Real, I: Isa, const MR: usize, const NV: usize>(
    job: &mut FewRows<'_, T>,
    row: usize,
    first: usize,
) {
    let lanes = Lanes::<T, I>::LANES;
    let Panels { n_in, n_out, columns, .. } = job.panels;
    let (n_in, len) = (*n_in, job.panels.column_len());
    let n = (n_out - first).min(NV * lanes);
    let mut sums = [[T::ZERO; 64]; MR];
    if let Some(bias) = job.bias {
        sums.iter_mut().for_each(|row| row[..n].copy_from_slice(&bias[first..first + n]));
    }
    let mut acc = [[Lanes::<T, I>::splat(T::ZERO); NV]; MR];
    for (acc, sums) in acc.iter_mut().zip(&sums) {
        for (v, acc) in acc.iter_mut().enumerate() {
            *acc = Lanes::<T, I>::of(&sums[v * lanes..]);
        }
    }
    assert!(columns.len() >= n_in * len && first + NV * lanes <= len.max(NV * lanes));
    assert!(row + MR <= BLOCK && job.x.len() >= n_in * BLOCK);
    // SAFETY: every input of a block has `BLOCK` rows, of which `row..row + MR` are read; the columns are `n_in` times
    // `len` long, a multiple of the lanes, and `first + NV * lanes` does not pass the end of one. Both checked above.
    let acc = unsafe {
        let x = job.x.as_ptr().add(row);
        tile::<T, Lanes<T, I>, MR, NV>(n_in, (x, BLOCK, 1), (columns.as_ptr().add(first), len), acc)
    };
    for (i, (acc, sums)) in acc.iter().zip(&mut sums).enumerate() {
        for (v, acc) in acc.iter().enumerate() {
            acc.put(&mut sums[v * lanes..]);
        }
        for (j, sum) in sums[..n].iter().enumerate() {
            let place = (first + j) * BLOCK + row + i;
            job.y[place] = match job.finish {
                Finish::Keep => *sum,
                Finish::Leaky(slope) => {
                    // NaN passes, as in the vectors.
                    let low = slope * *sum;
                    if low > *sum { low } else { *sum }
                }
                Finish::Gate(_, gate) if gate[place] > T::ZERO => *sum,
                Finish::Gate(slope, _) => slope * *sum,
            };
        }
    }
}
