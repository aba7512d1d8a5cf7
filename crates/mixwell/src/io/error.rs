//! What can go wrong with files: each error says what was done to which path, why it failed, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the run folder or the draw store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// The operating system refused an operation on a file or folder.
    #[error("cannot {operation} `{path}`: {source}; {}", advice(.source.kind()))]
    File {
        /// What was tried, as a verb: "write", "read", "create the folder".
        operation: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A new run was asked for in a folder that already holds one.
    #[error(
        "`{path}` already holds a run (it has a {found}); continue it with `mixwell resume {path}`, or choose another folder with --out"
    )]
    AlreadyARun {
        /// The folder.
        path: PathBuf,
        /// Which file or folder of a run was found.
        found: &'static str,
    },
    /// A folder was opened that holds no run.
    #[error(
        "`{path}` is not the folder of a run: it has no {missing}; check the path, or start a run there with `mixwell run`"
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What a run folder would have.
        missing: &'static str,
    },
    /// Another process works in the folder.
    #[error("another process is working in `{path}`{}; wait until it has finished or stop it", pid.map(|p| format!(" (process {p})")).unwrap_or_default())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The other process, where it could be read.
        pid: Option<u32>,
    },
    /// A chunk of draws is missing or damaged.
    #[error(
        "chunk {chunk} of `{array}` (draws {first} to {last}) {reason}: `{path}`; restore the file from a copy, or make the run again: the same config and seed give the same draws"
    )]
    Chunk {
        /// Group and variable, e.g. `posterior/theta`.
        array: String,
        /// Index of the chunk along the draws.
        chunk: u64,
        /// First draw in it.
        first: u64,
        /// Last draw in it.
        last: u64,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The description of an array or group is damaged or not one of ours.
    #[error(
        "`{path}` does not describe draws as expected: {reason}; restore it from a copy, or make the run again"
    )]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A group, variable or element was asked for that is not in the store.
    #[error("there is no {what} in `{path}`; it has {has}")]
    Missing {
        /// What was asked for.
        what: String,
        /// The store or group.
        path: PathBuf,
        /// What there is instead.
        has: String,
    },
    /// A file of a run is a link, a folder or a device: following it would read or write what is not part of the run.
    #[error(
        "`{path}` is {found} and not a file of its own, so it is not used; remove it, or work with a copy of the run"
    )]
    NotPlain {
        /// The path.
        path: PathBuf,
        /// What was found there.
        found: &'static str,
    },
    /// A file has more bytes than such a file can need.
    #[error(
        "`{path}` has {size} bytes and at most {most} are read; restore it from a copy, or make the run again"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// Bytes that are read at most.
        most: u64,
    },
    /// A file of a finished run is not as the run left it.
    #[error(
        "`{path}` is damaged, or not the file that the run left: {reason}; restore it from a copy, or let `mixwell resume {run}` make it again"
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// How it differs.
        reason: String,
        /// The folder of the run.
        run: PathBuf,
    },
    /// Variables or statistics that cannot be stored together.
    #[error("the draws cannot be stored: {0}")]
    Schema(String),
    /// The state handed to a resumed store does not fit the draws it is asked to store.
    #[error("the checkpoint does not fit the draws in `{path}`: {reason}; was it made by another run?")]
    State {
        /// The store.
        path: PathBuf,
        /// How it differs.
        reason: String,
    },
}

impl IoError {
    /// Whether another path or another folder would mend it. If not, the machine failed: a full disk, a limit, a broken device.
    pub fn is_input(&self) -> bool {
        use io::ErrorKind as Kind;
        let Self::File { source, .. } = self else { return true };
        matches!(
            source.kind(),
            Kind::NotFound
                | Kind::PermissionDenied
                | Kind::ReadOnlyFilesystem
                | Kind::NotADirectory
                | Kind::IsADirectory
                | Kind::AlreadyExists
                | Kind::InvalidInput
                | Kind::InvalidData
                | Kind::InvalidFilename
        )
    }

    /// Wraps an error of the operating system: `.map_err(IoError::file("write", path))`.
    pub fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { operation, path: path.to_path_buf(), source }
    }
}

/// The beginning of a text that comes from a file, for a message that quotes it: whoever made the file chose its length.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}.. ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// What a user can do about an error of the operating system.
fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on the disk; a run that was under way goes on from its last checkpoint with `mixwell resume`"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "change its permissions, or choose another folder with --out"
        }
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::NotADirectory => "a part of the path is a file; choose another folder with --out",
        io::ErrorKind::AlreadyExists => "a file is in the way; choose another folder with --out",
        io::ErrorKind::IsADirectory => "a file is expected there, not a folder",
        _ => "check the disk and the path",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_called_by_its_name() {
        let e = IoError::file("write", Path::new("runs/a/draws.zarr"))(io::ErrorKind::StorageFull.into());
        let text = e.to_string();
        assert!(text.starts_with("cannot write `runs/a/draws.zarr`: "), "{text}");
        assert!(text.contains("make room on the disk") && text.contains("mixwell resume"), "{text}");
    }
}
