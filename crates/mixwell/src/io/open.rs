//! Opens files in a folder that is not trusted: never through a link, never a device or a pipe, and never beyond a size limit.
//!
//! The path is inspected, the file is opened, and the open file must be the one that was inspected. Nothing is truncated or written
//! before that. New files are created with `create_new`, which does not follow links either.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::IoError;

/// The whole of a file, which must have at most `most` bytes.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, IoError> {
    let (mut file, size) = reading(path)?;
    if size > most {
        return Err(IoError::TooLarge { path: path.to_path_buf(), size, most });
    }
    let problem = || IoError::file("read", path);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size as usize).map_err(|_| problem()(io::ErrorKind::OutOfMemory.into()))?;
    // A file may grow while it is read.
    (&mut file).take(most).read_to_end(&mut bytes).map_err(problem())?;
    Ok(bytes)
}

/// Opens a file to read it; also gives its size.
pub(super) fn reading(path: &Path) -> Result<(File, u64), IoError> {
    let problem = || IoError::file("read", path);
    let seen = std::fs::symlink_metadata(path).map_err(problem())?;
    plain(path, &seen)?;
    let file = File::open(path).map_err(problem())?;
    let opened = file.metadata().map_err(problem())?;
    same(path, &seen, &opened)?;
    Ok((file, opened.len()))
}

/// Opens a file to write to it as it is, and makes it if it is not there. `append` puts what is written at its end.
pub(super) fn writing(path: &Path, append: bool) -> Result<File, IoError> {
    let problem = || IoError::file("write", path);
    let mut options = OpenOptions::new();
    if append {
        options.append(true)
    } else {
        options.write(true)
    };
    options.read(!append);
    let seen = match std::fs::symlink_metadata(path) {
        Ok(seen) => seen,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return options.create_new(true).open(path).map_err(problem());
        }
        Err(e) => return Err(problem()(e)),
    };
    plain(path, &seen)?;
    let file = options.open(path).map_err(problem())?;
    let opened = file.metadata().map_err(problem())?;
    same(path, &seen, &opened)?;
    if names(&opened) > 1 {
        return Err(IoError::NotPlain {
            path: path.to_path_buf(),
            found: "a file that has another name, too",
        });
    }
    Ok(file)
}

/// Refuses a folder of a run that is a link to somewhere else. One that is not there passes.
pub(super) fn no_link(path: &Path) -> Result<(), IoError> {
    match std::fs::symlink_metadata(path) {
        Ok(seen) if seen.is_symlink() => Err(IoError::NotPlain { path: path.to_path_buf(), found: "a link" }),
        _ => Ok(()),
    }
}

fn plain(path: &Path, seen: &Metadata) -> Result<(), IoError> {
    let found = match seen.file_type() {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_symlink() => "a link",
        kind if kind.is_dir() => "a folder",
        _ => "a device or a pipe",
    };
    Err(IoError::NotPlain { path: path.to_path_buf(), found })
}

#[cfg(unix)]
fn same(path: &Path, seen: &Metadata, opened: &Metadata) -> Result<(), IoError> {
    use std::os::unix::fs::MetadataExt;
    if (seen.dev(), seen.ino()) == (opened.dev(), opened.ino()) {
        return Ok(());
    }
    Err(IoError::NotPlain { path: path.to_path_buf(), found: "another file at every look" })
}

#[cfg(not(unix))]
fn same(path: &Path, _: &Metadata, opened: &Metadata) -> Result<(), IoError> {
    plain(path, opened)
}

/// How many names a file has.
#[cfg(unix)]
fn names(opened: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(opened)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_devices_and_folders_are_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        std::fs::write(&outside, "mine").unwrap();
        let (link, hard) = (folder.path().join("link"), folder.path().join("hard"));
        symlink(&outside, &link).unwrap();
        std::fs::hard_link(&outside, &hard).unwrap();
        for append in [true, false] {
            assert!(writing(&link, append).unwrap_err().to_string().contains("is a link"));
            assert!(writing(&hard, append).unwrap_err().to_string().contains("another name"));
            assert!(writing(Path::new("/dev/null"), append).is_err());
        }
        assert!(read(&link, 100).unwrap_err().to_string().contains("is a link"));
        assert!(read(Path::new("/dev/zero"), 100).unwrap_err().to_string().contains("a device"));
        assert!(read(folder.path(), 100).unwrap_err().to_string().contains("a folder"));
        assert_eq!(std::fs::read(&outside).unwrap(), b"mine");
    }

    #[test]
    fn too_much_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let e = read(&path, 1 << 20).unwrap_err().to_string();
        assert!(e.contains("large") && e.contains("1099511627776"), "{e}");
        std::fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
    }
}
