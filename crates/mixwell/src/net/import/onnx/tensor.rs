//! The numbers of an array of an ONNX file: raw bytes, or a list of numbers.

use super::model::Tensor;
use super::protobuf::{Wire, damaged};
use crate::io::excerpt;
use crate::net::import::limits::Budget;
use crate::net::import::{ElementType, ImportError, NamedArray};

/// ONNX's number of a type.
fn element(kind: i64) -> Option<ElementType> {
    Some(match kind {
        1 => ElementType::F32,
        2 => ElementType::U8,
        3 => ElementType::I8,
        4 => ElementType::U16,
        5 => ElementType::I16,
        6 => ElementType::I32,
        7 => ElementType::I64,
        9 => ElementType::Bool,
        10 => ElementType::F16,
        11 => ElementType::F64,
        12 => ElementType::U32,
        13 => ElementType::U64,
        16 => ElementType::BF16,
        _ => return None,
    })
}

impl Tensor<'_> {
    /// Reads it.
    pub fn read(&self, memory: &mut Budget) -> Result<NamedArray, ImportError> {
        let wrong = |reason: String| ImportError::Array { name: excerpt(self.name), reason };
        if self.is_external {
            let reason = "its numbers lie in another file (external data), which is not opened; save the model in one file";
            return Err(wrong(reason.into()));
        }
        let element = element(self.kind).ok_or_else(|| {
            wrong(format!("its elements are of ONNX's type {}, which is not read", self.kind))
        })?;
        let sizes: Option<Vec<usize>> = self.sizes.iter().map(|n| usize::try_from(*n).ok()).collect();
        let n = sizes.as_ref().and_then(|s| s.iter().try_fold(1usize, |n, size| n.checked_mul(*size)));
        let (Some(shape), Some(n)) = (sizes, n) else {
            return Err(wrong("its shape is none".into()));
        };
        let bytes = n.checked_mul(element.size());
        let bytes = bytes.ok_or_else(|| wrong("its shape is larger than any file".into()))?;
        let Some(message) = self.message else { return Err(damaged(0, "an array is missing")) };
        let mut raw: Option<&[u8]> = None;
        let mut list: Vec<u8> = vec![];
        let mut room = Budget::new("arrays", bytes as u64);
        for field in message.fields() {
            let (number, wire) = field?;
            match number {
                9 => raw = Some(wire.bytes()?.bytes),
                4 | 5 | 7 | 10 | 11 => numbers(number, wire, element, &mut |b| {
                    room.take(b.len() as u64)
                        .map_err(|_| damaged(message.at, "an array has more numbers than its shape"))?;
                    list.extend(b);
                    Ok(())
                })?,
                6 => return Err(wrong("texts are not read".into())),
                _ => {}
            }
        }
        let data = raw.unwrap_or(&list);
        if data.len() != bytes {
            return Err(wrong(format!(
                "its shape {shape:?} of {element} does not make {} bytes",
                data.len()
            )));
        }
        memory.take((n as u64).saturating_mul(element.memory() as u64))?;
        let values = element.gather(self.name, data, false, 0..n)?;
        Ok(NamedArray { name: self.name.to_owned(), shape, element, values })
    }
}

/// Numbers of a list, as bytes of their type. Short ones lie in the list of whole numbers of 32 bits.
fn numbers(
    field: u64,
    wire: Wire<'_>,
    element: ElementType,
    add: &mut dyn FnMut(&[u8]) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    use ElementType as E;
    let fits = match field {
        4 => element == E::F32,
        10 => element == E::F64,
        7 => element == E::I64,
        11 => matches!(element, E::U64 | E::U32),
        _ => !matches!(element, E::F32 | E::F64 | E::I64 | E::U64 | E::U32),
    };
    if !fits {
        return Err(damaged(0, "an array has a list of numbers of another type"));
    }
    match (field, wire) {
        (4 | 10, Wire::Bytes(packed)) => add(packed.bytes),
        (4, Wire::Fixed32(b)) => add(&b),
        (10, Wire::Fixed64(b)) => add(&b),
        (5 | 7 | 11, Wire::Bytes(packed)) => {
            packed.varints().try_for_each(|v| add(&v?.to_le_bytes()[..element.size()]))
        }
        (5 | 7 | 11, wire) => add(&(wire.number()? as u64).to_le_bytes()[..element.size()]),
        _ => Err(damaged(0, "a list of numbers is none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::import::ArrayValues;
    use crate::net::import::onnx::protobuf::Message;

    fn tensor(kind: i64, sizes: &[i64], bytes: &'static [u8]) -> Tensor<'static> {
        let message = Some(Message { bytes, at: 0 });
        Tensor { name: "w", kind, sizes: sizes.to_vec(), message, is_external: false }
    }

    fn read(tensor: &Tensor<'_>) -> Result<ArrayValues, ImportError> {
        tensor.read(&mut Budget::new("arrays", 1 << 10)).map(|a| a.values)
    }

    #[test]
    fn numbers_lie_in_bytes_or_in_lists() {
        let f32s = |v: &[f32]| Ok(ArrayValues::F32(v.to_vec()));
        let is = |tensor, want: Result<ArrayValues, ()>| assert_eq!(read(&tensor).map_err(drop), want);
        is(tensor(1, &[2], b"\x4a\x08\0\0\x80\x3f\0\0\0\xc0"), f32s(&[1.0, -2.0]));
        is(tensor(1, &[2], b"\x22\x08\0\0\x80\x3f\0\0\0\xc0"), f32s(&[1.0, -2.0]));
        is(tensor(1, &[2], b"\x25\0\0\x80\x3f\x25\0\0\0\xc0"), f32s(&[1.0, -2.0]));
        // Half precision: 0x3c00 as a whole number.
        is(tensor(10, &[1], b"\x2a\x02\x80\x78"), f32s(&[1.0]));
        is(tensor(7, &[2], b"\x3a\x03\x05\x96\x01"), Ok(ArrayValues::I64(vec![5, 150])));
        is(tensor(7, &[], b"\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Ok(ArrayValues::I64(vec![-1])));
        is(tensor(9, &[2], b"\x2a\x02\x01\x00"), Ok(ArrayValues::U8(vec![1, 0])));
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_allocated() {
        let external = Tensor { is_external: true, ..tensor(1, &[1], b"") };
        for (tensor, word) in [
            (external, "another file"),
            (tensor(1, &[2], b"\x4a\x04\0\0\x80\x3f"), "does not make 4 bytes"),
            (tensor(1, &[1 << 40], b"\x4a\x04\0\0\x80\x3f"), "does not make 4 bytes"),
            (tensor(1, &[1 << 40, 1 << 40], b""), "its shape is none"),
            (tensor(11, &[1 << 61], b""), "larger than any file"),
            (tensor(1, &[-1], b""), "its shape is none"),
            (tensor(1, &[1], b"\x22\x08\0\0\x80\x3f\0\0\0\xc0"), "more numbers than its shape"),
            (tensor(1, &[1], b"\x38\x01"), "of another type"),
            (tensor(8, &[1], b"\x32\x01a"), "type 8"),
        ] {
            let e = read(&tensor).unwrap_err().to_string();
            assert!(e.contains(word), "{word}: {e}");
        }
    }
}
