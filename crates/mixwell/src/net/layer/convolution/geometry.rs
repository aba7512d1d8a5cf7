//! Which pixels of two images a kernel joins, seen from either of them.

use super::Shape;
use mixwell_vector::matmul::Tap;

/// Which pixels of a large and a small image are joined by which taps.
pub(super) struct Geometry {
    pub large: Shape,
    pub small: Shape,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub edge: bool,
}

impl Geometry {
    /// The place in the large image along one axis, of place `i` of the small one and tap `a`.
    fn place(&self, i: usize, a: usize, n: usize) -> Option<usize> {
        let at = i * self.stride + a;
        if self.edge {
            Some(at.saturating_sub(self.padding).min(n - 1))
        } else {
            at.checked_sub(self.padding).filter(|at| *at < n)
        }
    }

    /// The taps at each pixel of the small image, in the order of the kernel.
    pub fn down(&self) -> Vec<Vec<Tap>> {
        let k = self.kernel;
        let at = |pixel: usize| {
            let (i, j) = (pixel / self.small.width, pixel % self.small.width);
            let tap = |t: usize| {
                let line = self.place(i, t / k, self.large.height)?;
                let pixel = line * self.large.width + self.place(j, t % k, self.large.width)?;
                Some(Tap { tap: t, pixel })
            };
            (0..k * k).filter_map(tap).collect()
        };
        (0..self.small.n_pixels()).map(at).collect()
    }

    /// The order of taps in which neighbouring ones join neighbouring pixels of the small image to one of the large: within a
    /// line of the kernel, from right to left in steps of the stride.
    pub fn order(&self) -> Vec<usize> {
        let (k, s) = (self.kernel, self.stride);
        let line = |a: usize| {
            (0..s.min(k))
                .flat_map(move |r| (r..k).step_by(s).rev().map(move |b| a * k + b).collect::<Vec<_>>())
        };
        (0..k).flat_map(line).collect()
    }

    /// The taps at each pixel of the large image, numbered in this order.
    pub fn up(&self, down: &[Vec<Tap>], order: &[usize]) -> Vec<Vec<Tap>> {
        let mut number = vec![0; order.len()];
        order.iter().enumerate().for_each(|(n, tap)| number[*tap] = n);
        let mut up = vec![vec![]; self.large.n_pixels()];
        for (small, taps) in down.iter().enumerate() {
            for Tap { tap, pixel } in taps {
                up[*pixel].push(Tap { tap: number[*tap], pixel: small });
            }
        }
        up.iter_mut().for_each(|taps: &mut Vec<Tap>| taps.sort_unstable_by_key(|t| (t.tap, t.pixel)));
        up
    }
}
