//! The three products of a dense layer, on blocks of rows: `y = W x + b`, `dx = W^T dy`, `dW += dy x^T`.
//!
//! Shapes: `x` is `n_in` features, `y` is `n_out`, blocked as in [`block`](super::block); `W` is `n_out x n_in`, row-major.
//! Both orientations of `W` are kept packed in panels of at most six outputs, input after input, so that the inner loop
//! reads six weights side by side and multiplies each with whole vectors of rows; the tile of six outputs times four
//! (AVX-512) or two vectors stays in registers.
//!
//! Every number is summed over its inputs (for `dW`: over its rows) in order, one after the other, whatever the number of
//! rows, so results do not depend on how rows are grouped.
#![allow(unsafe_code)]

use super::block::{BLOCK, blocks, rows_in};
use super::real::Real;
use super::simd::{self, Isa, Job, Lanes, Vector};

/// Outputs per panel at most.
const PANEL: usize = 6;

/// First output of panel `p`; panels share the outputs evenly.
#[inline(always)]
fn panel_start(n_out: usize, p: usize) -> usize {
    p * n_out / n_out.div_ceil(PANEL)
}

/// One orientation of a weight matrix, packed in panels.
#[derive(Clone, Debug, Default)]
pub struct Panels<T> {
    n_in: usize,
    n_out: usize,
    values: Vec<T>,
}

impl<T: Real> Panels<T> {
    /// Room for a matrix of `n_out x n_in` weights, all zero.
    pub fn new(n_in: usize, n_out: usize) -> Self {
        Self { n_in, n_out, values: vec![T::ZERO; n_in * n_out] }
    }

    /// Takes another shape; the weights must be packed anew. Keeps its memory.
    pub fn reshape(&mut self, n_in: usize, n_out: usize) {
        (self.n_in, self.n_out) = (n_in, n_out);
        self.values.resize(n_in * n_out, T::ZERO);
    }

    /// Packs the weights: output `j`, input `k` is `weights[j * stride_out + k * stride_in]`.
    pub fn pack(&mut self, weights: &[T], stride_out: usize, stride_in: usize) {
        if self.n_out == 1 && stride_in == 1 {
            self.values.copy_from_slice(&weights[..self.n_in]);
            return;
        }
        for p in 0..self.n_out.div_ceil(PANEL) {
            let (start, end) = (panel_start(self.n_out, p), panel_start(self.n_out, p + 1));
            let panel = &mut self.values[start * self.n_in..end * self.n_in];
            for (k, column) in panel.chunks_exact_mut(end - start).enumerate() {
                for (i, value) in column.iter_mut().enumerate() {
                    *value = weights[(start + i) * stride_out + k * stride_in];
                }
            }
        }
    }
}

/// `acc[i][v] += sum_k a[k * a_step + i * a_row] * b[k * b_step ..][v]`, over `k` in order.
///
/// # Safety
/// `a` and `b` must be readable at all of these places.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
unsafe fn tile<T: Real, V: Vector<T>, const MR: usize, const NV: usize>(
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
        } else if $nv == 2 || <$i>::TILE < 4 {
            $f::<$t, $i, $mr, 2> $args
        } else {
            $f::<$t, $i, $mr, 4> $args
        }
    };
}

/// Vectors to do next when `left` remain: 4 where the tile allows it (also for 3, as a block always has room), 2 or 1.
#[inline(always)]
fn next_vectors<I: Isa>(left: usize) -> usize {
    if left >= 3 && I::TILE >= 4 {
        4
    } else if left >= 2 {
        2
    } else {
        1
    }
}

/// What is done to a product before it is stored.
#[derive(Clone, Copy, Debug)]
pub enum Finish<'a, T> {
    /// Nothing.
    Keep,
    /// `max(y, slope * y)` for slopes in `[0, 1)`; zero is ReLU.
    Leaky(T),
    /// Multiplied by 1 where the number at the same place is positive, by the slope elsewhere: the derivative of `Leaky`.
    Gate(T, &'a [T]),
}

