//! A set of images of one shape, with or without classes.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::ImageError;
use crate::{Batch, Points};

/// Channels, height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageShape {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl ImageShape {
    /// A shape.
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// Numbers of an image.
    pub fn dim(&self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} x {} (channels, height, width)", self.channels, self.height, self.width)
    }
}

/// Images of one shape: `rows x (channels x height x width)` bytes, and the class of each where it is known.
#[derive(Clone, PartialEq, Eq)]
pub struct ImageSet {
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Option<Vec<u32>>,
    class_names: Vec<String>,
}

impl fmt::Debug for ImageSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labelled = self.labels.is_some();
        f.debug_struct("ImageSet")
            .field("len", &self.len())
            .field("shape", &self.shape)
            .field("labels", &labelled)
            .finish()
    }
}

impl ImageSet {
    /// From pixels, image after image, plane after plane, row after row.
    ///
    /// # Errors
    /// When the shape has no pixels or neither one nor three channels, when the pixels are not a whole number of images, or
    /// when there are more or fewer labels than images.
    pub fn new(shape: ImageShape, pixels: Vec<u8>, labels: Option<Vec<u32>>) -> Result<Self, ImageError> {
        if shape.dim() == 0 || ![1, 3].contains(&shape.channels) {
            return Err(ImageError::Unusable(format!(
                "an image of {shape} has no pixels or neither 1 nor 3 channels"
            )));
        }
        if !pixels.len().is_multiple_of(shape.dim()) {
            let n = pixels.len();
            return Err(ImageError::Unusable(format!(
                "{n} pixels are not a whole number of images of {shape}"
            )));
        }
        let set = Self { shape, pixels, labels: None, class_names: vec![] };
        match labels {
            Some(labels) => set.with_labels(labels),
            None => Ok(set),
        }
    }

    /// The same images with these classes.
    ///
    /// # Errors
    /// When there are more or fewer of them than images.
    pub fn with_labels(mut self, labels: Vec<u32>) -> Result<Self, ImageError> {
        if labels.len() != self.len() {
            return Err(ImageError::Labels { labels: labels.len(), images: self.len() });
        }
        self.labels = Some(labels);
        Ok(self)
    }

    /// The images of several sets, one set after the other; `None` of none. Classes are known where all know them.
    ///
    /// # Errors
    /// When their shapes, or the names of their classes, differ.
    pub fn joined(sets: Vec<Self>) -> Result<Option<Self>, ImageError> {
        let mut sets = sets.into_iter();
        let Some(mut all) = sets.next() else { return Ok(None) };
        for set in sets {
            if set.shape != all.shape || set.class_names != all.class_names {
                return Err(ImageError::Unusable(format!(
                    "images of {} and {} (or of other classes) are no set; use files of one kind",
                    all.shape, set.shape
                )));
            }
            all.pixels.extend_from_slice(&set.pixels);
            all.labels = all.labels.zip(set.labels).map(|(mut all, more)| {
                all.extend(more);
                all
            });
        }
        Ok(Some(all))
    }

    /// The same images with names of the classes 0, 1, ..
    pub(super) fn with_class_names(mut self, names: Vec<String>) -> Self {
        self.class_names = names;
        self
    }

    /// From numbers between `low` and `high`, rounded to 256 steps; what lies outside becomes the nearest of them.
    ///
    /// # Errors
    /// When the shape does not fit the rows, or `high` is not above `low`.
    pub fn from_points(
        points: Batch<'_>,
        shape: ImageShape,
        [low, high]: [f64; 2],
    ) -> Result<Self, ImageError> {
        if points.dim() != shape.dim() {
            let dim = points.dim();
            return Err(ImageError::Unusable(format!("rows of {dim} numbers are no images of {shape}")));
        }
        check_range(low, high)?;
        // A number that is none becomes black.
        let byte = |v: &f64| ((v - low) / (high - low) * 255.0).round() as u8;
        Self::new(shape, points.data().iter().map(byte).collect(), None)
    }

