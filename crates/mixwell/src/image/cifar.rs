//! CIFAR's binary format: for each image its class, one byte (CIFAR-100: two, the coarse and the fine one), then 32 x 32 bytes each of red, green and
//! blue. No header says so: the length must fit, and no class may be too large.
//! Reference: Krizhevsky 2009, "Learning multiple layers of features from tiny images".

use std::path::Path;

use super::{ImageError, ImageSet, ImageShape};

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;

/// The bytes before an image, and the largest of each (which is a class).
const LAYOUTS: [&[u8]; 2] = [&[9], &[19, 99]];

/// The layout of a file, by how many bytes stand before an image.
fn layout(bytes: &[u8]) -> Option<usize> {
    let fits = |largest: &&&[u8]| {
        let mut records = bytes.chunks(largest.len() + PIXELS);
        bytes.len().is_multiple_of(largest.len() + PIXELS)
            && records.all(|record| record.iter().zip(**largest).all(|(class, most)| class <= most))
    };
    LAYOUTS.iter().find(fits).map(|largest| largest.len())
}

/// Whether a file can be one: not empty, and of the right length.
pub(super) fn is_cifar(bytes: &[u8]) -> bool {
    !bytes.is_empty() && layout(bytes).is_some()
}

/// Reads images and their classes (of CIFAR-100 the fine ones).
pub(super) fn images(path: &Path, bytes: &[u8]) -> Result<ImageSet, ImageError> {
    let kind = || ImageError::Kind { path: path.into(), found: "it is no CIFAR file".into() };
    let before = layout(bytes).ok_or_else(kind)?;
    let records = bytes.chunks_exact(before + PIXELS);
    let labels = records.clone().map(|record| record[before - 1].into()).collect();
    let pixels = records.flat_map(|record| &record[before..]).copied().collect();
    ImageSet::new(ImageShape::new(3, SIDE, SIDE), pixels, Some(labels))
}
