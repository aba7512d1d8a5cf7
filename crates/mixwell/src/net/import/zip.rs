//! Zip archives whose entries are stored or deflated, read from memory.
//!
//! Layout: entries, each with a header of its own, then the central directory, then its end record (for large archives with a
//! 64-bit record before it). Reference: PKWARE, APPNOTE 6.3. Everything an entry says is checked against the file: its place, its
//! length, its checksum; entries may not overlap, so that together they cannot be more than the file.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Read;

use super::ImportError;
use super::limits::Budget;
use crate::io::excerpt;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Bytes of the end record without the comment, which is at most 65535 bytes long.
const END_BYTES: usize = 22;

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// Its name in the archive.
    pub(super) name: &'a str,
    method: u16,
    checksum: u32,
    stored: &'a [u8],
    size: u64,
}

/// The directory of an archive.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    entries: Vec<Entry<'a>>,
}

/// A number at a place, if the bytes reach so far.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn damaged(offset: usize, reason: impl Into<String>) -> ImportError {
    ImportError::Damaged { part: "the zip archive".into(), offset, reason: reason.into() }
}

/// Where the directory begins, and how many entries it has.
fn directory(bytes: &[u8]) -> Result<(usize, u64), ImportError> {
    let first = bytes.len().saturating_sub(END_BYTES + 65535);
    let last = bytes.len().checked_sub(END_BYTES);
    let end = last.and_then(|last| {
        let fits = |at: &usize| {
            u32_at(bytes, *at) == Some(END)
                && u16_at(bytes, at + 20).is_some_and(|n| at + END_BYTES + usize::from(n) == bytes.len())
        };
        (first..=last).rev().find(fits)
    });
    let end = end.ok_or_else(|| damaged(bytes.len(), "the record at the end is missing"))?;
    let cut = || damaged(end, "the record at the end is cut off");
    let small = (u32_at(bytes, end + 16).ok_or_else(cut)?, u16_at(bytes, end + 10).ok_or_else(cut)?);
    let locator = end.checked_sub(20).filter(|at| u32_at(bytes, *at) == Some(LOCATOR_64));
    if let Some(locator) = locator {
        let at = u64_at(bytes, locator + 8).and_then(|at| usize::try_from(at).ok()).ok_or_else(cut)?;
        let wrong = || damaged(locator, "the 64-bit record is not where it should be");
        if u32_at(bytes, at) != Some(END_64) {
            return Err(wrong());
        }
        let count = at.checked_add(32).and_then(|at| u64_at(bytes, at)).ok_or_else(wrong)?;
        let start = at.checked_add(48).and_then(|at| u64_at(bytes, at)).ok_or_else(wrong)?;
        return Ok((usize::try_from(start).map_err(|_| wrong())?, count));
    }
    Ok((small.0 as usize, small.1.into()))
}

/// Sizes and place of an entry, from its additional field where they need 64 bits: uncompressed, compressed, offset.
fn wide(mut extra: &[u8], values: [u32; 3]) -> Option<[u64; 3]> {
    let mut wide = values.map(u64::from);
    if values.contains(&u32::MAX) {
        let mut field = loop {
            let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
            let field = extra.get(4..4 + length)?;
            if id == 1 {
                break field;
            }
            extra = &extra[4 + length..];
        };
        for (value, short) in wide.iter_mut().zip(values) {
            if short == u32::MAX {
                *value = u64_at(field, 0)?;
                field = &field[8..];
            }
        }
    }
    Some(wide)
}

