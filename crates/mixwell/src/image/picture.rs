//! Pictures and grids of pictures as PNG files.

use std::path::Path;

use super::png::encode;
use super::{ImageError, ImageSet, ImageShape};
use crate::io::atomic_write;

/// Most pixels of a picture that is written, counted over its channels: 256 Mi.
const MOST: usize = 1 << 28;

/// Writes one image of a set as a PNG file, whole or not at all.
///
/// # Errors
/// When there is no such image, or it cannot be written.
pub fn write_png(path: &Path, set: &ImageSet, image: usize) -> Result<(), ImageError> {
    let one = set.slice(image..image.saturating_add(1))?;
    Ok(atomic_write(path, &encode(set.shape(), one.pixels())?)?)
}

/// How images are laid out in one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Images in a row; `None` makes the grid as square as it can be.
    pub columns: Option<usize>,
    /// Pixels between images, and around all of them.
    pub margin: usize,
    /// What is between them: 0 is black, 255 white.
    pub background: u8,
}

impl Default for Grid {
    fn default() -> Self {
        Self { columns: None, margin: 2, background: 255 }
    }
}

impl Grid {
    /// All images of a set in one, row by row.
    ///
    /// # Errors
    /// When there are none, when `columns` is 0, or when the picture would be too large.
    pub fn arrange(&self, set: &ImageSet) -> Result<ImageSet, ImageError> {
        let n = set.len();
        if n == 0 || self.columns == Some(0) {
            return Err(ImageError::Unusable("a grid needs at least one image and one column".into()));
        }
        let columns = self.columns.unwrap_or_else(|| (1..n).find(|c| c * c >= n).unwrap_or(n)).min(n);
        let (from, m) = (set.shape(), self.margin);
        let side = |size: usize, count: usize| size.checked_add(m)?.checked_mul(count)?.checked_add(m);
        let sides = side(from.height, n.div_ceil(columns)).zip(side(from.width, columns));
        let shape = sides.map(|(height, width)| ImageShape::new(from.channels, height, width));
        let shape = shape.filter(|shape| shape.dim() <= MOST);
        let too_large =
            || ImageError::Unusable(format!("a grid of {n} images of {from} is too large; take fewer"));
        let shape = shape.ok_or_else(too_large)?;
        let mut pixels = vec![self.background; shape.dim()];
        for i in 0..n {
            let (top, left) = (m + i / columns * (from.height + m), m + i % columns * (from.width + m));
            for (line, row) in set.image(i).chunks_exact(from.width).enumerate() {
                let (channel, y) = (line / from.height, line % from.height);
                let at = (channel * shape.height + top + y) * shape.width + left;
                pixels[at..at + from.width].copy_from_slice(row);
            }
        }
        ImageSet::new(shape, pixels, None)
    }

    /// All images of a set in one, as the bytes of a PNG file.
    ///
    /// # Errors
    /// As [`arrange`](Self::arrange).
    pub fn png(&self, set: &ImageSet) -> Result<Vec<u8>, ImageError> {
        let one = self.arrange(set)?;
        encode(one.shape(), one.pixels())
    }

    /// Writes all images of a set as one PNG file, whole or not at all.
    ///
    /// # Errors
    /// As [`arrange`](Self::arrange), or when the file cannot be written.
    pub fn write(&self, path: &Path, set: &ImageSet) -> Result<(), ImageError> {
        Ok(atomic_write(path, &self.png(set)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(channels: usize, n: usize) -> ImageSet {
        let pixels = (0..channels * 6 * n).map(|i| (i * 7 % 251) as u8).collect();
        ImageSet::new(ImageShape::new(channels, 2, 3), pixels, None).unwrap()
    }

    #[test]
    fn grey_and_colour_come_back_from_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        for channels in [1, 3] {
            let all = set(channels, 4);
            write_png(&path, &all, 2).unwrap();
            let first = std::fs::read(&path).unwrap();
            let back = ImageSet::read(&path).unwrap();
            assert_eq!((back.shape(), back.pixels()), (all.shape(), all.image(2)));
            write_png(&path, &all, 2).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), first);
        }
        assert!(write_png(&path, &set(1, 4), 4).is_err());
        assert!(
            write_png(&folder.path().join("no/a.png"), &set(1, 1), 0)
                .unwrap_err()
                .to_string()
                .contains("no/a.png")
        );
    }

    #[test]
    fn a_grid_has_every_image_at_its_place() {
        for (channels, n, columns, expected) in
            [(1, 5, None, 3), (3, 5, Some(2), 2), (1, 1, None, 1), (3, 4, None, 2), (1, 2, Some(9), 2)]
        {
            let all = set(channels, n);
            let grid = Grid { columns, margin: 1, background: 9 };
            let one = grid.arrange(&all).unwrap();
            let shape = one.shape();
            assert_eq!((shape.height, shape.width), (1 + 3 * n.div_ceil(expected), 1 + 4 * expected));
            let mut seen = 0;
            for channel in 0..channels {
                for i in 0..n {
                    for (y, x) in (0..2).flat_map(|y| (0..3).map(move |x| (y, x))) {
                        let (row, column) = (1 + i / expected * 3 + y, 1 + i % expected * 4 + x);
                        let found = one.pixels()[(channel * shape.height + row) * shape.width + column];
                        assert_eq!(found, all.image(i)[(channel * 2 + y) * 3 + x]);
                        seen += 1;
                    }
                }
            }
            let background = one.pixels().iter().filter(|p| **p == 9).count();
            let own = all.pixels().iter().filter(|p| **p == 9).count();
            assert_eq!(background - own, shape.dim() - seen);
        }
    }

    #[test]
    fn what_makes_no_grid_is_refused() {
        let none = set(1, 3).slice(0..0).unwrap();
        assert!(Grid::default().arrange(&none).is_err());
        assert!(Grid { columns: Some(0), ..Grid::default() }.arrange(&set(1, 3)).is_err());
        let wide = Grid { margin: usize::MAX, ..Grid::default() };
        assert!(wide.arrange(&set(1, 3)).unwrap_err().to_string().contains("too large"));
    }
}
