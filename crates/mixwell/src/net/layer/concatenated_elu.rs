//! The concatenated ELU: `elu(x)` and after it `elu(-x)`, twice as many channels. Reference: [salimans2017pixelcnn].
//!
//! The layer puts `-x` beside `x`; the function of every number comes after it, as after any other.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Settings, Shape};
use crate::net::activation::Activation;
use crate::net::sequential::Scratch;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks};
use mixwell_vector::matmul::Finish;

/// `elu(x)` in the first channels, `elu(-x)` in as many after them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcatenatedElu {}

impl Settings for ConcatenatedElu {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let Shape { channels, height, width } = input;
        Shape::from_sizes(&[2 * channels, height, width])
    }

    fn activation(&self) -> Activation {
        Activation::Elu(1.0)
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, _: usize) -> Box<dyn Layer<T>> {
        Box::new(BothSigns { channels: input.channels, pixels: input.n_pixels() })
    }
}

#[derive(Clone, Debug)]
struct BothSigns {
    channels: usize,
    pixels: usize,
}

impl<T: Real> Layer<T> for BothSigns {
    fn n_in(&self) -> usize {
        self.channels * self.pixels
    }

    fn n_out(&self) -> usize {
        2 * self.channels * self.pixels
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.tangent(x, y, rows);
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        let n = self.channels * BLOCK;
        for pixel in 0..blocks(rows) * self.pixels {
            let x = &x[pixel * n..][..n];
            let (same, opposite) = y[2 * pixel * n..][..2 * n].split_at_mut(n);
            same.copy_from_slice(x);
            opposite.iter_mut().zip(x).for_each(|(y, x)| *y = -*x);
        }
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { dy, dx: Some((dx, _)), rows, .. } = pass else { return };
        let n = self.channels * BLOCK;
        for pixel in 0..blocks(rows) * self.pixels {
            let (same, opposite) = dy[2 * pixel * n..][..2 * n].split_at(n);
            for (dx, (same, opposite)) in dx[pixel * n..][..n].iter_mut().zip(same.iter().zip(opposite)) {
                *dx = *same - *opposite;
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
