//! Reads text files up to a size limit, so that an endless device or a file given by mistake cannot exhaust memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest configuration file that is read: 16 MiB.
pub const CONFIG_BYTES: u64 = 16 << 20;
/// Largest table or document of data that is read: 1 GiB.
pub const DATA_BYTES: u64 = 1 << 30;

/// The text of a file (or pipe) of at most `most` bytes.
///
/// # Errors
/// When it cannot be read, is no UTF-8, or is larger; the message says the bound.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read_bytes(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// The bytes of a file (or pipe), at most `most`.
///
/// # Errors
/// When it cannot be read, or is larger; the message says the bound.
pub fn read_bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large(most));
    }
    Ok(bytes)
}

/// The error of a file that is larger than `most` bytes.
pub(super) fn too_large(most: u64) -> io::Error {
    let reason = format!("it is larger than {} MiB, the most that is read", most >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_the_bound_is_refused_with_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read_text(&path, 3).unwrap(), "abc");
        assert!(read_text(&path, 2).unwrap_err().to_string().contains("the most that is read"));
        std::fs::write(&path, b"\xff").unwrap();
        assert!(read_text(&path, 3).unwrap_err().to_string().contains("UTF-8"));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_end_is_refused() {
        let error = read_text(Path::new("/dev/zero"), CONFIG_BYTES).unwrap_err();
        assert!(error.to_string().contains("16 MiB"), "{error}");
    }
}
