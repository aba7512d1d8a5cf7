//! `Shape`: the numbers of one row between two layers, as channels of an image; a plain vector is an image of one pixel.
//!
//! Outside a network, images are `channels x height x width` (planes one after the other, as in PyTorch and most files).
//! Inside, the channels of a pixel lie side by side (`height x width x channels`), as [`Gather`](mixwell_vector::matmul::Gather)
//! wants them; the first and the last layer of a network, and those that flatten, put the numbers in order.

use std::fmt;

/// Numbers of a row at one place of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels; of a vector, its numbers.
    pub channels: usize,
    /// Lines.
    pub height: usize,
    /// Pixels of a line.
    pub width: usize,
}

/// Numbers that a row may have at most, anywhere in a network.
const LARGEST: usize = 1 << 28;

impl Shape {
    /// A vector.
    pub fn vector(n: usize) -> Self {
        Self { channels: n, height: 1, width: 1 }
    }

    /// From `[n]` or `[channels, height, width]`.
    ///
    /// # Errors
    /// When there is another number of sizes, one of an image is zero, or there are too many numbers.
    pub fn from_sizes(sizes: &[usize]) -> Result<Self, String> {
        let shape = match sizes {
            [n] => Self::vector(*n),
            [channels, height, width] => Self { channels: *channels, height: *height, width: *width },
            _ => return Err(format!("a shape is [n] or [channels, height, width], not {sizes:?}")),
        };
        let size = sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
        match size {
            Some(0) if sizes.len() > 1 => Err(format!("an image has no size of zero: {sizes:?}")),
            Some(n) if n <= LARGEST => Ok(shape),
            _ => Err(format!("{sizes:?} are more than {LARGEST} numbers a row")),
        }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels.
    pub fn n_pixels(&self) -> usize {
        self.height * self.width
    }

    /// Whether it is one pixel, so that both orders are the same.
    pub fn is_vector(&self) -> bool {
        self.n_pixels() == 1
    }

    /// For each number in the order outside, its place inside.
    pub(crate) fn inside(&self) -> impl Iterator<Item = usize> {
        let Self { channels, height, width } = *self;
        (0..channels).flat_map(move |c| (0..height * width).map(move |p| p * channels + c))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channels, height, width } = self;
        if self.is_vector() { write!(f, "{channels}") } else { write!(f, "{channels} x {height} x {width}") }
    }
}
