//! Files that may be compressed by gzip.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use super::ImageError;

/// The contents, decompressed where they are compressed, up to a bound.
///
/// Memory grows with what really comes out, so a small file that would become a large one costs no more than the bound.
pub(super) fn contents<'a>(path: &Path, bytes: &'a [u8], most: u64) -> Result<Cow<'a, [u8]>, ImageError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = vec![];
    let source = flate2::bufread::MultiGzDecoder::new(bytes);
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
