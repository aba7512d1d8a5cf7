//! Evaluates rows side by side: eight rows are turned into columns, so that a target written for one row runs on eight.
//!
//! A [`Lanes`] target does its arithmetic on `[f64; L]`, one entry per row, and the compiler makes vector instructions
//! of it. What is left over after the blocks of eight goes through the same code with `L = 1`, without a copy. Every
//! lane does the same operations in the same order whatever `L` is, and nothing is fused or reordered, so a row's value
//! does not depend on the rows it is evaluated with, to the last bit.
//!
//! A target whose arithmetic is worth it ([`Lanes::WIDE`]) is compiled for every instruction set of [`mixwell_vector::simd`].
//!
//! Shapes: `x` and `grad` hold `dim` columns of `L` numbers; `scratch` holds `Lanes::scratch` such columns.

use super::EvaluationError;
use crate::scratch::scratch;
use crate::{Batch, BatchMut};
use mixwell_vector::simd::{self, Isa, Job};

/// Rows evaluated at once.
const WIDTH: usize = 8;

/// A log-density written for `L` rows at once.
pub(crate) trait Lanes {
    /// Whether to compile the target for each instruction set; `evaluate` must then be `#[inline(always)]`.
    const WIDE: bool = false;

    /// Coordinates of a row.
    fn lanes_dim(&self) -> usize;

    /// Columns of working memory.
    fn scratch(&self) -> usize {
        0
    }

    /// The log-density of `L` rows. Fills `grad` when `GRAD` is set, and must not touch it otherwise: it is empty then.
    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        scratch: &mut [[f64; L]],
    ) -> [f64; L];
}

/// [`crate::density::Target::evaluate`] of a lane target, which never fails.
pub(crate) fn evaluate<T: Lanes>(
    target: &T,
    x: Batch<'_>,
    log_prob: &mut [f64],
    grad: Option<BatchMut<'_>>,
) -> Result<(), EvaluationError> {
    match grad {
        None => run::<T, false>(target, x, log_prob, &mut []),
        Some(grad) => run::<T, true>(target, x, log_prob, grad.into_data()),
    }
    Ok(())
}

/// Dimension and evaluation of a [`crate::density::Target`] that has lanes only, written inside its `impl`.
macro_rules! evaluates {
    () => {
        fn dim(&self) -> usize {
            $crate::density::lanes::Lanes::lanes_dim(self)
        }

        fn evaluate(
            &self,
            x: $crate::Batch<'_>,
            log_prob: &mut [f64],
            grad: Option<$crate::BatchMut<'_>>,
        ) -> Result<(), $crate::density::EvaluationError> {
            $crate::density::lanes::evaluate(self, x, log_prob, grad)
        }
    };
}
pub(crate) use evaluates;

fn run<T: Lanes, const GRAD: bool>(target: &T, x: Batch<'_>, log_prob: &mut [f64], grad: &mut [f64]) {
    if T::WIDE {
        simd::run(Rows::<T, GRAD> { target, x, log_prob, grad });
    } else {
        rows::<T, GRAD>(target, x, log_prob, grad);
    }
}

struct Rows<'a, T, const GRAD: bool> {
    target: &'a T,
    x: Batch<'a>,
    log_prob: &'a mut [f64],
    grad: &'a mut [f64],
}

impl<T: Lanes, const GRAD: bool> Job for Rows<'_, T, GRAD> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        rows::<T, GRAD>(self.target, self.x, self.log_prob, self.grad);
    }
}

#[inline(always)]
fn rows<T: Lanes, const GRAD: bool>(target: &T, x: Batch<'_>, log_prob: &mut [f64], grad: &mut [f64]) {
    let dim = target.lanes_dim();
    assert_eq!(x.dim(), dim, "points of another dimension than the target's");
    // A block is worth its transposition when at least half of it is filled.
    let rows = x.rows();
    let wide = if rows % WIDTH >= WIDTH / 2 { rows } else { rows - rows % WIDTH };
    let mut start = 0;
    if wide > 0 {
        let columns = if GRAD { 2 * dim } else { dim };
        let mut buffer = scratch(WIDTH * (columns + target.scratch()));
        let (points, scratch) = buffer.as_chunks_mut::<WIDTH>().0.split_at_mut(columns);
        let (points, slopes) = points.split_at_mut(dim);
        while start < wide {
            let n = WIDTH.min(rows - start);
            for l in 0..WIDTH {
                // The last row fills the lanes that have none.
                let row = x.row(start + l.min(n - 1));
                for (column, v) in points.iter_mut().zip(row) {
                    column[l] = *v;
                }
            }
            let value = target.evaluate::<WIDTH, GRAD>(points, slopes, scratch);
            log_prob[start..start + n].copy_from_slice(&value[..n]);
            if GRAD {
                for (l, row) in grad[start * dim..(start + n) * dim].chunks_exact_mut(dim).enumerate() {
                    for (v, column) in row.iter_mut().zip(slopes.iter()) {
                        *v = column[l];
                    }
                }
            }
            start += n;
        }
    }
    if start < rows {
        let mut scratch = scratch(target.scratch());
        for i in start..rows {
            let slopes = if GRAD { &mut grad[i * dim..(i + 1) * dim] } else { &mut [] };
            let value = target.evaluate::<1, GRAD>(
                x.row(i).as_chunks::<1>().0,
                slopes.as_chunks_mut::<1>().0,
                scratch.as_chunks_mut::<1>().0,
            );
            log_prob[i] = value[0];
        }
    }
}

/// `f` of every lane.
#[inline(always)]
pub(crate) fn map<const L: usize>(a: [f64; L], f: impl Fn(f64) -> f64) -> [f64; L] {
    let mut out = a;
    for v in &mut out {
        *v = f(*v);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    /// `-x0^2 exp(x1) / 2`: enough to see a mixed-up row, column or lane.
    struct Bent;

    impl Lanes for Bent {
        fn lanes_dim(&self) -> usize {
            2
        }

        fn scratch(&self) -> usize {
            1
        }

        fn evaluate<const L: usize, const GRAD: bool>(
            &self,
            x: &[[f64; L]],
            grad: &mut [[f64; L]],
            scratch: &mut [[f64; L]],
        ) -> [f64; L] {
            scratch[0] = map(x[1], f64::exp);
            let mut out = [0.0; L];
            for l in 0..L {
                out[l] = -0.5 * x[0][l] * x[0][l] * scratch[0][l];
                if GRAD {
                    grad[0][l] = -x[0][l] * scratch[0][l];
                    grad[1][l] = out[l];
                }
            }
            out
        }
    }

    #[test]
    fn every_number_of_rows_gives_each_row_its_own_value() {
        for rows in 0..28 {
            let x = Points::from_vec((0..2 * rows).map(|i| (i as f64 * 0.7).sin()).collect(), 2);
            let (mut a, mut b) = (vec![0.0; rows], vec![0.0; rows]);
            let mut grad = Points::zeros(rows, 2);
            evaluate(&Bent, x.as_batch(), &mut a, None).unwrap();
            evaluate(&Bent, x.as_batch(), &mut b, Some(grad.as_batch_mut())).unwrap();
            assert_eq!(a, b);
            for i in 0..rows {
                let (u, v) = (x.row(i)[0], x.row(i)[1]);
                assert_eq!(a[i], -0.5 * u * u * v.exp(), "{rows} rows, row {i}");
                assert_eq!(grad.row(i), &[-u * v.exp(), a[i]]);
            }
        }
    }
}
