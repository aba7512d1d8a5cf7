//! NumPy's arrays: `.npy`, and `.npz`, a zip archive of them. Both orders of axes, both orders of bytes.

use super::limits::Budget;
use super::strides::{Places, first_fastest};
use super::zip::Archive;
use super::{ArrayFileKind, ElementType, ImportError, ImportLimits, NamedArray, NamedArrays};
use crate::io::{excerpt, npy_header};

/// Ending of the entries of an `.npz`.
const ENDING: &str = ".npy";

/// Most axes of an array; as many as NumPy has.
const DIMENSIONS: usize = 64;

/// Whether a file begins like an `.npy`.
pub(super) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x93NUMPY")
}

/// Whether an archive has an array.
pub(super) fn is_npz(archive: &Archive<'_>) -> bool {
    archive.entries().iter().any(|e| e.name.ends_with(ENDING))
}

/// Reads an `.npy`; the array has the name that NumPy gives one without: `arr_0`.
pub(super) fn read_npy(bytes: &[u8], limits: &ImportLimits) -> Result<NamedArrays, ImportError> {
    let mut memory = Budget::new("arrays", limits.arrays);
    NamedArrays::new(ArrayFileKind::Npy, vec![array("arr_0", bytes, &mut memory)?], vec![])
}

/// Reads an `.npz`.
pub(super) fn read_npz(archive: &Archive<'_>, limits: &ImportLimits) -> Result<NamedArrays, ImportError> {
    if archive.entries().len() > limits.count {
        return Err(ImportError::Limit { what: "arrays and values", most: limits.count as u64 });
    }
    let mut memory = Budget::new("arrays", limits.arrays);
    let mut inflated = Budget::new("compressed entries", limits.inflated);
    let mut arrays = vec![];
    for entry in archive.entries() {
        let Some(name) = entry.name.strip_suffix(ENDING) else {
            let reason =
                "it is no .npy, and an .npz holds nothing else; was it meant to be another file?".into();
            return Err(ImportError::Array { name: excerpt(entry.name), reason });
        };
        arrays.push(array(name, &entry.contents(&mut inflated)?, &mut memory)?);
    }
    NamedArrays::new(ArrayFileKind::Npz, arrays, vec![])
}

/// What NumPy calls a type: the order of bytes, and the type.
fn element(descr: &str) -> Option<(bool, ElementType)> {
    let order = descr.chars().next().filter(|c| "<>=|".contains(*c))?;
    let element = match &descr[1..] {
        "f2" => ElementType::F16,
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        "b1" => ElementType::Bool,
        "u1" => ElementType::U8,
        "u2" => ElementType::U16,
        "u4" => ElementType::U32,
        "u8" => ElementType::U64,
        "i1" => ElementType::I8,
        "i2" => ElementType::I16,
        "i4" => ElementType::I32,
        "i8" => ElementType::I64,
        _ => return None,
    };
    Some((order == '>', element))
}

fn array(name: &str, bytes: &[u8], memory: &mut Budget) -> Result<NamedArray, ImportError> {
    let wrong = |reason: String| ImportError::Array { name: excerpt(name), reason };
    let header = npy_header(bytes).map_err(wrong)?;
    let (big_endian, element) = element(header.descr).ok_or_else(|| {
        let advice = "store it as real or whole numbers (objects would be pickles, which are not run)";
        wrong(format!("elements of type {} are not read; {advice}", excerpt(header.descr)))
    })?;
    let shape = header.shape;
    if shape.len() > DIMENSIONS {
        return Err(wrong(format!("it has {} axes, more than {DIMENSIONS}", shape.len())));
    }
    let n = shape.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let expected = n.and_then(|n| n.checked_mul(element.size()));
    if expected != Some(header.data.len()) {
        let length = header.data.len();
        return Err(wrong(format!("shape {shape:?} of {} does not make {length} bytes", header.descr)));
    }
    let n = header.data.len() / element.size();
    memory.take((n as u64).saturating_mul(element.memory() as u64))?;
    let values = if header.fortran_order {
        let strides = first_fastest(&shape);
        element.gather(name, header.data, big_endian, Places::new(&shape, &strides, 0, n))?
    } else {
        element.gather(name, header.data, big_endian, 0..n)?
    };
    Ok(NamedArray { name: name.to_owned(), shape, element, values })
}
