//! The idx format of MNIST: two zero bytes, the type of the numbers, how many axes, their lengths (big-endian, four bytes each), the
//! numbers. Unsigned bytes are read: three axes are images (count, height, width), one axis is labels.
//! Reference: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

use std::path::Path;

use super::{ImageError, ImageSet, ImageShape};

/// The code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 8;

/// Names of the other types.
const OTHERS: [(u8, &str); 5] =
    [(9, "signed bytes"), (11, "short integers"), (12, "integers"), (13, "floats"), (14, "doubles")];

/// Whether a file begins like one.
pub(super) fn is_idx(bytes: &[u8]) -> bool {
    let known = |code: u8| code == UNSIGNED_BYTE || OTHERS.iter().any(|(other, _)| *other == code);
    matches!(bytes, [0, 0, code, 1..=4, ..] if known(*code))
}

/// The lengths of the axes, and the bytes.
fn parts<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Vec<usize>, &'a [u8]), ImageError> {
    let damaged = |offset: usize, reason: String| ImageError::Damaged {
        path: path.into(),
        offset: offset as u64,
        reason,
    };
    let [_, _, code, axes, rest @ ..] = bytes else {
        return Err(damaged(bytes.len(), "it has no header".into()));
    };
    if let Some((_, name)) = OTHERS.iter().find(|(other, _)| other == code) {
        let found = format!("it is an idx file of {name}, and only unsigned bytes are pixels");
        return Err(ImageError::Kind { path: path.into(), found });
    }
    let header = 4 * usize::from(*axes);
    let lengths = rest.get(..header).ok_or_else(|| damaged(bytes.len(), "its header is cut off".into()))?;
    let length = |b: &[u8]| u32::from_be_bytes(b.try_into().expect("four bytes")) as usize;
    let lengths: Vec<usize> = lengths.chunks_exact(4).map(length).collect();
    let n = lengths.iter().try_fold(1usize, |n, length| n.checked_mul(*length));
    let data = &rest[header..];
    if n != Some(data.len()) {
        let reason = format!("lengths {lengths:?} do not make the {} bytes that follow", data.len());
        return Err(damaged(4 + header, reason));
    }
    Ok((lengths, data))
}

/// Reads images.
pub(super) fn images(path: &Path, bytes: &[u8]) -> Result<ImageSet, ImageError> {
    match parts(path, bytes)? {
        (lengths, pixels) if lengths.len() == 3 => {
            let shape = ImageShape::new(1, lengths[1], lengths[2]);
            if shape.dim() == 0 {
                let reason = format!("its images of {} x {} have no pixels", shape.height, shape.width);
                return Err(ImageError::Damaged { path: path.into(), offset: 8, reason });
            }
            ImageSet::new(shape, pixels.to_vec(), None)
        }
        (lengths, _) if lengths.len() == 1 => {
            let found =
                "it is an idx file of labels; give the file of the images, and it is found beside it".into();
            Err(ImageError::Kind { path: path.into(), found })
        }
        (lengths, _) => {
            let found = format!("it is an idx file of {} axes, and images have three", lengths.len());
            Err(ImageError::Kind { path: path.into(), found })
        }
    }
}

/// Reads labels.
pub(super) fn labels(path: &Path, bytes: &[u8]) -> Result<Vec<u32>, ImageError> {
    match parts(path, bytes)? {
        (lengths, labels) if lengths.len() == 1 => Ok(labels.iter().map(|label| u32::from(*label)).collect()),
        (lengths, _) => {
            let found = format!("it is an idx file of {} axes, and labels have one", lengths.len());
            Err(ImageError::Kind { path: path.into(), found })
        }
    }
}
