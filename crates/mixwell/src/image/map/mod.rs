//! Maps between pixels and the numbers that a flow or an energy works with, with their log-determinants.
//!
//! Dequantisation makes a density of whole numbers ([`Dequantise`]); [`Scale`] and [`Standardise`] shift and stretch; [`Logit`] takes an
//! interval to all numbers; [`Pad`] frames an image. In the order of use: dequantise, pad, scale, logit.

mod dequantise;
mod logit;
mod pad;
mod scale;
mod standardise;

pub use dequantise::Dequantise;
pub use logit::Logit;
pub use pad::Pad;
pub use scale::Scale;
pub use standardise::Standardise;

use crate::{Batch, BatchMut};

/// An invertible map of images, row by row.
pub trait ImageMap {
    /// Numbers of a row after the map, of `dim` before it.
    fn out_dim(&self, dim: usize) -> usize {
        dim
    }

    /// `y = T(x)` and `log_det = ln|det dT/dx|`, row by row.
    fn forward(&self, x: Batch<'_>, y: BatchMut<'_>, log_det: &mut [f64]);

    /// `x = T^-1(y)` and `log_det = ln|det dT^-1/dy|`, row by row.
    fn inverse(&self, y: Batch<'_>, x: BatchMut<'_>, log_det: &mut [f64]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Points, Stream};

    /// Goes there and back, and compares the log-determinant with differences: of maps that treat every number by itself.
    fn check(map: &dyn ImageMap, dim: usize, low: f64, high: f64) {
        let mut s = Stream::new(5, 0);
        let mut x = Points::zeros(20, dim);
        x.data_mut().iter_mut().for_each(|v| *v = low + (high - low) * (0.02 + 0.96 * s.uniform()));
        let out = map.out_dim(dim);
        let (mut y, mut back) = (Points::zeros(20, out), Points::zeros(20, dim));
        let (mut there, mut here) = (vec![7.0; 20], vec![7.0; 20]);
        map.forward(x.as_batch(), y.as_batch_mut(), &mut there);
        map.inverse(y.as_batch(), back.as_batch_mut(), &mut here);
        for (a, b) in x.data().iter().zip(back.data()) {
            assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()), "{a} {b}");
        }
        for (a, b) in there.iter().zip(&here) {
            assert!((a + b).abs() < 1e-9 * (1.0 + a.abs()), "{a} {b}");
        }
        if out != dim {
            assert!(there.iter().all(|v| *v == 0.0));
            return;
        }
        let step = 1e-6 * (high - low);
        let mut expected = vec![0.0; 20];
        let moved = |by: f64| {
            let mut x = x.clone();
            x.data_mut().iter_mut().for_each(|v| *v += by);
            let mut y = Points::zeros(20, dim);
            map.forward(x.as_batch(), y.as_batch_mut(), &mut [0.0; 20]);
            y
        };
        let (up, down) = (moved(step), moved(-step));
        for (row, sum) in expected.iter_mut().enumerate() {
            *sum = up.row(row).iter().zip(down.row(row)).map(|(u, d)| ((u - d) / (2.0 * step)).ln()).sum();
        }
        for (a, b) in there.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-6 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    #[test]
    fn every_map_has_its_inverse_and_log_determinant() {
        check(&Scale::new([0.0, 1.0], [-1.0, 1.0]).unwrap(), 12, 0.0, 1.0);
        check(&Scale::new([-1.0, 1.0], [0.0, 0.5]).unwrap(), 12, -1.0, 1.0);
        check(&Logit::new(0.1).unwrap(), 12, 0.0, 1.0);
        check(&Logit::new(1e-5).unwrap(), 12, 0.0, 1.0);
        check(&Logit::new(0.0).unwrap(), 12, 0.0, 1.0);
        check(&Standardise::new(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]).unwrap(), 12, 0.0, 1.0);
        let shape = crate::image::ImageShape::new(3, 2, 2);
        check(&Pad::new(shape, 4, 5, -1.0).unwrap(), 12, -1.0, 1.0);
    }
}