struct Product<'a, T> {
    panels: &'a Panels<T>,
    bias: Option<&'a [T]>,
    x: &'a [T],
    finish: Finish<'a, T>,
    y: &'a mut [T],
    rows: usize,
}

/// `y = W x + b`, finished as told, for `rows` rows. Without bias for `dx = W^T dy`.
///
/// # Panics
/// When a buffer is shorter than its shape.
pub fn product<T: Real>(
    panels: &Panels<T>,
    bias: Option<&[T]>,
    x: &[T],
    finish: Finish<'_, T>,
    y: &mut [T],
    rows: usize,
) {
    let nb = blocks(rows);
    assert!(x.len() >= nb * panels.n_in * BLOCK && y.len() >= nb * panels.n_out * BLOCK, "short buffer");
    assert!(bias.is_none_or(|b| b.len() == panels.n_out), "bias of another length");
    if let Finish::Gate(_, gate) = finish {
        assert!(gate.len() >= nb * panels.n_out * BLOCK, "short gate");
    }
    simd::run(Product { panels, bias, x, finish, y, rows });
}

impl<T: Real> Job for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Panels { n_in, n_out, values } = self.panels;
        let lanes = Lanes::<T, I>::LANES;
        for b in 0..blocks(self.rows) {
            let vectors = rows_in(self.rows, b).div_ceil(lanes);
            let mut v = 0;
            while v < vectors {
                let nv = next_vectors::<I>(vectors - v);
                for p in 0..n_out.div_ceil(PANEL) {
                    let (start, end) = (panel_start(*n_out, p), panel_start(*n_out, p + 1));
                    let at = (b * n_out + start) * BLOCK + v * lanes;
                    // SAFETY: lengths were checked in `product`; `v + nv` vectors never pass the end of a block, because
                    // a block is a multiple of the tile, and panels end at `n_out`.
                    unsafe {
                        let w = values.as_ptr().add(start * n_in);
                        let bias = self.bias.map(|b| b.as_ptr().add(start));
                        let x = self.x.as_ptr().add(b * n_in * BLOCK + v * lanes);
                        let y = self.y.as_mut_ptr().add(at);
                        let finish = match self.finish {
                            Finish::Keep => Ending::Keep,
                            Finish::Leaky(slope) => Ending::Leaky(slope),
                            Finish::Gate(slope, gate) => Ending::Gate(slope, gate.as_ptr().add(at)),
                        };
                        sized!(end - start, nv, panel_product::<T, I>, (*n_in, w, bias, x, finish, y));
                    }
                }
                v += nv;
            }
        }
    }
}

/// [`Finish`] at one tile.
#[derive(Clone, Copy)]
enum Ending<T> {
    Keep,
    Leaky(T),
    Gate(T, *const T),
}

/// `MR` outputs of one panel for `NV` vectors of rows.
///
/// # Safety
/// `w` has `n_in * MR` weights, `bias` has `MR`; `x`, `y` and the gate are readable and writable for `NV` vectors per
/// feature, features `BLOCK` apart.
#[inline(always)]
unsafe fn panel_product<T: Real, I: Isa, const MR: usize, const NV: usize>(
    n_in: usize,
    w: *const T,
    bias: Option<*const T>,
    x: *const T,
    finish: Ending<T>,
    y: *mut T,
) {
    let lanes = Lanes::<T, I>::LANES;
    let zero = Lanes::<T, I>::splat(T::ZERO);
    let mut acc = [[zero; NV]; MR];
    // SAFETY: promised by the caller.
    unsafe {
        if let Some(bias) = bias {
            for (i, row) in acc.iter_mut().enumerate() {
                *row = [Lanes::<T, I>::splat(*bias.add(i)); NV];
            }
        }
        let acc = tile::<T, Lanes<T, I>, MR, NV>(n_in, (w, MR, 1), (x, BLOCK), acc);
        match finish {
            Ending::Keep => {
                for (i, row) in acc.iter().enumerate() {
                    for (v, value) in row.iter().enumerate() {
                        value.store(y.add(i * BLOCK + v * lanes));
                    }
                }
            }
            Ending::Leaky(slope) => {
                let slope = Lanes::<T, I>::splat(slope);
                for (i, row) in acc.iter().enumerate() {
                    for (v, value) in row.iter().enumerate() {
                        // NaN passes: the second operand is taken.
                        (slope * *value).max(*value).store(y.add(i * BLOCK + v * lanes));
                    }
                }
            }
            Ending::Gate(slope, gate) => {
                let slope = Lanes::<T, I>::splat(slope);
                for (i, row) in acc.iter().enumerate() {
                    for (v, value) in row.iter().enumerate() {
                        let open = zero.lt(Lanes::<T, I>::load(gate.add(i * BLOCK + v * lanes)));
                        let passed = Lanes::<T, I>::select(open, *value, *value * slope);
                        passed.store(y.add(i * BLOCK + v * lanes));
                    }
                }
            }
        }
    }
}

