//! From one interval to another: `y = c + (x - a) (d - c) / (b - a)`, log-determinant `D ln((d - c) / (b - a))`.

use super::ImageMap;
use crate::image::ImageError;
use crate::{Batch, BatchMut};

/// The linear map that takes `from` to `to`; what lies outside goes outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    factor: f64,
    shift: f64,
}

impl Scale {
    /// From `[a, b]` to `[c, d]`.
    ///
    /// # Errors
    /// When one of them does not rise, or is not finite.
    pub fn new(from: [f64; 2], to: [f64; 2]) -> Result<Self, ImageError> {
        for [low, high] in [from, to] {
            if !(low < high && (high - low).is_finite()) {
                return Err(ImageError::Unusable(format!("[{low}, {high}] is no interval")));
            }
        }
        let factor = (to[1] - to[0]) / (from[1] - from[0]);
        Ok(Self { factor, shift: to[0] - from[0] * factor })
    }
}

impl ImageMap for Scale {
    fn forward(&self, x: Batch<'_>, mut y: BatchMut<'_>, log_det: &mut [f64]) {
        for (y, x) in y.data_mut().iter_mut().zip(x.data()) {
            *y = self.shift + x * self.factor;
        }
        log_det.fill(x.dim() as f64 * self.factor.ln());
    }

    fn inverse(&self, y: Batch<'_>, mut x: BatchMut<'_>, log_det: &mut [f64]) {
        for (x, y) in x.data_mut().iter_mut().zip(y.data()) {
            *x = (y - self.shift) / self.factor;
        }
        log_det.fill(-(y.dim() as f64) * self.factor.ln());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_interval_is_refused() {
        for bad in [[1.0, 1.0], [1.0, 0.0], [f64::NAN, 1.0], [0.0, f64::INFINITY]] {
            assert!(Scale::new(bad, [0.0, 1.0]).is_err() && Scale::new([0.0, 1.0], bad).is_err());
        }
    }
}
