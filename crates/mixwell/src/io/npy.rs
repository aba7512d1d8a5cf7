//! NumPy's `.npy` files: versions 1.0 to 3.0, little-endian `f8`, `f4` and `i8` arrays in C order.
//!
//! Layout: `\x93NUMPY`, major, minor, header length (u16, since version 2 u32), header, numbers. The header is a Python
//! dictionary with the keys `descr`, `fortran_order` and `shape`. Reference: NumPy enhancement proposal 1.
//! Sizes in the header are believed only when they equal the size of the file.

use std::path::{Path, PathBuf};

use super::{IoError, excerpt};

/// An array of any shape.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Its shape; empty for a single number.
    pub shape: Vec<usize>,
    /// Its numbers, the last index running fastest.
    pub data: NpyData,
}

/// The numbers of an array, as they were stored.
#[derive(Clone, Debug, PartialEq)]
pub enum NpyData {
    /// `<f8`
    F64(Vec<f64>),
    /// `<f4`
    F32(Vec<f32>),
    /// `<i8`
    I64(Vec<i64>),
}

impl NpyData {
    /// The numbers as `f64`; integers above 2^53 are rounded.
    pub fn into_f64(self) -> Vec<f64> {
        match self {
            Self::F64(values) => values,
            Self::F32(values) => values.into_iter().map(f64::from).collect(),
            Self::I64(values) => values.into_iter().map(|v| v as f64).collect(),
        }
    }
}

/// Why an array cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The file is damaged or of a kind that is not read.
    #[error(
        "cannot use `{path}` as an array: {reason}; save it with numpy.save as a C-ordered float64, float32 or int64 array"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Reads an array.
pub fn read_npy(path: &Path) -> Result<NpyArray, NpyError> {
    let bytes = std::fs::read(path).map_err(IoError::file("read", path))?;
    parse(&bytes).map_err(|reason| NpyError::Format { path: path.to_path_buf(), reason })
}

/// A file of `f64` numbers of this shape, in C order.
///
/// # Panics
/// When they are more or fewer than the shape says.
pub fn to_npy(shape: &[usize], values: &[f64]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), values.len(), "numbers of another shape");
    let sizes: Vec<String> = shape.iter().map(|n| format!("{n},")).collect();
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}), }}", sizes.join(" "));
    // The numbers begin at a multiple of 64.
    header.push_str(&" ".repeat((64 - (10 + header.len() + 1) % 64) % 64));
    header.push('\n');
    let mut bytes = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes()].concat();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

/// What a file says of its numbers, and their bytes.
#[derive(Debug)]
pub(crate) struct NpyHeader<'a> {
    /// NumPy's name of the type, such as `<f8`.
    pub(crate) descr: &'a str,
    /// Whether the first index runs fastest.
    pub(crate) fortran_order: bool,
    /// The shape.
    pub(crate) shape: Vec<usize>,
    /// All bytes after the header; whether they are as many as the shape asks for is not checked yet.
    pub(crate) data: &'a [u8],
}

/// Reads the header of a file.
pub(crate) fn npy_header(bytes: &[u8]) -> Result<NpyHeader<'_>, String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it does not begin like a .npy file")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (u16::from_le_bytes([*a, *b]) as usize, rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [major, minor, ..] => return Err(format!("version {major}.{minor} is not read")),
        _ => return Err("it is cut off".into()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or("it is cut off within the header")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    let fortran_order = match entry(header, "fortran_order")? {
        "True" => true,
        "False" => false,
        other => return Err(format!("its order is `{}`, not True or False", excerpt(other))),
    };
    let shape = shape(entry(header, "shape")?)?;
    let descr = entry(header, "descr")?.trim_matches(['\'', '"']);
    Ok(NpyHeader { descr, fortran_order, shape, data })
}

fn parse(bytes: &[u8]) -> Result<NpyArray, String> {
    let NpyHeader { descr, fortran_order, shape, data } = npy_header(bytes)?;
    if fortran_order {
        return Err("it is not in C order".into());
    }
    let size = if descr == "<f4" { 4 } else { 8 };
    let expected = shape.iter().try_fold(size, |product: usize, &n| product.checked_mul(n));
    let matching = expected == Some(data.len());
    if !matching && ["<f8", "<f4", "<i8"].contains(&descr) {
        return Err(format!("shape {shape:?} of {descr} does not make {} bytes", data.len()));
    }
    let data = match descr {
        "<f8" => NpyData::F64(numbers(data, f64::from_le_bytes)),
        "<f4" => NpyData::F32(numbers(data, f32::from_le_bytes)),
        "<i8" => NpyData::I64(numbers(data, i64::from_le_bytes)),
        other => return Err(format!("elements of type {} are not read", excerpt(other))),
    };
    Ok(NpyArray { shape, data })
}

