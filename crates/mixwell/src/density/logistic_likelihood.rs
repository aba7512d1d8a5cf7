//! The log-likelihood of a logistic regression, on the matrix products of the engine.
//!
//! `L(w) = -sum_i ln(1 + exp(-t_i))`, margins `t_i = s_i x_i . w`, gradient `sum_i c_i s_i x_i`, `c_i = 1 / (1 + exp(t_i))`.
//! Data rows come in chunks of 128. Many points: margins of a chunk are one product (data x points), their pull-back
//! another, with points along the lanes. Few points: one at a time, with data rows (then coordinates) along the lanes.
//! Both ways do the same operations in the same order for every point, so a point's value does not depend on which was
//! taken, nor on its neighbours: sums over data run in eight interleaved parts, row `r` of a chunk in part `r mod 8`.
//! `ln(1 + e)` is summed as the logarithm of a product, taken once per four chunks: a factor is at most 2, a part of the
//! product at most 2^64.
//! Shapes: data `rows x dim` with the sign `s_i` folded in; points `rows x dim`.

use std::cell::RefCell;

use crate::scratch::scratch;
use crate::{Batch, BatchMut};
use mixwell_vector::block::{BLOCK, buffer_len, load_rows};
use mixwell_vector::elementary::exp;
use mixwell_vector::matmul::{Finish, Panels, product};
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// Data rows per chunk: margins of a block of points stay in the first cache.
const CHUNK: usize = 128;
/// Chunks whose factors are multiplied before a logarithm is taken.
const CHUNKS_PER_LOG: usize = 4;
/// Interleaved partial sums.
const PARTS: usize = 8;
/// From this many points on, they lie along the lanes.
const MANY: usize = 6;

/// Some rows of the data, in the layouts of the four products.
#[derive(Clone, Debug)]
struct Chunk {
    rows: usize,
    /// Outputs are data rows, inputs coordinates.
    margins: Panels<f64>,
    /// Outputs are coordinates, inputs data rows.
    pull_back: Panels<f64>,
    /// Coordinates as features, data rows along the lanes.
    by_column: Vec<f64>,
    /// Data rows as features, coordinates along the lanes.
    by_row: Vec<f64>,
}

thread_local! {
    /// The weights and the slopes of one point as matrices of one output, kept by the thread.
    static ONE_POINT: RefCell<[Panels<f64>; 2]> = RefCell::default();
}

/// The data of a logistic regression.
#[derive(Clone, Debug)]
pub(super) struct Likelihood {
    dim: usize,
    chunks: Vec<Chunk>,
}

impl Likelihood {
    /// Takes signed data, `rows x dim`.
    pub(super) fn new(signed: &[f64], dim: usize) -> Self {
        let chunks = signed.chunks(CHUNK * dim).map(|data| {
            let rows = data.len() / dim;
            let (mut margins, mut pull_back) = (Panels::new(dim, rows), Panels::new(rows, dim));
            margins.pack(data, dim, 1);
            pull_back.pack(data, 1, dim);
            let mut by_column = vec![0.0; buffer_len(rows, dim)];
            load_rows(data, dim, &mut by_column);
            let columns: Vec<f64> =
                (0..dim).flat_map(|j| data.iter().skip(j).step_by(dim).copied()).collect();
            let mut by_row = vec![0.0; buffer_len(dim, rows)];
            load_rows(&columns, rows, &mut by_row);
            Chunk { rows, margins, pull_back, by_column, by_row }
        });
        Self { dim, chunks: chunks.collect() }
    }

    /// Writes the log-likelihood of each point, and its gradient where one is asked for.
    pub(super) fn evaluate(&self, x: Batch<'_>, value: &mut [f64], mut grad: Option<BatchMut<'_>>) {
        if x.rows() < MANY {
            for row in 0..x.rows() {
                let grad = grad.as_mut().map(|g| g.row_mut(row));
                value[row] = self.one(x.row(row), grad);
            }
            return;
        }
        for first in (0..x.rows()).step_by(BLOCK) {
            let range = first..(first + BLOCK).min(x.rows());
            let grad = grad.as_mut().map(|g| g.slice_mut(range.clone()));
            self.block(x.slice(range.clone()), &mut value[range], grad);
        }
    }

