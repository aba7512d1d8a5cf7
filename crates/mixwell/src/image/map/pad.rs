//! A frame around an image: 28 x 28 becomes 32 x 32. The new numbers are constant, so densities of the images stay what they are:
//! log-determinant 0. The inverse crops.

use super::ImageMap;
use crate::image::{ImageError, ImageShape};
use crate::{Batch, BatchMut};

/// Puts images in the middle of larger ones; where a margin is odd, the lower and the right one are the wider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pad {
    from: ImageShape,
    to: ImageShape,
    value: f64,
}

impl Pad {
    /// From images of this shape to a height and width at least as large, with this number around.
    ///
    /// # Errors
    /// When they are smaller.
    pub fn new(from: ImageShape, height: usize, width: usize, value: f64) -> Result<Self, ImageError> {
        let to = ImageShape { height, width, ..from };
        if height < from.height || width < from.width || from.dim() == 0 {
            return Err(ImageError::Unusable(format!(
                "images of {from} cannot be padded to {height} x {width}"
            )));
        }
        Ok(Self { from, to, value })
    }

    /// The shape of the larger images.
    pub fn shape(&self) -> ImageShape {
        self.to
    }

    /// Where each line of an image begins in the larger one.
    fn lines(&self) -> impl Iterator<Item = usize> {
        let (from, to) = (self.from, self.to);
        let (top, left) = ((to.height - from.height) / 2, (to.width - from.width) / 2);
        (0..from.channels * from.height).map(move |line| {
            let (channel, y) = (line / from.height, line % from.height);
            (channel * to.height + top + y) * to.width + left
        })
    }
}

impl ImageMap for Pad {
    fn out_dim(&self, _dim: usize) -> usize {
        self.to.dim()
    }

    fn forward(&self, x: Batch<'_>, mut y: BatchMut<'_>, log_det: &mut [f64]) {
        for (x, y) in x.iter().zip(y.iter_mut()) {
            y.fill(self.value);
            for (line, at) in x.chunks_exact(self.from.width).zip(self.lines()) {
                y[at..at + line.len()].copy_from_slice(line);
            }
        }
        log_det.fill(0.0);
    }

    fn inverse(&self, y: Batch<'_>, mut x: BatchMut<'_>, log_det: &mut [f64]) {
        for (x, y) in x.iter_mut().zip(y.iter()) {
            for (line, at) in x.chunks_exact_mut(self.from.width).zip(self.lines()) {
                line.copy_from_slice(&y[at..at + line.len()]);
            }
        }
        log_det.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    #[test]
    fn a_digit_stands_in_the_middle() {
        let pad = Pad::new(ImageShape::new(1, 28, 28), 32, 32, -1.0).unwrap();
        let x = Points::from_vec(vec![0.5; 784], 784);
        let mut y = Points::zeros(1, 1024);
        pad.forward(x.as_batch(), y.as_batch_mut(), &mut [0.0]);
        for (i, v) in y.data().iter().enumerate() {
            let inside = (2..30).contains(&(i / 32)) && (2..30).contains(&(i % 32));
            assert_eq!(*v, if inside { 0.5 } else { -1.0 });
        }
        assert_eq!(pad.shape(), ImageShape::new(1, 32, 32));
        assert!(Pad::new(ImageShape::new(1, 28, 28), 27, 32, 0.0).is_err());
    }
}
