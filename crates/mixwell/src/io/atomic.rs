//! Files that are whole or absent: bytes go to a temporary name in the same folder, which is then renamed.
//!
//! A process killed at any moment leaves either the old file or the new one. [`atomic_write`] also makes the new one
//! survive a power cut (it waits for the disk); [`replace`] does not wait, for files that can be made again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::IoError;

/// Ending of temporary names; a file that has it is the rest of an interrupted write and can be deleted.
pub(super) const TEMPORARY: &str = ".tmp";

/// Replaces the file at `path` by `bytes`, all or nothing, and waits until they are on the disk.
pub fn atomic_write(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    write_then_rename(path, bytes, true).map_err(IoError::file("write", path))?;
    sync_folder(parent(path))
}

/// Replaces the file at `path` by `bytes`, all or nothing, without waiting for the disk.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    write_then_rename(path, bytes, false).map_err(IoError::file("write", path))
}

fn write_then_rename(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let temporary = temporary_name(path)?;
    // Made new, so that no link of this name is followed; the rest of an interrupted write is in the way.
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let written = File::create_new(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        if sync { file.sync_all() } else { Ok(()) }
    });
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // What matters is the first error; a rest that cannot be deleted either does no harm.
        let _ = fs::remove_file(&temporary);
    }
    renamed
}

/// Waits until the contents of a file that was written earlier are on the disk.
pub(super) fn sync_file(path: &Path) -> Result<(), IoError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(IoError::file("write", path))
}

/// Waits until the names in a folder are on the disk. Only Unix lets a program ask for it.
pub(super) fn sync_folder(path: &Path) -> Result<(), IoError> {
    if cfg!(unix) { sync_file(path) } else { Ok(()) }
}

/// The folder a file lies in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(TEMPORARY);
    Ok(path.with_file_name(temporary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_no_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        atomic_write(&path, b"one").unwrap();
        atomic_write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_the_temporary_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        for name in [".summary.json.tmp", "summary.json"] {
            std::os::unix::fs::symlink(&outside, folder.path().join(name)).unwrap();
        }
        atomic_write(&folder.path().join("summary.json"), b"{}").unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"mine");
        assert_eq!(fs::read(folder.path().join("summary.json")).unwrap(), b"{}");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let e = atomic_write(&folder.path().join("no/such.json"), b"x").unwrap_err();
        assert!(e.to_string().contains("such.json") && e.to_string().contains("check the path"), "{e}");
    }
}
