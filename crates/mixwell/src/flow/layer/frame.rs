//! `Frame`: coordinates of a point that form an image, `channels x height x width`. Flows of images look at the same coordinates
//! in several arrangements: squares of pixels become channels, and some channels are done before the others.

use super::coupling::Split;
use crate::ConfigError;
use crate::net::Shape;

/// The `[channels, height, width]` of a config, whose sides halve so often.
///
/// # Errors
/// When it is no image, or a side is odd before.
pub(crate) fn image_shape(sizes: &[usize], halvings: usize) -> Result<Shape, ConfigError> {
    let wrong = |why: String| ConfigError::new("shape", format!("{sizes:?}"), why);
    if sizes.len() != 3 {
        return Err(wrong("an image is [channels, height, width]".into()));
    }
    let shape = Shape::from_sizes(sizes).map_err(wrong)?;
    let squares = 1usize.checked_shl(halvings as u32).unwrap_or(usize::MAX);
    if shape.height.is_multiple_of(squares) && shape.width.is_multiple_of(squares) {
        Ok(shape)
    } else {
        Err(wrong(format!(
            "both sides halve {halvings} times: they must be multiples of {squares}; pad the images"
        )))
    }
}

/// Which coordinates an image consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub shape: Shape,
    /// Plane after plane.
    pub places: Vec<usize>,
}

impl Frame {
    /// All coordinates of a point, which is an image of this shape.
    pub fn whole(shape: Shape) -> Self {
        Self { shape, places: (0..shape.len()).collect() }
    }

    /// Squares of two by two pixels as channels: `4 c + 2 i + j` for line `i` and column `j` of a square.
    ///
    /// # Panics
    /// When a side is odd.
    pub fn squeezed(&self) -> Self {
        let Shape { channels, height, width } = self.shape;
        assert!(height.is_multiple_of(2) && width.is_multiple_of(2), "squares that are not whole");
        let shape = Shape { channels: 4 * channels, height: height / 2, width: width / 2 };
        let plane = |channel: usize| {
            let (c, i, j) = (channel / 4, channel % 4 / 2, channel % 2);
            let pixels = (0..height / 2).flat_map(move |y| (0..width / 2).map(move |x| (y, x)));
            pixels.map(move |(y, x)| self.places[(c * height + 2 * y + i) * width + 2 * x + j])
        };
        Self { shape, places: (0..shape.channels).flat_map(plane).collect() }
    }

    /// Some of its channels, in their order.
    pub fn channels(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.shape.channels).filter(|c| keep(*c)).collect();
        let n = self.shape.n_pixels();
        let places = kept.iter().flat_map(|c| &self.places[c * n..(c + 1) * n]).copied().collect();
        Self { shape: Shape { channels: kept.len(), ..self.shape }, places }
    }

    /// The split that keeps the pixels for which line and column have an odd sum, or an even one, in a point of `dim` coordinates.
    pub fn checkerboard(&self, dim: usize, keeps_odd: bool) -> Split {
        let width = self.shape.width;
        let n = self.shape.n_pixels();
        self.split(dim, |i| ((i % n / width + i % n % width) % 2 == 1) == keeps_odd)
    }

    /// The split that keeps the first half of the channels, or the others.
    pub fn halves(&self, dim: usize, keeps_first: bool) -> Split {
        let first = self.shape.channels / 2 * self.shape.n_pixels();
        self.split(dim, |i| (i < first) == keeps_first)
    }

    fn split(&self, dim: usize, keeps: impl Fn(usize) -> bool) -> Split {
        let mut split = Split::within(dim, &self.places, keeps);
        let n = self.shape.n_pixels();
        split.channels = split.moved_at.iter().map(|i| i / n).collect();
        split
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_become_channels() {
        let frame = Frame::whole(Shape { channels: 2, height: 2, width: 4 });
        let squeezed = frame.squeezed();
        assert_eq!(squeezed.shape, Shape { channels: 8, height: 1, width: 2 });
        assert_eq!(squeezed.places, [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15]);
        let half = squeezed.channels(|c| matches!(c % 4, 0 | 3));
        assert_eq!((half.shape.channels, half.places), (4, vec![0, 2, 5, 7, 8, 10, 13, 15]));
    }

    #[test]
    fn splits_keep_what_they_say() {
        let frame = Frame::whole(Shape { channels: 2, height: 2, width: 2 });
        let split = frame.checkerboard(8, true);
        assert_eq!((split.kept, split.moved), (vec![1, 2, 5, 6], vec![0, 3, 4, 7]));
        assert_eq!(split.channels, [0, 0, 1, 1]);
        assert_eq!(frame.halves(8, false).kept, [4, 5, 6, 7]);
    }
}
