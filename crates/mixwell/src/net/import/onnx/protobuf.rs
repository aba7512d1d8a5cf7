//! Fields of a protobuf message, one after the other, without a copy: number, and a whole number, a fixed one, or bytes.
//!
//! Every length is compared with what is left before anything is made of it, and nothing is read into itself: a message inside of
//! another is bytes until somebody asks for its fields.

use crate::net::import::ImportError;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    /// A whole number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64([u8; 8]),
    /// A text, an array of bytes, a message, or packed numbers.
    Bytes(Message<'a>),
    /// Four bytes.
    Fixed32([u8; 4]),
}

/// Bytes of a message, and where they begin in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Message<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

pub(super) fn damaged(offset: usize, reason: &str) -> ImportError {
    ImportError::Damaged { part: "the ONNX file".into(), offset, reason: reason.into() }
}

impl<'a> Message<'a> {
    /// Its fields.
    pub fn fields(self) -> Fields<'a> {
        Fields { rest: self }
    }

    /// As text.
    pub fn text(self) -> Result<&'a str, ImportError> {
        std::str::from_utf8(self.bytes).map_err(|_| damaged(self.at, "a name is not text"))
    }

    /// Its whole numbers of variable length, packed one after the other.
    pub fn varints(self) -> impl Iterator<Item = Result<u64, ImportError>> {
        let mut rest = self;
        std::iter::from_fn(move || (!rest.bytes.is_empty()).then(|| rest.varint()))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], ImportError> {
        let at = self.at;
        let (own, rest) = self
            .bytes
            .split_at_checked(n)
            .ok_or_else(|| damaged(at, "a field is longer than what it lies in"))?;
        *self = Self { bytes: rest, at: at + n };
        Ok(own)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        Ok(self.take(N)?.try_into().expect("as many bytes"))
    }

    fn varint(&mut self) -> Result<u64, ImportError> {
        let (at, mut value) = (self.at, 0u64);
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 127);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(damaged(at, "a whole number has more than 64 bits"))
    }
}

/// Iterates over the fields of a message; ends after the first error.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: Message<'a>,
}

impl<'a> Fields<'a> {
    fn read(&mut self) -> Result<(u64, Wire<'a>), ImportError> {
        let rest = &mut self.rest;
        let at = rest.at;
        let tag = rest.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(rest.varint()?),
            1 => Wire::Fixed64(rest.array()?),
            2 => {
                let length = rest.varint()?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let at = rest.at;
                Wire::Bytes(Message { bytes: rest.take(length)?, at })
            }
            5 => Wire::Fixed32(rest.array()?),
            _ => return Err(damaged(at, "a field of a kind that protobuf has not")),
        };
        if tag >> 3 == 0 { Err(damaged(at, "a field without a number")) } else { Ok((tag >> 3, wire)) }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.bytes.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest.bytes = &[];
        }
        Some(field)
    }
}

impl<'a> Wire<'a> {
    /// A whole number with sign.
    pub fn number(self) -> Result<i64, ImportError> {
        match self {
            Self::Varint(v) => Ok(v as i64),
            _ => Err(damaged(0, "a field that should be a whole number is none")),
        }
    }

    /// A text, a message, or an array of bytes.
    pub fn bytes(self) -> Result<Message<'a>, ImportError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(damaged(0, "a field that should be a message or text is none")),
        }
    }

    /// One of a list of whole numbers, or several of them packed.
    pub fn add_numbers(self, list: &mut Vec<i64>) -> Result<(), ImportError> {
        match self {
            Self::Bytes(packed) => packed.varints().try_for_each(|v| {
                list.push(v? as i64);
                Ok(())
            }),
            other => {
                list.push(other.number()?);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, ImportError> {
        Message { bytes, at: 0 }.fields().collect()
    }

    #[test]
    fn every_kind_of_field() {
        let bytes = b"\x08\x96\x01\x11abcdefgh\x1a\x02hi\x25wxyz";
        let found = fields(bytes).unwrap();
        assert_eq!(found[0], (1, Wire::Varint(150)));
        assert_eq!(found[1], (2, Wire::Fixed64(*b"abcdefgh")));
        assert_eq!(found[2].1.bytes().unwrap().text().unwrap(), "hi");
        assert_eq!(found[3], (4, Wire::Fixed32(*b"wxyz")));
        let negative = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(fields(negative).unwrap()[0].1.number().unwrap(), -1);
        let (packed, mut list) = (b"\x0a\x03\x01\x96\x01", vec![]);
        fields(packed).unwrap()[0].1.add_numbers(&mut list).unwrap();
        assert_eq!(list, [1, 150]);
    }

    #[test]
    fn what_is_no_message_is_refused_at_its_place() {
        for (bytes, word) in [
            (&b"\x08"[..], "at byte 1"),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "more than 64 bits"),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "more than 64 bits"),
            (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "longer than what it lies in"),
            (b"\x12\x80\x80\x80\x80\x80\x80\x80\x08", "at byte 9"),
            (b"\x13", "protobuf has not"),
            (b"\x02\x00", "without a number"),
        ] {
            let e = fields(bytes).unwrap_err().to_string();
            assert!(e.contains(word), "{bytes:?}: {e}");
        }
    }
}
