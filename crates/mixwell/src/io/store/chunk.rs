//! The bytes of one chunk: numbers, little-endian, packed with zstd, then the crc32c of what is packed.

use super::crc32c::crc32c;
use super::schema::StatKind;
use super::zstd;

/// The numbers of one chunk.
pub(super) enum ChunkData {
    Float(Vec<f64>),
    Int(Vec<i64>),
    Bool(Vec<bool>),
}

impl ChunkData {
    /// The contents of the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut packed = match self {
            Self::Float(values) => zstd::compress(&little_endian(values, f64::to_le_bytes), 8),
            Self::Int(values) => zstd::compress(&little_endian(values, i64::to_le_bytes), 1),
            Self::Bool(values) => zstd::compress(&values.iter().map(|&v| v.into()).collect::<Vec<u8>>(), 1),
        };
        let sum = crc32c(&packed);
        packed.extend_from_slice(&sum.to_le_bytes());
        packed
    }
}

fn little_endian<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut out = vec![0; N * values.len()];
    out.as_chunks_mut::<N>().0.iter_mut().zip(values).for_each(|(out, &value)| *out = bytes(value));
    out
}

/// Bytes that a file of `len` numbers has at most: packing makes nothing longer by more than a few bytes in a thousand.
pub(super) fn most_bytes(kind: StatKind, len: usize) -> u64 {
    let raw = (kind.bytes() * len) as u64;
    raw + raw / 64 + 1024
}

/// The `len` numbers in a file, as `f64`, or what is wrong with it.
pub(super) fn decode(file: &[u8], kind: StatKind, len: usize) -> Result<Vec<f64>, String> {
    let (packed, sum) = file.split_last_chunk::<4>().ok_or("it has less than four bytes")?;
    if crc32c(packed) != u32::from_le_bytes(*sum) {
        return Err("its check sum does not fit".into());
    }
    let raw = zstd::decompress(packed, kind.bytes() * len)?;
    let words = raw.as_chunks::<8>().0;
    match kind {
        StatKind::Float => Ok(words.iter().map(|word| f64::from_le_bytes(*word)).collect()),
        StatKind::Int => Ok(words.iter().map(|word| i64::from_le_bytes(*word) as f64).collect()),
        StatKind::Bool if raw.iter().any(|&byte| byte > 1) => Err("neither true nor false".into()),
        StatKind::Bool => Ok(raw.into_iter().map(f64::from).collect()),
    }
}
