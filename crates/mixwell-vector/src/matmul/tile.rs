//! The inner loop that all products share: a tile of sums in registers, and the choice of its size.

use crate::Real;
use crate::simd::{Isa, Vector};

/// `acc[i][v] += sum_k a[k * a_step + i * a_row] * b[k * b_step ..][v]`, over `k` in order.
///
/// # Safety
/// `a` and `b` must be readable at all of these places.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
pub(super) unsafe fn tile<T: Real, V: Vector<T>, const MR: usize, const NV: usize>(
    n: usize,
    (a, a_step, a_row): (*const T, usize, usize),
    (b, b_step): (*const T, usize),
    mut acc: [[V; NV]; MR],
) -> [[V; NV]; MR] {
    for k in 0..n {
        // SAFETY: promised by the caller.
        unsafe {
            let a = a.add(k * a_step);
            let b = b.add(k * b_step);
            if MR < NV {
                // Fewer registers are needed when it is the broadcast numbers that wait in them.
                let mut w = [V::splat(T::ZERO); MR];
                for i in 0..MR {
                    w[i] = V::splat(*a.add(i * a_row));
                }
                for v in 0..NV {
                    let x = V::load(b.add(v * V::LANES));
                    for i in 0..MR {
                        acc[i][v] = w[i].mul_add(x, acc[i][v]);
                    }
                }
                continue;
            }
            let mut x = [V::splat(T::ZERO); NV];
            for v in 0..NV {
                x[v] = V::load(b.add(v * V::LANES));
            }
            for i in 0..MR {
                let w = V::splat(*a.add(i * a_row));
                for v in 0..NV {
                    acc[i][v] = w.mul_add(x[v], acc[i][v]);
                }
            }
        }
    }
    acc
}

/// Features that leave registers for tiles of four vectors on every machine.
pub(super) const FEW: usize = 3;

/// Calls `$f::<.., MR, NV>` for run-time `MR` in 1..=6 and `NV` in {1, 2, 4}.
macro_rules! sized {
    ($mr:expr, $nv:expr, $f:ident :: <$t:ty, $i:ty>, $args:tt) => {
        match $mr {
            1 => sized!(@ $nv, $f, $t, $i, 1, $args),
            2 => sized!(@ $nv, $f, $t, $i, 2, $args),
            3 => sized!(@ $nv, $f, $t, $i, 3, $args),
            4 => sized!(@ $nv, $f, $t, $i, 4, $args),
            5 => sized!(@ $nv, $f, $t, $i, 5, $args),
            _ => sized!(@ $nv, $f, $t, $i, 6, $args),
        }
    };
    (@ $nv:expr, $f:ident, $t:ty, $i:ty, $mr:literal, $args:tt) => {
        if $nv == 1 {
            $f::<$t, $i, $mr, 1> $args
        } else if $nv == 2 || (<$i>::TILE < 4 && $mr > $crate::matmul::tile::FEW) {
            $f::<$t, $i, $mr, 2> $args
        } else {
            $f::<$t, $i, $mr, 4> $args
        }
    };
}

/// Vectors to do next when `left` remain: 4 where the tile allows it (also for 3, as a block always has room), 2 or 1.
#[inline(always)]
pub(super) fn next_vectors<I: Isa>(left: usize) -> usize {
    if left >= 3 && I::TILE >= 4 {
        4
    } else if left >= 2 {
        2
    } else {
        1
    }
}

pub(super) use sized;
