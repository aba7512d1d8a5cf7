//! NumPy's `.npy` of bytes: `n x height x width` (grey), `n x channels x height x width`, or `n x height x width x 3`.

use std::path::Path;

use super::{ImageError, ImageSet, ImageShape};
use crate::io::{excerpt, npy_header};

/// Whether a file begins like one.
pub(super) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x93NUMPY")
}

/// Reads images, which have no classes.
pub(super) fn images(path: &Path, bytes: &[u8]) -> Result<ImageSet, ImageError> {
    let refused = |reason: String| ImageError::Picture { path: path.into(), reason };
    let header = npy_header(bytes).map_err(refused)?;
    if header.descr != "|u1" || header.fortran_order {
        let found = excerpt(header.descr);
        return Err(refused(format!(
            "pixels are read as bytes in C order, and these are {found}; save (255 * x).round().astype(numpy.uint8) of numbers between 0 and 1"
        )));
    }
    let (n, shape, pixels_last) = match header.shape[..] {
        [n, height, width] => (n, ImageShape::new(1, height, width), true),
        [n, channels @ (1 | 3), height, width] => (n, ImageShape::new(channels, height, width), true),
        [n, height, width, channels @ (1 | 3)] => (n, ImageShape::new(channels, height, width), false),
        _ => {
            let shape = &header.shape;
            return Err(refused(format!(
                "an array of {shape:?} is no set of images; [n, height, width], [n, 1 or 3, height, width] or [n, height, width, 3] is"
            )));
        }
    };
    let size = n.checked_mul(shape.dim());
    if size != Some(header.data.len()) {
        let (length, shape) = (header.data.len(), &header.shape);
        return Err(refused(format!("shape {shape:?} does not make {length} bytes; get the file again")));
    }
    let pixels = if pixels_last || shape.dim() == 0 {
        header.data.to_vec()
    } else {
        let plane = shape.height * shape.width;
        let image = |image: &[u8], out: &mut Vec<u8>| {
            for channel in 0..shape.channels {
                out.extend((0..plane).map(|i| image[i * shape.channels + channel]));
            }
        };
        let mut out = Vec::with_capacity(header.data.len());
        header.data.chunks_exact(shape.dim()).for_each(|i| image(i, &mut out));
        out
    };
    ImageSet::new(shape, pixels, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(shape: &str, descr: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), data].concat()
    }

    fn read(shape: &str, descr: &str, data: &[u8]) -> Result<ImageSet, String> {
        ImageSet::from_bytes("a.npy".as_ref(), &file(shape, descr, data), 1000).map_err(|e| e.to_string())
    }

    #[test]
    fn bytes_of_any_usual_order_are_read() {
        let data: Vec<u8> = (0..12).collect();
        let grey = read("(2, 2, 3)", "|u1", &data).unwrap();
        assert_eq!((grey.len(), grey.shape(), grey.pixels()), (2, ImageShape::new(1, 2, 3), &*data));
        let planes = read("(1, 3, 2, 2)", "|u1", &data).unwrap();
        assert_eq!((planes.shape(), planes.pixels()), (ImageShape::new(3, 2, 2), &*data));
        let mixed = read("(1, 2, 2, 3)", "|u1", &data).unwrap();
        assert_eq!(mixed.pixels(), [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        assert_eq!(mixed.shape(), planes.shape());
    }

    #[test]
    fn others_are_refused_with_what_to_do() {
        assert!(read("(1, 2, 2)", "<f4", &[0; 16]).unwrap_err().contains("numpy.uint8"));
        assert!(read("(2, 2)", "|u1", &[0; 4]).unwrap_err().contains("no set of images"));
        assert!(read("(2, 2, 2)", "|u1", &[0; 7]).unwrap_err().contains("7 bytes"));
        assert!(read("(18446744073709551615, 9, 9)", "|u1", &[0; 7]).is_err());
        assert!(read("(1, 0, 9)", "|u1", &[]).is_err());
    }
}
