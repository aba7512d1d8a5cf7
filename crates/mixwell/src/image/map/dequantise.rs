//! Dequantisation: `x = (v + u) / 256` with `v` a pixel of 0 to 255 and `u` uniform on [0, 1). A density q of x gives the probability of the
//! pixels at least `E_u[ln q(x)] - D ln 256`, D numbers an image. Reference: Theis, van den Oord and Bethge 2016 (arXiv:1511.01844).
//!
//! With `v = 255 w` this is `(255 w + u) / 256`; Glow's `v/256 - 1/2 + u/256` is it after a [`Scale`](super::Scale) to [-1/2, 1/2].

use crate::image::{ImageError, ImageSet};
use crate::{Batch, Points, Stream};

/// Adds noise to pixels, and takes it off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dequantise;

/// Values that a pixel has.
const LEVELS: f64 = 256.0;

impl Dequantise {
    /// Images as numbers of [0, 1), each drawn within its pixel. What a chain or a model made is not to be dequantised again.
    pub fn draw(&self, set: &ImageSet, stream: &mut Stream) -> Points {
        let number = |v: &u8| {
            let v = f64::from(*v);
            // Noise just below 1 may be rounded up to the next pixel.
            (v + stream.uniform()).min((v + 1.0).next_down()) / LEVELS
        };
        let data: Vec<f64> = set.pixels().iter().map(number).collect();
        Points::from_vec(data, set.shape().dim())
    }

    /// The pixels in which numbers lie; those outside of [0, 1) become the nearest.
    ///
    /// # Errors
    /// When rows are not of the set's shape.
    pub fn quantise(&self, x: Batch<'_>, shape: crate::image::ImageShape) -> Result<ImageSet, ImageError> {
        if x.dim() != shape.dim() {
            return Err(ImageError::Unusable(format!(
                "rows of {} numbers are no images of {shape}",
                x.dim()
            )));
        }
        ImageSet::new(shape, x.data().iter().map(|v| (v * LEVELS).floor() as u8).collect(), None)
    }

    /// `ln|det|` of pixels to numbers of [0, 1), for images of `dim` numbers: `-dim ln 256`.
    pub fn log_det(&self, dim: usize) -> f64 {
        -(dim as f64) * LEVELS.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageShape;

    #[test]
    fn pixels_come_back_and_noise_is_uniform_within_them() {
        let shape = ImageShape::new(1, 16, 16);
        let set = ImageSet::new(shape, (0..=255).cycle().take(256 * 40).collect(), None).unwrap();
        let x = Dequantise.draw(&set, &mut Stream::new(1, 0));
        assert!(x.data().iter().all(|v| (0.0..1.0).contains(v)));
        assert_eq!(Dequantise.quantise(x.as_batch(), shape).unwrap(), set);
        let noise = x.data().iter().zip(set.pixels()).map(|(x, v)| x * 256.0 - f64::from(*v));
        let n = 256.0 * 40.0;
        let (mean, square) = noise.fold((0.0, 0.0), |(a, b), u| (a + u / n, b + u * u / n));
        // Six standard errors.
        assert!((mean - 0.5).abs() < 6.0 * (1.0 / 12.0f64 / n).sqrt(), "{mean}");
        assert!((square - 1.0 / 3.0).abs() < 6.0 * (4.0 / 45.0f64 / n).sqrt(), "{square}");
        // A unit of pixels is 1/256 in each of the numbers.
        assert_eq!(Dequantise.log_det(3), 3.0 * (1.0f64 / 256.0).ln());
        assert!(Dequantise.quantise(x.as_batch(), ImageShape::new(1, 2, 2)).is_err());
        let outside = Points::from_vec(vec![-0.5, 1.0, 1.5, 0.999], 4);
        assert_eq!(
            Dequantise.quantise(outside.as_batch(), ImageShape::new(1, 2, 2)).unwrap().pixels(),
            [0, 255, 255, 255]
        );
    }
}
