//! Files that may be compressed, by gzip or xz.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use super::ImageError;

/// Memory that the decoder of xz may take for its dictionary, in KiB: twice what the strongest setting of the usual program asks for. A file
/// says itself how much it wants, and could say 4 GiB.
const XZ_MEMORY: u32 = 128 << 10;

/// The contents, decompressed where they are compressed, up to a bound.
///
/// Memory grows with what really comes out, so a small file that would become a large one costs no more than the bound.
pub(super) fn contents<'a>(path: &Path, bytes: &'a [u8], most: u64) -> Result<Cow<'a, [u8]>, ImageError> {
    match bytes {
        [0x1f, 0x8b, ..] => unpacked(path, flate2::bufread::MultiGzDecoder::new(bytes), most),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            unpacked(path, lzma_rust2::XzReader::new_mem_limit(bytes, true, XZ_MEMORY), most)
        }
        _ => Ok(Cow::Borrowed(bytes)),
    }
}

fn unpacked<'a>(path: &Path, source: impl Read, most: u64) -> Result<Cow<'a, [u8]>, ImageError> {
    let mut out = vec![];
    let read = source.take(most.saturating_add(1)).read_to_end(&mut out);
    if out.len() as u64 > most {
        return Err(ImageError::Limit { path: path.into(), bytes: out.len() as u64, most });
    }
    match read {
        Ok(_) => Ok(Cow::Owned(out)),
        Err(e) => {
            let reason = format!("it cannot be decompressed ({e})");
            Err(ImageError::Damaged { path: path.into(), offset: out.len() as u64, reason })
        }
    }
}
