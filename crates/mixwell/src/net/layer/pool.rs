//! Maxima of windows. The derivative goes to the first pixel that has the maximum; NaN anywhere in a window is its maximum.

use serde::{Deserialize, Serialize};

use super::mix::windows;
use super::{Backward, Layer, Push, Settings, Shape};
use crate::net::sequential::Scratch;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len};
use mixwell_vector::matmul::Finish;

/// Maxima of windows of `size x size` pixels; pixels that fill no window are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPool {
    /// Pixels of a window in each direction.
    pub size: usize,
    /// Pixels from one window to the next; the size where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
}

impl MaxPool {
    fn step(&self) -> usize {
        self.stride.unwrap_or(self.size)
    }
}

impl Settings for MaxPool {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let size = |n| windows(n, self.size, self.step());
        Shape::from_sizes(&[input.channels, size(input.height)?, size(input.width)?])
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        Box::new(Maximum { input, output, size: self.size, stride: self.step() })
    }
}

#[derive(Clone, Debug)]
struct Maximum {
    input: Shape,
    output: Shape,
    size: usize,
    stride: usize,
}

impl Maximum {
    /// Pixels of the window of an output pixel.
    fn window(&self, pixel: usize) -> impl Iterator<Item = usize> {
        let (i, j) = (pixel / self.output.width * self.stride, pixel % self.output.width * self.stride);
        let (size, width) = (self.size, self.input.width);
        (0..size * size).map(move |k| (i + k / size) * width + j + k % size)
    }
}

impl<T: Real> Layer<T> for Maximum {
    fn n_in(&self) -> usize {
        self.input.len()
    }

    fn n_out(&self) -> usize {
        self.output.len()
    }

    fn is_smooth(&self) -> bool {
        false
    }

    /// Which pixel of the window it was.
    fn tape_features(&self) -> usize {
        self.output.len()
    }

    fn forward(&self, x: &[T], y: &mut [T], tape: &mut [T], _: Finish<'_, T>, rows: usize) {
        let len = self.input.channels * BLOCK;
        let n = self.output.n_pixels();
        for at in 0..blocks(rows) * n {
            let (b, p) = (at / n, at % n);
            let x = &x[b * self.input.len() * BLOCK..];
            let (y, which) = (&mut y[at * len..][..len], &mut tape[at * len..][..len]);
            for (k, pixel) in self.window(p).enumerate() {
                let number = T::from_f64(k as f64);
                for ((y, which), x) in y.iter_mut().zip(&mut *which).zip(&x[pixel * len..][..len]) {
                    // A NaN stays and is taken.
                    if k == 0 || *x > *y || (x.to_f64().is_nan() && !y.to_f64().is_nan()) {
                        (*y, *which) = (*x, number);
                    }
                }
            }
        }
    }

    /// The derivative at the pixel that has the maximum.
    fn push(&self, pass: Push<'_, T>) {
        let Push { tape, p, s, rows, .. } = pass;
        let len = self.input.channels * BLOCK;
        let n = self.output.n_pixels();
        for at in 0..blocks(rows) * n {
            let (b, pixel) = (at / n, at % n);
            let p = &p[b * self.input.len() * BLOCK..];
            let (s, which) = (&mut s[at * len..][..len], &tape[at * len..][..len]);
            for (k, pixel) in self.window(pixel).enumerate() {
                let number = T::from_f64(k as f64);
                for ((s, which), p) in s.iter_mut().zip(which).zip(&p[pixel * len..][..len]) {
                    if *which == number {
                        *s = *p;
                    }
                }
            }
        }
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { tape, dy, dx: Some((dx, _)), rows, .. } = pass else { return };
        let len = self.input.channels * BLOCK;
        let n = self.output.n_pixels();
        dx[..buffer_len(rows, self.input.len())].fill(T::ZERO);
        for at in 0..blocks(rows) * n {
            let (b, p) = (at / n, at % n);
            let dx = &mut dx[b * self.input.len() * BLOCK..];
            let (dy, which) = (&dy[at * len..][..len], &tape[at * len..][..len]);
            for (k, pixel) in self.window(p).enumerate() {
                let number = T::from_f64(k as f64);
                for ((dx, which), dy) in dx[pixel * len..][..len].iter_mut().zip(which).zip(dy) {
                    if *which == number {
                        *dx += *dy;
                    }
                }
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