impl<'a> Archive<'a> {
    /// Reads the directory and checks every entry's place.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let (mut at, count) = directory(bytes)?;
        let (mut entries, mut names, mut total) = (vec![], HashSet::new(), 0u64);
        for _ in 0..count {
            let cut = || damaged(at, "the directory is cut off");
            if u32_at(bytes, at).ok_or_else(cut)? != CENTRAL {
                return Err(damaged(at, "the directory has fewer entries than it says"));
            }
            let header = bytes.get(at..at + 46).ok_or_else(cut)?;
            let short = |i| u16_at(header, i).expect("the header is that long");
            let long = |i| u32_at(header, i).expect("the header is that long");
            let lengths = [28, 30, 32].map(|i| usize::from(short(i)));
            let tail = bytes.get(at + 46..at + 46 + lengths.iter().sum::<usize>()).ok_or_else(cut)?;
            let (name, tail) = tail.split_at(lengths[0]);
            let name = std::str::from_utf8(name).map_err(|_| damaged(at, "a name is no UTF-8 text"))?;
            let sizes = wide(&tail[..lengths[1]], [long(24), long(20), long(42)]);
            let [size, compressed, offset] = sizes.ok_or_else(|| damaged(at, "a size is missing"))?;
            if short(8) & 1 == 1 {
                return Err(damaged(at, format!("`{}` is encrypted", excerpt(name))));
            }
            if !names.insert(name) {
                return Err(damaged(at, format!("there are two entries `{}`", excerpt(name))));
            }
            total = total.saturating_add(compressed).saturating_add(30 + lengths[0] as u64);
            if total > bytes.len() as u64 {
                return Err(damaged(at, "its entries together are larger than the file: they overlap"));
            }
            let stored = data(bytes, offset, compressed)
                .ok_or_else(|| damaged(at, format!("`{}` is not where it should be", excerpt(name))))?;
            entries.push(Entry { name, method: short(10), checksum: long(16), stored, size });
            at += 46 + lengths.iter().sum::<usize>();
        }
        Ok(Self { entries })
    }

    /// Its entries, in the order of the directory.
    pub(super) fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }
}

/// The bytes of an entry, after the header it has in its place.
fn data(bytes: &[u8], offset: u64, compressed: u64) -> Option<&[u8]> {
    let at = usize::try_from(offset).ok()?;
    if u32_at(bytes, at)? != LOCAL {
        return None;
    }
    let lengths = usize::from(u16_at(bytes, at + 26)?) + usize::from(u16_at(bytes, at + 28)?);
    let start = at.checked_add(30 + lengths)?;
    bytes.get(start..start.checked_add(usize::try_from(compressed).ok()?)?)
}