struct Outer<'a, T> {
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
    blocks(rows) * BLOCK * n_in.max(n_out).next_multiple_of(64)
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
    simd::run(Outer { dy, n_out, x, n_in, rows, weights, bias, scratch });
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

/// `out[i * step_a + j * step_b] += sum over rows of a[i] * b[j]`.
#[inline(always)]
fn accumulate<T: Real, I: Isa>(
    (a, n_a): (&[T], usize),
    (b, n_b): (&[T], usize),
    rows: usize,
    (out, step_a, step_b): (&mut [T], usize, usize),
    scratch: &mut [T],
) {
    let lanes = Lanes::<T, I>::LANES;
    let stride = n_b.next_multiple_of(lanes * I::TILE);
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
            // Interleaving row i with row i + lanes/2, log2(lanes) times over, is the transpose.
            let mut width = 1;
            while width < lanes {
                let old = square;
                for i in 0..lanes / 2 {
                    (square[2 * i], square[2 * i + 1]) = old[i].zip(old[i + lanes / 2]);
                }
                width *= 2;
            }
            for (j, row) in square.iter().enumerate().take(lanes) {
                row.put(&mut to[(r + j) * stride + f..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::net::block::{buffer_len, load_rows, store_rows};

    fn random(stream: &mut Stream, n: usize) -> Vec<f64> {
        (0..n).map(|_| stream.normal()).collect()
    }

    fn cast<T: Real>(v: &[f64]) -> Vec<T> {
        v.iter().map(|x| T::from_f64(*x)).collect()
    }

    /// All three products against plain loops, for awkward shapes, within `bound` times the sum of magnitudes.
    fn products_agree<T: Real>(bound: f64) {
        let mut s = Stream::new(1, 0);
        for (n_in, n_out, rows) in [
            (1, 1, 1),
            (0, 3, 5),
            (2, 7, 64),
            (13, 5, 65),
            (32, 32, 130),
            (70, 67, 17),
            (1, 40, 200),
            (40, 1, 33),
            (5, 12, 48),
        ] {
            let w = random(&mut s, n_in * n_out);
            let bias = random(&mut s, n_out);
            let x = random(&mut s, rows * n_in);
            let dy = random(&mut s, rows * n_out);
            let (mut forward, mut backward) = (Panels::new(n_in, n_out), Panels::new(n_out, n_in));
            forward.pack(&cast::<T>(&w), n_in, 1);
            backward.pack(&cast::<T>(&w), 1, n_in);
            let mut xb = vec![T::NAN; buffer_len(rows, n_in)];
            let mut dyb = vec![T::NAN; buffer_len(rows, n_out)];
            if n_in > 0 {
                load_rows(&x, n_in, &mut xb);
            }
            load_rows(&dy, n_out, &mut dyb);

            let mut yb = vec![T::NAN; buffer_len(rows, n_out)];
            product(&forward, Some(&cast::<T>(&bias)), &xb, Finish::Leaky(T::from_f64(0.1)), &mut yb, rows);
            let mut y = vec![0.0; rows * n_out];
            store_rows(&yb, n_out, &mut y);
            for r in 0..rows {
                for j in 0..n_out {
                    let terms = || (0..n_in).map(|k| w[j * n_in + k] * x[r * n_in + k]);
                    let u = bias[j] + terms().sum::<f64>();
                    let scale = bias[j].abs() + terms().map(f64::abs).sum::<f64>();
                    let want = if u > 0.0 { u } else { 0.1 * u };
                    assert!((y[r * n_out + j] - want).abs() <= bound * scale, "{n_in} {n_out} {rows}");
                }
            }

            let mut dxb = vec![T::NAN; buffer_len(rows, n_in)];
            product(&backward, None, &dyb, Finish::Gate(T::from_f64(0.5), &xb), &mut dxb, rows);
            let mut dx = vec![0.0; rows * n_in];
            if n_in > 0 {
                store_rows(&dxb, n_in, &mut dx);
            }
            for r in 0..rows {
                for k in 0..n_in {
                    let terms = || (0..n_out).map(|j| w[j * n_in + k] * dy[r * n_out + j]);
                    let want = terms().sum::<f64>() * if x[r * n_in + k] > 0.0 { 1.0 } else { 0.5 };
                    let scale = terms().map(f64::abs).sum::<f64>();
                    assert!((dx[r * n_in + k] - want).abs() <= bound * scale, "{n_in} {n_out} {rows}");
                }
            }

            let mut dw = vec![T::ONE; n_in * n_out];
            let mut db = vec![T::ONE; n_out];
            let mut scratch = vec![T::NAN; outer_scratch(n_in, n_out, rows)];
            // Lanes past the last row may hold anything.
            for (f, lane) in
                (0..n_out).flat_map(|f| (rows_in(rows, blocks(rows) - 1)..BLOCK).map(move |l| (f, l)))
            {
                dyb[((blocks(rows) - 1) * n_out + f) * BLOCK + lane] = T::NAN;
            }
            outer((&dyb, n_out), (&xb, n_in), rows, &mut dw, Some(&mut db), &mut scratch);
            for j in 0..n_out {
                for k in 0..n_in {
                    let terms = || (0..rows).map(|r| dy[r * n_out + j] * x[r * n_in + k]);
                    let want = 1.0 + terms().sum::<f64>();
                    let scale = 1.0 + terms().map(f64::abs).sum::<f64>();
                    assert!(
                        (dw[j * n_in + k].to_f64() - want).abs() <= bound * scale,
                        "{n_in} {n_out} {rows}"
                    );
                }
                let terms = || (0..rows).map(|r| dy[r * n_out + j]);
                let scale = 1.0 + terms().map(f64::abs).sum::<f64>();
                assert!((db[j].to_f64() - 1.0 - terms().sum::<f64>()).abs() <= bound * scale);
            }
        }
    }

    #[test]
    fn products_agree_with_plain_loops() {
        simd::under_each(|| {
            products_agree::<f64>(2e-15);
            products_agree::<f32>(1e-6);
        });
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        let (n_in, n_out, rows) = (37, 29, 150);
        let mut s = Stream::new(2, 0);
        let mut panels = Panels::<f32>::new(n_in, n_out);
        panels.pack(&cast(&random(&mut s, n_in * n_out)), n_in, 1);
        let x = random(&mut s, rows * n_in);
        let evaluate = |x: &[f64]| {
            let rows = x.len() / n_in;
            let (mut xb, mut yb) = (vec![0f32; buffer_len(rows, n_in)], vec![0f32; buffer_len(rows, n_out)]);
            load_rows(x, n_in, &mut xb);
            product(&panels, None, &xb, Finish::Keep, &mut yb, rows);
            let mut y = vec![0.0; rows * n_out];
            store_rows(&yb, n_out, &mut y);
            y
        };
        let whole = evaluate(&x);
        for size in [1, 3, 17, 64, 100] {
            let parts: Vec<f64> = x.chunks(size * n_in).flat_map(evaluate).collect();
            assert_eq!(whole, parts, "{size} rows at a time");
        }
    }
}
