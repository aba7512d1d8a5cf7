//! What is done to every channel by its own numbers.

use rayon::prelude::*;

use super::is_parallel;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks};
use mixwell_vector::simd::{Isa, Job, Lanes, Vector};

/// Calls `pixel` with every pixel of every block, as `channels x 64`.
pub(super) fn each_pixel<T: Real>(
    [channels, pixels]: [usize; 2],
    y: &mut [T],
    rows: usize,
    pixel: impl Fn(usize, &mut [T]) + Sync,
) {
    let len = channels * BLOCK;
    let y = &mut y[..blocks(rows) * pixels * len];
    if is_parallel(8 * channels * pixels, rows) {
        y.par_chunks_exact_mut(len).enumerate().with_min_len(8).for_each(|(i, y)| pixel(i, y));
    } else {
        y.chunks_exact_mut(len).enumerate().for_each(|(i, y)| pixel(i, y));
    }
}

/// `y = (x - mean) scale + bias`, channel by channel; or `y = x scale`. The mean is taken away first, so that a large one costs no
/// digits.
pub(super) struct Apply<'a, T> {
    pub x: &'a [T],
    pub scale: &'a [T],
    pub mean_and_bias: Option<(&'a [T], &'a [T])>,
    pub y: &'a mut [T],
}

impl<T: Real> Job for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let channels = self.x.chunks_exact(BLOCK).zip(self.y.chunks_exact_mut(BLOCK)).enumerate();
        for (c, (x, y)) in channels {
            let (mean, bias) =
                self.mean_and_bias.map_or((T::ZERO, T::ZERO), |(mean, bias)| (mean[c], bias[c]));
            let [scale, mean, bias] = [self.scale[c], mean, bias].map(Lanes::<T, I>::splat);
            for (y, x) in y.chunks_exact_mut(lanes).zip(x.chunks_exact(lanes)) {
                scale.mul_add(Lanes::<T, I>::of(x) - mean, bias).put(y);
            }
        }
    }
}

/// `dx += dy scale`, channel by channel.
pub(super) struct AddScaled<'a, T> {
    pub dy: &'a [T],
    pub scale: &'a [T],
    pub dx: &'a mut [T],
}

impl<T: Real> Job for AddScaled<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let channels = self.dy.chunks_exact(BLOCK).zip(self.dx.chunks_exact_mut(BLOCK)).zip(self.scale);
        for ((dy, dx), scale) in channels {
            let scale = Lanes::<T, I>::splat(*scale);
            for (dx, dy) in dx.chunks_exact_mut(lanes).zip(dy.chunks_exact(lanes)) {
                scale.mul_add(Lanes::<T, I>::of(dy), Lanes::<T, I>::of(dx)).put(dx);
            }
        }
    }
}