/// The text of a dictionary entry, up to the comma or brace that ends it.
fn entry<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let missing = || format!("its header has no `{key}`");
    let (_, rest) = header.split_once(&format!("'{key}'")).ok_or_else(missing)?;
    let rest = rest.trim_start().strip_prefix(':').ok_or_else(missing)?.trim_start();
    let end = if rest.starts_with('(') { rest.find(')').map(|i| i + 1) } else { rest.find([',', '}']) };
    Ok(rest[..end.ok_or_else(missing)?].trim_end())
}

fn shape(text: &str) -> Result<Vec<usize>, String> {
    let inside = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    let inside = inside.ok_or_else(|| format!("`{}` is not a shape", excerpt(text)))?;
    let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.parse().map_err(|_| format!("`{}` is not a size", excerpt(size)))).collect()
}

fn numbers<T, const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.chunks_exact(N).map(|b| convert(b.try_into().expect("chunks of N bytes"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file as NumPy writes it (the header padded so that the numbers begin at a multiple of 64).
    fn npy(version: u8, descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        let before = if version == 1 { 10 } else { 12 };
        while !(before + header.len() + 1).is_multiple_of(64) {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = [b"\x93NUMPY".as_slice(), &[version, 0]].concat();
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        [bytes, header.into_bytes(), data.to_vec()].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        for shape in [vec![], vec![3], vec![2, 3], vec![0, 4]] {
            let values: Vec<f64> = (0..shape.iter().product::<usize>()).map(|i| 0.1 * i as f64).collect();
            let bytes = to_npy(&shape, &values);
            assert_eq!((bytes.len() - 8 * values.len()) % 64, 0);
            assert_eq!(parse(&bytes).unwrap(), NpyArray { shape, data: NpyData::F64(values) });
        }
    }

    #[test]
    fn arrays_of_each_kind() {
        let f8: Vec<u8> = [1.5f64, -2.0, 0.1, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let array = parse(&npy(1, "<f8", "False", "(2, 3)", &f8)).unwrap();
        assert_eq!(array.shape, [2, 3]);
        assert_eq!(array.data, NpyData::F64(vec![1.5, -2.0, 0.1, 4.0, 5.0, 6.0]));
        let f4: Vec<u8> = [0.5f32, 8.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let array = parse(&npy(2, "<f4", "False", "(2,)", &f4)).unwrap();
        assert_eq!((array.shape, array.data.into_f64()), (vec![2], vec![0.5, 8.0]));
        let array = parse(&npy(1, "<i8", "False", "()", &(-3i64).to_le_bytes())).unwrap();
        assert_eq!((array.shape, array.data), (vec![], NpyData::I64(vec![-3])));
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        let reason = |bytes: &[u8]| parse(bytes).unwrap_err();
        assert!(reason(b"hello").contains("begin like"));
        assert!(reason(&npy(4, "<f8", "False", "(0,)", &[])).contains("version 4.0"));
        assert!(reason(&npy(1, "<f8", "True", "(0, 2)", &[])).contains("C order"));
        assert!(reason(&npy(1, ">f8", "False", "(1,)", &[0; 8])).contains(">f8"));
        assert!(reason(&npy(1, "|O", "False", "(1,)", &[0; 8])).contains("|O"));
        assert!(reason(&npy(1, "<f8", "False", "(2,)", &[0; 8])).contains("does not make 8 bytes"));
        let huge = "(4294967296, 4294967296, 4294967296)";
        assert!(reason(&npy(1, "<f8", "False", huge, &[])).contains("does not make"));
        assert!(reason(&npy(1, "<f8", "False", "(-1,)", &[])).contains("not a size"));
        let good = npy(1, "<f8", "False", "(1,)", &[0; 8]);
        assert!((0..good.len()).all(|end| parse(&good[..end]).is_err()));
    }

    #[test]
    fn a_missing_file_is_named() {
        assert!(read_npy(Path::new("no/such.npy")).unwrap_err().to_string().contains("no/such.npy"));
    }

    proptest! {
        #[test]
        fn no_header_panics(header in "[ -~é]{0,80}", cut in any::<u16>()) {
            let mut bytes = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes()].concat();
            bytes.extend(header.as_bytes());
            let _ = parse(&bytes);
            bytes[8..10].copy_from_slice(&cut.to_le_bytes());
            let _ = parse(&bytes);
        }

        #[test]
        fn shapes_of_any_text_do_not_panic(text in "[(),'0-9: }{a-z]{0,40}") {
            let _ = shape(&text);
            let _ = entry(&text, "shape");
        }
    }
}
