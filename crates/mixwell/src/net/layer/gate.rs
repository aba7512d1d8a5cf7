//! A gate: half of the channels opens and closes the other half, `y = a sigmoid(b)`, where `a` are the first channels and `b` the
//! others; also known as gated linear unit. Reference: [dauphin2017language].
//!
//! Along a direction `(p, q)` in `(a, b)`: `s = p g + a g' q`, with `g = sigmoid(b)`, `g' = g (1 - g)`, `g'' = g' (1 - 2 g)`.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Push, PushBack, Settings, Shape, is_parallel};
use crate::net::sequential::Scratch;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks};
use mixwell_vector::elementary::sigmoid;
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// Half as many channels: the first half times the sigmoid of the second. A gated block is a residual block that ends with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {}

impl Settings for Gate {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if input.channels.is_multiple_of(2) {
            Ok(Shape { channels: input.channels / 2, ..input })
        } else {
            Err(format!("{} channels have no two halves", input.channels))
        }
    }

    fn build<T: Real>(&self, _: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        Box::new(Gated { channels: output.channels, pixels: output.n_pixels() })
    }
}

#[derive(Clone, Debug)]
struct Gated {
    channels: usize,
    pixels: usize,
}

impl Gated {
    /// Numbers of one pixel that come out of a block.
    fn len(&self) -> usize {
        self.channels * BLOCK
    }

    /// `to` (a pixel of half the channels, or of all) from what belongs to the same pixel of `x`.
    fn each<T: Real>(
        &self,
        x: &[T],
        to: &mut [T],
        to_len: usize,
        rows: usize,
        pixel: impl Fn(usize, &[T], &mut [T]) + Sync,
    ) {
        let n = blocks(rows) * self.pixels;
        let (x, to) = (&x[..n * 2 * self.len()], &mut to[..n * to_len]);
        if self.channels > 0 && is_parallel(16 * self.channels * self.pixels, rows) {
            let pairs = to.par_chunks_exact_mut(to_len).zip(x.par_chunks_exact(2 * self.len()));
            pairs.enumerate().with_min_len(8).for_each(|(i, (to, x))| pixel(i, x, to));
        } else {
            let pairs = to.chunks_exact_mut(to_len.max(1)).zip(x.chunks_exact(2 * self.len().max(1)));
            pairs.enumerate().for_each(|(i, (to, x))| pixel(i, x, to));
        }
    }
}

struct Forward<'a, T>(&'a [T], &'a mut [T]);

impl<T: Real> Job for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let (a, b) = self.0.split_at(self.1.len());
        for (i, y) in self.1.chunks_exact_mut(lanes).enumerate() {
            let [a, b] = [a, b].map(|v| Lanes::<T, I>::of(&v[i * lanes..]));
            (a * sigmoid(b)).put(y);
        }
    }
}

/// The derivatives in `a` and `b`, side by side, from that in `y`.
struct Back<'a, T>(&'a [T], &'a [T], &'a mut [T]);

impl<T: Real> Job for Back<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let (a, b) = self.0.split_at(self.1.len());
        let (da, db) = self.2.split_at_mut(self.1.len());
        for (i, dy) in self.1.chunks_exact(lanes).enumerate() {
            let at = i * lanes;
            let [a, b, dy] = [&a[at..], &b[at..], dy].map(Lanes::<T, I>::of);
            let g = sigmoid(b);
            (dy * g).put(&mut da[at..]);
            (dy * a * g * (Lanes::<T, I>::splat(T::ONE) - g)).put(&mut db[at..]);
        }
    }
}

/// `s` from `x` and the direction.
struct Along<'a, T>(&'a [T], &'a [T], &'a mut [T]);

impl<T: Real> Job for Along<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let (a, b) = self.0.split_at(self.2.len());
        let (p, q) = self.1.split_at(self.2.len());
        for (i, s) in self.2.chunks_exact_mut(lanes).enumerate() {
            let [a, b, p, q] = [a, b, p, q].map(|v| Lanes::<T, I>::of(&v[i * lanes..]));
            let g = sigmoid(b);
            (g * (p + a * (Lanes::<T, I>::splat(T::ONE) - g) * q)).put(s);
        }
    }
}

/// What a derivative in `s` adds to that in `(a, b)`.
struct Bend<'a, T> {
    x: &'a [T],
    p: &'a [T],
    ds: &'a [T],
    dx: &'a mut [T],
}

impl<T: Real> Job for Bend<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let (lanes, n) = (Lanes::<T, I>::LANES, self.ds.len());
        let ((a, b), (p, q)) = (self.x.split_at(n), self.p.split_at(n));
        let (da, db) = self.dx.split_at_mut(n);
        let one = Lanes::<T, I>::splat(T::ONE);
        for (i, ds) in self.ds.chunks_exact(lanes).enumerate() {
            let at = i * lanes;
            let [a, b, p, q] = [a, b, p, q].map(|v| Lanes::<T, I>::of(&v[at..]));
            let g = sigmoid(b);
            let slope = Lanes::<T, I>::of(ds) * g * (one - g);
            let [old_a, old_b] = [&da[at..], &db[at..]].map(Lanes::<T, I>::of);
            (old_a + slope * q).put(&mut da[at..]);
            (old_b + slope * (p + a * q * (one - g - g))).put(&mut db[at..]);
        }
    }
}

impl<T: Real> Layer<T> for Gated {
    fn n_in(&self) -> usize {
        2 * self.channels * self.pixels
    }

    fn n_out(&self) -> usize {
        self.channels * self.pixels
    }

    fn bends(&self) -> bool {
        true
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.each(x, y, self.len(), rows, |_, x, y| simd::run(Forward(x, y)));
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { x, dy, dx: Some((dx, _)), rows, .. } = pass else { return };
        let n = self.len();
        self.each(x, dx, 2 * n, rows, |i, x, dx| simd::run(Back(x, &dy[i * n..][..n], dx)));
    }

    fn push(&self, pass: Push<'_, T>) {
        let Push { x, p, s, rows, .. } = pass;
        let n = self.len();
        self.each(x, s, n, rows, |i, x, s| simd::run(Along(x, &p[2 * i * n..][..2 * n], s)));
    }

    fn push_back(&self, pass: PushBack<'_, T>, _: &mut Scratch<T>) {
        let PushBack { x, p, ds, dp, dx, rows, .. } = pass;
        let n = self.len();
        if let Some(dp) = dp {
            self.each(x, dp, 2 * n, rows, |i, x, dp| simd::run(Back(x, &ds[i * n..][..n], dp)));
        }
        if let Some(dx) = dx {
            self.each(x, dx, 2 * n, rows, |i, x, dx| {
                simd::run(Bend { x, p: &p[2 * i * n..][..2 * n], ds: &ds[i * n..][..n], dx });
            });
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
