//! What the numbers of an array are in a file, and how they are read.

use std::fmt;

use super::{ArrayValues, ImportError};

/// What one number of an array is in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElementType {
    /// Half precision; read into `f32`.
    F16,
    /// The upper half of single precision; read into `f32`.
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Truth values; read into `u8`.
    Bool,
    /// Bytes.
    U8,
    /// Whole numbers of 8 bits; those and all that follow are read into `i64`.
    I8,
    /// Of 16 bits.
    I16,
    /// Of 16 bits without sign.
    U16,
    /// Of 32 bits.
    I32,
    /// Of 32 bits without sign.
    U32,
    /// Of 64 bits.
    I64,
    /// Of 64 bits without sign; those that do not fit into `i64` are refused.
    U64,
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
        })
    }
}

impl ElementType {
    /// Bytes of one number in the file.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Whether these are real numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::BF16 | Self::F32 | Self::F64)
    }

    /// Bytes of one number in memory.
    pub(super) fn memory(self) -> usize {
        match self {
            Self::Bool | Self::U8 => 1,
            Self::F16 | Self::BF16 | Self::F32 => 4,
            _ => 8,
        }
    }

    /// The numbers that these bytes are, from places given in order (counted in numbers), which lie within the bytes.
    pub(super) fn gather(
        self,
        name: &str,
        bytes: &[u8],
        big_endian: bool,
        places: impl Iterator<Item = usize>,
    ) -> Result<ArrayValues, ImportError> {
        macro_rules! number {
            ($t:ty) => {
                |at: usize| {
                    const N: usize = size_of::<$t>();
                    let own: [u8; N] = bytes[at * N..][..N].try_into().expect("as many bytes");
                    if big_endian { <$t>::from_be_bytes(own) } else { <$t>::from_le_bytes(own) }
                }
            };
        }
        macro_rules! whole {
            ($t:ty) => {
                ArrayValues::I64(places.map(number!($t)).map(i64::from).collect())
            };
        }
        Ok(match self {
            Self::F16 => ArrayValues::F32(places.map(number!(u16)).map(half).collect()),
            Self::BF16 => {
                let wide = |v: u16| f32::from_bits(u32::from(v) << 16);
                ArrayValues::F32(places.map(number!(u16)).map(wide).collect())
            }
            Self::F32 => ArrayValues::F32(places.map(number!(f32)).collect()),
            Self::F64 => ArrayValues::F64(places.map(number!(f64)).collect()),
            Self::Bool | Self::U8 => ArrayValues::U8(places.map(|at| bytes[at]).collect()),
            Self::I8 => whole!(i8),
            Self::I16 => whole!(i16),
            Self::U16 => whole!(u16),
            Self::I32 => whole!(i32),
            Self::U32 => whole!(u32),
            Self::I64 => ArrayValues::I64(places.map(number!(i64)).collect()),
            Self::U64 => {
                let fits: Result<Vec<i64>, _> = places.map(number!(u64)).map(i64::try_from).collect();
                ArrayValues::I64(fits.map_err(|_| ImportError::Array {
                    name: name.into(),
                    reason: "a u64 is larger than the largest i64; store the array as i64 or f64".into(),
                })?)
            }
        })
    }
}

/// A number of half precision: 1 sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_widened_exactly() {
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
        ];
        for (bits, value) in known {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0x3555), 0.333_251_95);
        assert_eq!(half(0x8000).to_bits(), (-0.0f32).to_bits());
        assert!(half(0x7c00) == f32::INFINITY && half(0xfc00) == f32::NEG_INFINITY && half(0x7e00).is_nan());
    }

    #[test]
    fn each_type_in_both_orders_of_bytes() {
        let read = |element: ElementType, bytes: &[u8], big| {
            let n = bytes.len() / element.size();
            element.gather("a", bytes, big, 0..n).unwrap()
        };
        assert_eq!(read(ElementType::F32, &1.5f32.to_be_bytes(), true), ArrayValues::F32(vec![1.5]));
        assert_eq!(read(ElementType::F64, &1.5f64.to_le_bytes(), false), ArrayValues::F64(vec![1.5]));
        assert_eq!(read(ElementType::BF16, &[0x80, 0x3f], false), ArrayValues::F32(vec![1.0]));
        assert_eq!(read(ElementType::I16, &[0xff, 0xfe], true), ArrayValues::I64(vec![-2]));
        assert_eq!(read(ElementType::U16, &[0xff, 0xfe], true), ArrayValues::I64(vec![0xfffe]));
        assert_eq!(read(ElementType::I8, &[0xff, 3], false), ArrayValues::I64(vec![-1, 3]));
        assert_eq!(read(ElementType::Bool, &[1, 0], false), ArrayValues::U8(vec![1, 0]));
        assert_eq!(read(ElementType::U32, &[1, 0, 0, 0x80], false), ArrayValues::I64(vec![0x8000_0001]));
        assert_eq!(read(ElementType::I32, &[1, 0, 0, 0x80], false), ArrayValues::I64(vec![-0x7fff_ffff]));
        let large = ElementType::U64.gather("a", &[0xff; 8], false, 0..1).unwrap_err().to_string();
        assert!(large.contains("`a`") && large.contains("i64"), "{large}");
    }
}