    /// One point.
    fn one(&self, w: &[f64], mut grad: Option<&mut [f64]>) -> f64 {
        let [mut weights, mut slopes] = ONE_POINT.take();
        weights.reshape(self.dim, 1);
        weights.pack(w, 0, 1);
        let mut margins = scratch(buffer_len(CHUNK, 1));
        let mut part = scratch(buffer_len(self.dim, 1));
        let mut sums = Sums::<1>::new();
        if let Some(grad) = grad.as_deref_mut() {
            grad.fill(0.0);
        }
        for (i, chunk) in self.chunks.iter().enumerate() {
            let rows = chunk.rows;
            product(&weights, None, &chunk.by_column, Finish::Keep, &mut margins, rows);
            simd::run(OnePoint { margins: &mut margins, rows, sums: &mut sums });
            if let Some(grad) = grad.as_deref_mut() {
                slopes.reshape(rows, 1);
                slopes.pack(&margins[..rows], 0, 1);
                product(&slopes, None, &chunk.by_row, Finish::Keep, &mut part, self.dim);
                grad.iter_mut().zip(part.iter()).for_each(|(g, p)| *g += p);
            }
            sums.after_chunk(i, 1);
        }
        ONE_POINT.set([weights, slopes]);
        sums.value(0)
    }

    /// At most a block of points.
    fn block(&self, x: Batch<'_>, value: &mut [f64], grad: Option<BatchMut<'_>>) {
        let points = x.rows();
        let mut w = scratch(buffer_len(BLOCK, self.dim));
        let mut margins = scratch(buffer_len(BLOCK, CHUNK));
        let (mut part, mut total) = (scratch(w.len()), scratch(w.len()));
        let mut sums = Sums::<BLOCK>::new();
        load_rows(x.data(), self.dim, &mut w);
        total.fill(0.0);
        for (i, chunk) in self.chunks.iter().enumerate() {
            product(&chunk.margins, None, &w, Finish::Keep, &mut margins, points);
            simd::run(ManyPoints { margins: &mut margins, rows: chunk.rows, points, sums: &mut sums });
            if grad.is_some() {
                product(&chunk.pull_back, None, &margins, Finish::Keep, &mut part, points);
                total.iter_mut().zip(part.iter()).for_each(|(g, p)| *g += p);
            }
            sums.after_chunk(i, points);
        }
        for (point, value) in value.iter_mut().enumerate() {
            *value = sums.value(point);
        }
        if let Some(grad) = grad {
            mixwell_vector::block::store_rows(&total, self.dim, grad.into_data());
        }
    }
}

/// Sums over data of `max(-t, 0)` and of `ln(1 + exp(-|t|))`, for `P` points.
struct Sums<const P: usize> {
    hinge: [[f64; P]; PARTS],
    factor: [[f64; P]; PARTS],
    logs: [f64; P],
}

impl<const P: usize> Sums<P> {
    fn new() -> Self {
        Self { hinge: [[0.0; P]; PARTS], factor: [[1.0; P]; PARTS], logs: [0.0; P] }
    }

    /// Takes logarithms when it is time.
    fn after_chunk(&mut self, chunk: usize, points: usize) {
        if (chunk + 1).is_multiple_of(CHUNKS_PER_LOG) {
            for point in 0..points {
                self.logs[point] += self.log_of_product(point);
            }
            self.factor = [[1.0; P]; PARTS];
        }
    }

    /// Eight factors of at most 2^64 each stay below the largest number.
    fn log_of_product(&self, point: usize) -> f64 {
        self.factor.iter().map(|part| part[point]).product::<f64>().ln()
    }

    fn value(&self, point: usize) -> f64 {
        let hinge: f64 = self.hinge.iter().map(|part| part[point]).sum();
        -(hinge + (self.logs[point] + self.log_of_product(point)))
    }
}

/// `max(-t, 0)`, `1 + e` and the slope `1 / (1 + exp(t))`, with `e = exp(-|t|)`.
#[inline(always)]
fn terms<V: Vector<f64>>(t: V) -> (V, V, V) {
    let (zero, one) = (V::splat(0.0), V::splat(1.0));
    let e = exp::<f64, V>(-t.abs());
    let factor = one + e;
    (zero.max(-t), factor, V::select(t.lt(zero), one, e) / factor)
}

/// Margins of one point become slopes; data rows along the lanes.
struct OnePoint<'a> {
    margins: &'a mut [f64],
    rows: usize,
    sums: &'a mut Sums<1>,
}