    /// Channels, height and width.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.shape.dim()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// All pixels.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels of an image.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.pixels[i * self.shape.dim()..][..self.shape.dim()]
    }

    /// The class of each image.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// Names of the classes 0, 1, ..; empty where they have none.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Some of the images, in this order.
    fn chosen(&self, rows: impl Iterator<Item = usize> + Clone) -> Self {
        let pixels = rows.clone().flat_map(|i| self.image(i)).copied().collect();
        let labels = self.labels.as_ref().map(|labels| rows.map(|i| labels[i]).collect());
        Self { shape: self.shape, pixels, labels, class_names: self.class_names.clone() }
    }

    /// The same images followed by their mirror images, left and right exchanged.
    pub fn with_mirrored(mut self) -> Self {
        let mirrored: Vec<u8> =
            self.pixels.chunks_exact(self.shape.width).flat_map(|line| line.iter().rev().copied()).collect();
        self.pixels.extend(mirrored);
        self.labels = self.labels.map(|labels| labels.repeat(2));
        self
    }

    fn check(&self, range: &Range<usize>) -> Result<(), ImageError> {
        if range.start <= range.end && range.end <= self.len() {
            return Ok(());
        }
        let what = format!("images {} to {}", range.start, range.end);
        Err(ImageError::Missing { what, has: format!("a set of {}", self.len()) })
    }

    /// The images of a range.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn slice(&self, range: Range<usize>) -> Result<Self, ImageError> {
        self.check(&range)?;
        Ok(self.chosen(range))
    }

    /// The images of some classes, in their order.
    ///
    /// # Errors
    /// When the classes are not known, or one of these has no image.
    pub fn of_classes(&self, classes: &[u32]) -> Result<Self, ImageError> {
        let missing = |what: String, has: &str| ImageError::Missing { what, has: has.into() };
        let labels = self.labels.as_ref();
        let labels =
            labels.ok_or_else(|| missing("a class".into(), "a set without classes: give the labels"))?;
        if let Some(none) = classes.iter().find(|c| !labels.contains(c)) {
            return Err(missing(format!("class {none}"), "no image of it"));
        }
        let rows = labels.iter().enumerate().filter(|(_, label)| classes.contains(label)).map(|(i, _)| i);
        Ok(self.chosen(rows))
    }

    /// A range of images as numbers: 0 becomes `low`, 255 becomes `high`.
    ///
    /// # Errors
    /// When there are not so many images, or `high` is not above `low`.
    pub fn points(&self, range: Range<usize>, [low, high]: [f64; 2]) -> Result<Points, ImageError> {
        self.check(&range)?;
        check_range(low, high)?;
        let dim = self.shape.dim();
        let pixels = &self.pixels[range.start * dim..range.end * dim];
        let number = |v: &u8| low + f64::from(*v) / 255.0 * (high - low);
        Ok(Points::from_vec(pixels.iter().map(number).collect(), dim))
    }
}

fn check_range(low: f64, high: f64) -> Result<(), ImageError> {
    if low < high && (high - low).is_finite() {
        return Ok(());
    }
    Err(ImageError::Unusable(format!("pixels cannot go from {low} to {high}; the second must be the larger")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        let pixels = (0..24).map(|i| i * 10).collect();
        ImageSet::new(ImageShape::new(1, 2, 3), pixels, Some(vec![4, 1, 4, 0])).unwrap()
    }

    #[test]
    fn slices_and_classes() {
        let all = set();
        assert_eq!((all.len(), all.shape().dim()), (4, 6));
        let fours = all.of_classes(&[4]).unwrap();
        assert_eq!((fours.len(), fours.labels().unwrap()), (2, [4, 4].as_slice()));
        assert_eq!((fours.image(0), fours.image(1)), (all.image(0), all.image(2)));
        let two = all.slice(1..3).unwrap();
        assert_eq!((two.pixels(), two.labels().unwrap()), (&all.pixels()[6..18], [1, 4].as_slice()));
        assert!(all.slice(4..4).unwrap().is_empty());
        assert!(all.slice(3..5).unwrap_err().to_string().contains("a set of 4"));
        assert!(all.of_classes(&[7]).unwrap_err().to_string().contains("class 7"));
        let without = ImageSet::new(all.shape(), all.pixels().to_vec(), None).unwrap();
        assert!(without.of_classes(&[4]).unwrap_err().to_string().contains("give the labels"));
    }

    #[test]
    fn mirrored_twice_is_the_same() {
        let both = set().with_mirrored();
        assert_eq!((both.len(), both.labels().unwrap()), (8, [4, 1, 4, 0, 4, 1, 4, 0].as_slice()));
        assert_eq!(both.image(4), [20, 10, 0, 50, 40, 30]);
        let again = both.slice(4..8).unwrap().with_mirrored().slice(4..8).unwrap();
        assert_eq!(again, set());
    }

    #[test]
    fn numbers_and_back() {
        let all = set();
        for range in [[-1.0, 1.0], [0.0, 1.0], [0.0, 255.0]] {
            let points = all.points(0..4, range).unwrap();
            assert_eq!(points.rows(), 4);
            let back = ImageSet::from_points(points.as_batch(), all.shape(), range).unwrap();
            assert_eq!(back.pixels(), all.pixels());
        }
        let points = Points::from_vec(vec![-7.0, 0.5, 7.0, f64::NAN, 0.0, 1.0], 6);
        let back = ImageSet::from_points(points.as_batch(), all.shape(), [0.0, 1.0]).unwrap();
        assert_eq!(back.pixels(), [0, 128, 255, 0, 0, 255]);
        assert!(all.points(0..1, [1.0, 1.0]).is_err());
        assert!(ImageSet::from_points(points.as_batch(), ImageShape::new(1, 1, 5), [0.0, 1.0]).is_err());
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let reason = |shape, n, labels| ImageSet::new(shape, vec![0; n], labels).unwrap_err().to_string();
        assert!(reason(ImageShape::new(2, 2, 2), 8, None).contains("channels"));
        assert!(reason(ImageShape::new(1, 0, 2), 0, None).contains("no pixels"));
        assert!(reason(ImageShape::new(1, 2, 2), 7, None).contains("whole number"));
        assert!(reason(ImageShape::new(1, 2, 2), 8, Some(vec![1])).contains("1 labels for 2 images"));
    }
}
