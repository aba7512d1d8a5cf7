//! The logit: `p = alpha/2 + (1 - alpha) x`, `y = ln p - ln(1 - p)` takes [0, 1] to all numbers, with alpha keeping pixels off the ends.
//! Log-determinant: the sum of `ln(1 - alpha) - ln p - ln(1 - p)`. Reference: Dinh, Sohl-Dickstein and Bengio 2017
//! (arXiv:1605.08803), 4.1 (there alpha/2 is called alpha).

use super::ImageMap;
use crate::image::ImageError;
use crate::math::{logistic, softplus};
use crate::{Batch, BatchMut};

/// From [0, 1] to all numbers. The image of the interval is bounded when alpha is above 0, and what the inverse gives may lie a little outside
/// of [0, 1]. What `forward` is given beyond `p = 0` and `p = 1` has no image: it becomes infinite, with log-determinant minus infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logit {
    alpha: f64,
}

impl Logit {
    /// With alpha at least 0 and below 1: 0.1 keeps pixels within [0.05, 0.95].
    ///
    /// # Errors
    /// For any other alpha.
    pub fn new(alpha: f64) -> Result<Self, ImageError> {
        if (0.0..1.0).contains(&alpha) {
            return Ok(Self { alpha });
        }
        Err(ImageError::Unusable(format!("alpha of the logit is {alpha}; it must be at least 0 and below 1")))
    }
}

impl ImageMap for Logit {
    fn forward(&self, x: Batch<'_>, mut y: BatchMut<'_>, log_det: &mut [f64]) {
        for ((x, y), log_det) in x.iter().zip(y.iter_mut()).zip(log_det) {
            *log_det = 0.0;
            for (x, y) in x.iter().zip(y) {
                let p = 0.5 * self.alpha + (1.0 - self.alpha) * x;
                if p > 0.0 && p < 1.0 {
                    *y = p.ln() - (-p).ln_1p();
                    *log_det += (1.0 - self.alpha).ln() - p.ln() - (-p).ln_1p();
                } else {
                    // Also where x is no number.
                    *y = if p <= 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
                    *log_det = f64::NEG_INFINITY;
                }
            }
        }
    }

    fn inverse(&self, y: Batch<'_>, mut x: BatchMut<'_>, log_det: &mut [f64]) {
        for ((y, x), log_det) in y.iter().zip(x.iter_mut()).zip(log_det) {
            *log_det = 0.0;
            for (y, x) in y.iter().zip(x) {
                *x = (logistic(*y) - 0.5 * self.alpha) / (1.0 - self.alpha);
                *log_det -= (1.0 - self.alpha).ln() + softplus(*y) + softplus(-y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    #[test]
    fn what_has_no_image_is_told_by_the_log_determinant() {
        let x = Points::from_vec(vec![0.5, -0.2, 0.5, 1.2, 0.5, f64::NAN, 0.0, 1.0], 2);
        let (mut y, mut log_det) = (Points::zeros(4, 2), [0.0; 4]);
        Logit::new(0.1).unwrap().forward(x.as_batch(), y.as_batch_mut(), &mut log_det);
        assert_eq!(log_det[..3], [f64::NEG_INFINITY; 3]);
        assert_eq!((y.row(0)[1], y.row(1)[1]), (f64::NEG_INFINITY, f64::INFINITY));
        let end = (0.95f64 / 0.05).ln();
        assert!(
            (y.row(3)[1] - end).abs() < 1e-12 && (y.row(3)[0] + end).abs() < 1e-12 && log_det[3].is_finite()
        );
        assert!(Logit::new(1.0).is_err() && Logit::new(-0.1).is_err() && Logit::new(f64::NAN).is_err());
    }
}