impl<'a> Entry<'a> {
    /// Its contents: those of the file itself where they are stored, inflated where they are deflated, within the budget.
    pub(super) fn contents(&self, inflated: &mut Budget) -> Result<Cow<'a, [u8]>, ImportError> {
        let wrong = |reason: String| ImportError::Damaged {
            part: format!("`{}` in the zip archive", excerpt(self.name)),
            offset: 0,
            reason,
        };
        let contents = match self.method {
            0 => Cow::Borrowed(self.stored),
            8 => {
                let mut out = vec![];
                let source = flate2::read::DeflateDecoder::new(self.stored);
                // What the entry says is no promise: memory grows with what really comes, to the bound and one byte.
                let most = inflated.left().min(self.size).saturating_add(1);
                source
                    .take(most)
                    .read_to_end(&mut out)
                    .map_err(|e| wrong(format!("it cannot be inflated ({e})")))?;
                if out.len() as u64 <= self.size || inflated.left() < self.size {
                    inflated.take(out.len() as u64)?;
                }
                Cow::Owned(out)
            }
            other => {
                return Err(wrong(format!("compression method {other} is not read; store or deflate it")));
            }
        };
        if contents.len() as u64 != self.size {
            return Err(wrong(format!("it holds other than the {} bytes it says", self.size)));
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(&contents);
        if checksum.sum() != self.checksum {
            return Err(wrong("its checksum is wrong: bytes have changed".into()));
        }
        Ok(contents)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;

    /// An archive of these entries, deflated or stored.
    pub fn archive(entries: &[(&str, &[u8])], deflated: bool) -> Vec<u8> {
        let (mut file, mut directory) = (vec![], vec![]);
        for (name, contents) in entries {
            let mut crc = flate2::Crc::new();
            crc.update(contents);
            let data = if deflated {
                let mut encoder = flate2::write::DeflateEncoder::new(vec![], flate2::Compression::default());
                encoder.write_all(contents).unwrap();
                encoder.finish().unwrap()
            } else {
                contents.to_vec()
            };
            let method = if deflated { 8u16 } else { 0 };
            let offset = file.len() as u32;
            let mut common = vec![20, 0, 0, 0];
            common.extend(method.to_le_bytes());
            common.extend([0; 4]);
            common.extend(crc.sum().to_le_bytes());
            common.extend((data.len() as u32).to_le_bytes());
            common.extend((contents.len() as u32).to_le_bytes());
            common.extend((name.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            file.extend(LOCAL.to_le_bytes());
            file.extend(&common);
            file.extend(name.as_bytes());
            file.extend(data);
            directory.extend(CENTRAL.to_le_bytes());
            directory.extend([20, 0]);
            directory.extend(&common);
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (start, count) = (file.len() as u32, entries.len() as u16);
        file.extend(&directory);
        file.extend(END.to_le_bytes());
        file.extend([0; 4]);
        file.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
        file.extend((directory.len() as u32).to_le_bytes());
        file.extend(start.to_le_bytes());
        file.extend([0, 0]);
        file
    }

    fn read(bytes: &[u8], most: u64) -> Result<Vec<(String, Vec<u8>)>, ImportError> {
        let archive = Archive::open(bytes)?;
        let mut budget = Budget::new("compressed entries", most);
        let one = |e: &Entry<'_>| Ok((e.name.to_string(), e.contents(&mut budget)?.into_owned()));
        archive.entries().iter().map(one).collect()
    }

    #[test]
    fn stored_and_deflated_entries_come_back() {
        let zeros = [0u8; 1000];
        for deflated in [false, true] {
            let bytes = archive(&[("a", b"hello"), ("b/c", &zeros), ("e", b"")], deflated);
            let all = read(&bytes, 2000).unwrap();
            assert_eq!(all[0], ("a".into(), b"hello".to_vec()));
            assert_eq!(all[1], ("b/c".into(), zeros.to_vec()));
            assert_eq!(all[2], ("e".into(), vec![]));
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_bound() {
        let bytes = archive(&[("a", &vec![0u8; 1 << 20])], true);
        assert!(bytes.len() < 2000);
        let e = read(&bytes, 1 << 16).unwrap_err();
        assert!(matches!(e, ImportError::Limit { most: 65536, .. }), "{e}");
        // One that says it is small.
        let mut lying = bytes.clone();
        let directory = lying.len() - END_BYTES - 47;
        lying[directory + 24..directory + 28].copy_from_slice(&100u32.to_le_bytes());
        assert!(read(&lying, 1 << 16).unwrap_err().to_string().contains("100 bytes"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let good = archive(&[("a", b"hello"), ("b", b"world")], false);
        let reason = |bytes: &[u8]| read(bytes, 100).unwrap_err().to_string();
        let place = good.windows(5).position(|w| w == b"hello").unwrap();
        let changed = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            bytes
        };
        assert!(reason(&changed(place, b'H')).contains("checksum"));
        assert!(reason(&archive(&[("a", b"x"), ("a", b"y")], false)).contains("two entries"));
        let directory = good.len() - END_BYTES - 2 * 47;
        assert!(reason(&changed(directory + 8, 1)).contains("encrypted"));
        assert!(reason(&changed(directory + 10, 12)).contains("method 12"));
        assert!(reason(&changed(directory + 42, 3)).contains("not where"));
        assert!(reason(&changed(directory + 20, 200)).contains("overlap"));
        assert!((0..good.len()).all(|end| read(&good[..end], 100).is_err()));
    }
}