impl Job for OnePoint<'_> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self { margins, rows, sums } = self;
        let lanes = Lanes::<f64, I>::LANES;
        // Rows that are not there: nothing is added, and nothing multiplied.
        margins[rows..rows.next_multiple_of(PARTS)].fill(f64::INFINITY);
        let (mut hinges, mut factors) = ([0.0; PARTS], [0.0; PARTS]);
        for i in 0..PARTS {
            (hinges[i], factors[i]) = (sums.hinge[i][0], sums.factor[i][0]);
        }
        for start in (0..PARTS).step_by(lanes) {
            let mut hinge = Lanes::<f64, I>::of(&hinges[start..]);
            let mut factor = Lanes::<f64, I>::of(&factors[start..]);
            for row in (start..rows).step_by(PARTS) {
                let t = Lanes::<f64, I>::of(&margins[row..]);
                let (h, f, slope) = terms(t);
                (hinge, factor) = (hinge + h, factor * f);
                slope.put(&mut margins[row..]);
            }
            hinge.put(&mut hinges[start..]);
            factor.put(&mut factors[start..]);
        }
        for i in 0..PARTS {
            (sums.hinge[i][0], sums.factor[i][0]) = (hinges[i], factors[i]);
        }
    }
}

/// Margins of many points become slopes; points along the lanes.
struct ManyPoints<'a> {
    margins: &'a mut [f64],
    rows: usize,
    points: usize,
    sums: &'a mut Sums<BLOCK>,
}

impl Job for ManyPoints<'_> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self { margins, rows, points, sums } = self;
        let lanes = Lanes::<f64, I>::LANES;
        for (row, margins) in margins[..rows * BLOCK].chunks_exact_mut(BLOCK).enumerate() {
            let (hinge, factor) = (&mut sums.hinge[row % PARTS], &mut sums.factor[row % PARTS]);
            for at in (0..points).step_by(lanes) {
                let (h, f, slope) = terms(Lanes::<f64, I>::of(&margins[at..]));
                (Lanes::<f64, I>::of(&hinge[at..]) + h).put(&mut hinge[at..]);
                (Lanes::<f64, I>::of(&factor[at..]) * f).put(&mut factor[at..]);
                slope.put(&mut margins[at..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{logistic, softplus};
    use crate::{Points, Stream};

    /// Rows that fill chunks unevenly, dimensions on both sides of a block.
    #[test]
    fn one_point_and_many_agree_to_the_bit_and_with_the_formula() {
        simd::under_each(|| {
            for (rows, dim) in [(1, 1), (9, 3), (128, 25), (700, 25), (515, 70)] {
                let mut s = Stream::new(7, rows as u64);
                let mut data = vec![0.0; rows * dim];
                s.fill_normal(&mut data);
                let likelihood = Likelihood::new(&data, dim);
                let n = 67;
                let mut x = Points::zeros(n, dim);
                s.fill_normal(x.data_mut());
                let (mut value, mut grad) = (vec![0.0; n], Points::zeros(n, dim));
                likelihood.evaluate(x.as_batch(), &mut value, Some(grad.as_batch_mut()));
                for i in 0..n {
                    let (mut one, mut one_grad) = ([0.0], vec![0.0; dim]);
                    let point = x.as_batch().slice(i..i + 1);
                    likelihood.evaluate(point, &mut one, Some(BatchMut::new(&mut one_grad, dim)));
                    assert_eq!((one[0], &one_grad[..]), (value[i], grad.row(i)), "{rows} x {dim}, point {i}");
                    likelihood.evaluate(point, &mut one, None);
                    assert_eq!(one[0], value[i]);
                }
                let (mut plain, mut slope) = (0.0, vec![0.0; dim]);
                for row in data.chunks_exact(dim) {
                    let t: f64 = row.iter().zip(x.row(0)).map(|(a, b)| a * b).sum();
                    plain -= softplus(-t);
                    slope.iter_mut().zip(row).for_each(|(s, v)| *s += logistic(-t) * v);
                }
                assert!((plain - value[0]).abs() < 1e-11 * (1.0 + plain.abs()), "{plain} {}", value[0]);
                assert!(slope.iter().zip(grad.row(0)).all(|(a, b)| (a - b).abs() < 1e-10));
            }
        });
    }
}
