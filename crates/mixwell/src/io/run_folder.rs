//! The folder of a run: the files in it, and the lock that lets one process at a time write to it.
//!
//! ```text
//! config.toml           the config with every default written out
//! draws.zarr/           draws and statistics, see `DrawStore`
//! checkpoint/state.bin  how to go on; state.bin.previous is the one before
//! flow.safetensors      weights of the trained flow
//! curve.csv             of a training: what it measured, a row every so many updates
//! summary.json          estimates, diagnostics and the verdict
//! log.txt               what happened when
//! .lock                 held by the process that works in the folder
//! ```
//!
//! The lock is the operating system's, so it is released whenever the process ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{IoError, atomic, checkpoint, open};

const CONFIG: &str = "config.toml";
const DRAWS: &str = "draws.zarr";
const CHECKPOINT: &str = "checkpoint";
const STATE: &str = "checkpoint/state.bin";
const SUMMARY: &str = "summary.json";
const CURVE: &str = "curve.csv";
const LOCK: &str = ".lock";
const LOG: &str = "log.txt";
/// Bytes of a text of a run that are read; a summary has some hundred for each reported number.
const TEXT_BYTES: u64 = 1 << 30;

/// The folder of a run. Dropping it lets other processes in.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held while this process may write.
    _lock: Option<File>,
}

impl RunFolder {
    /// Prepares a folder for a new run: makes it and its parents, checks that it can be written to, and locks it.
    ///
    /// A folder that holds a run, or a part of one, is refused; other files in it are left alone. Write `config.toml` first.
    pub fn create(path: &Path) -> Result<Self, IoError> {
        // The config is what a caller writes first, so a process killed before that leaves no run.
        let parts = [CONFIG, DRAWS, STATE, SUMMARY];
        let refuse = || parts.iter().copied().find(|name| path.join(name).exists());
        if let Some(found) = refuse() {
            return Err(IoError::AlreadyARun { path: path.to_path_buf(), found });
        }
        let checkpoint = path.join(CHECKPOINT);
        fs::create_dir_all(path).map_err(IoError::file("create the folder", path))?;
        let lock = lock(path)?;
        // Looked at once more: another process may have begun between the first look and the lock.
        if let Some(found) = refuse() {
            return Err(IoError::AlreadyARun { path: path.to_path_buf(), found });
        }
        [CHECKPOINT, DRAWS, LOG].iter().try_for_each(|name| open::no_link(&path.join(name)))?;
        fs::create_dir_all(&checkpoint).map_err(IoError::file("create the folder", &checkpoint))?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// Opens the folder of a run to go on with it, and locks it.
    pub fn open(path: &Path) -> Result<Self, IoError> {
        let folder = Self::view(path)?;
        let lock = lock(path)?;
        Ok(Self { _lock: lock, ..folder })
    }

    /// Opens the folder of a run to look at it, also while another process works there.
    pub fn view(path: &Path) -> Result<Self, IoError> {
        if !path.is_dir() {
            let error =
                if path.exists() { std::io::ErrorKind::NotADirectory } else { std::io::ErrorKind::NotFound };
            return Err(IoError::file("open the run", path)(error.into()));
        }
        if !path.join(CONFIG).is_file() {
            return Err(IoError::NotARun { path: path.to_path_buf(), missing: CONFIG });
        }
        [CHECKPOINT, DRAWS, LOG].iter().try_for_each(|name| open::no_link(&path.join(name)))?;
        Ok(Self { path: path.to_path_buf(), _lock: None })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The resolved config.
    pub fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The draw store.
    pub fn draws(&self) -> PathBuf {
        self.path.join(DRAWS)
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(STATE)
    }

    /// Whether there is a checkpoint to go on from (a kill may have left only the previous one). Without one, a run that
    /// has a config starts again from its first draw.
    pub fn has_checkpoint(&self) -> bool {
        let path = self.checkpoint();
        path.exists() || checkpoint::previous(&path).exists()
    }

    /// The weights of the flow.
    pub fn flow(&self) -> PathBuf {
        self.path.join("flow.safetensors")
    }

    /// What a training measured.
    pub fn curve(&self) -> PathBuf {
        self.path.join(CURVE)
    }

    /// The summary.
    pub fn summary(&self) -> PathBuf {
        self.path.join(SUMMARY)
    }

    /// The log, open at its end.
    pub fn open_log(&self) -> Result<File, IoError> {
        open::writing(&self.path.join(LOG), true)
    }

    /// Deletes the draws of a run that has no checkpoint, so that it can start again from its first draw.
    pub fn clear_draws(&self) -> Result<(), IoError> {
        let path = self.draws();
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(IoError::file("delete", &path)(e)),
            _ => Ok(()),
        }
    }

    /// Reads a file of the run as text.
    pub fn read_text(&self, path: &Path) -> Result<String, IoError> {
        let bytes = open::read(path, TEXT_BYTES)?;
        let problem =
            |e| IoError::file("read", path)(std::io::Error::new(std::io::ErrorKind::InvalidData, e));
        String::from_utf8(bytes).map_err(problem)
    }
}

/// Bytes free on the disk that `path` lies or would lie on, for this user.
pub fn available_bytes(path: &Path) -> Result<u64, IoError> {
    let mut folder = path;
    while !folder.exists() {
        folder = atomic::parent(folder);
    }
    let problem = || IoError::file("find the free space of", folder);
    // Not a disk: `/proc` and the like have no room at all, and say what is wrong themselves.
    if fs4::total_space(folder).map_err(problem())? == 0 {
        return Err(problem()(std::io::ErrorKind::Unsupported.into()));
    }
    fs4::available_space(folder).map_err(problem())
}

/// Takes the lock of a folder and writes our process number into it, which also shows that the folder can be written to.
///
/// `None` on file systems without locks: work goes on, unguarded.
fn lock(folder: &Path) -> Result<Option<File>, IoError> {
    let path = folder.join(LOCK);
    let mut file = open::writing(&path, false).map_err(|e| match e {
        IoError::File { source, .. } => IoError::file("write to the folder", folder)(source),
        other => other,
    })?;
    match file.try_lock() {
        Ok(()) => {
            let pid = std::process::id().to_string();
            file.set_len(0)
                .and_then(|()| file.write_all(pid.as_bytes()))
                .map_err(IoError::file("write", &path))?;
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file.take(20).read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            Err(IoError::Locked { path: folder.to_path_buf(), pid })
        }
        Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(e)) => Err(IoError::file("lock", &path)(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::atomic_write;

    #[test]
    fn a_run_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/a");
        let run = RunFolder::create(&path).unwrap();
        atomic_write(&run.config(), b"seed = 1").unwrap();
        drop(run);
        let text = RunFolder::create(&path).unwrap_err().to_string();
        assert!(
            text.contains("mixwell resume") && text.contains("--out") && text.contains("config.toml"),
            "{text}"
        );
        assert_eq!(fs::read(path.join("config.toml")).unwrap(), b"seed = 1");
        let run = RunFolder::open(&path).unwrap();
        assert_eq!(run.read_text(&run.config()).unwrap(), "seed = 1");
        run.open_log().unwrap().write_all(b"one\n").unwrap();
        run.open_log().unwrap().write_all(b"two\n").unwrap();
        assert_eq!(run.read_text(&path.join("log.txt")).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn other_files_do_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let run = RunFolder::create(folder.path()).unwrap();
        assert!(run.checkpoint().parent().unwrap().is_dir());
    }

    #[test]
    fn one_process_at_a_time_and_the_lock_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap();
        atomic_write(&run.config(), b"").unwrap();
        // Locks belong to the open file, so a second opening in this process is kept out like another process.
        match RunFolder::open(folder.path()) {
            Err(IoError::Locked { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        RunFolder::view(folder.path()).unwrap();
        drop(run);
        // The file `.lock` is still there, as after a kill.
        assert!(folder.path().join(".lock").exists());
        RunFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn what_is_no_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(RunFolder::open(folder.path()), Err(IoError::NotARun { .. })));
        let missing = RunFolder::open(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("none") && missing.contains("check the path"), "{missing}");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(RunFolder::open(&file).is_err());
        let below = RunFolder::create(&file.join("run")).unwrap_err().to_string();
        assert!(below.contains("cannot create the folder") && below.contains("--out"), "{below}");
    }

    #[test]
    fn free_space_of_a_folder_to_be() {
        let folder = tempfile::tempdir().unwrap();
        assert!(available_bytes(&folder.path().join("not/yet")).unwrap() > 0);
        assert!(available_bytes(Path::new("relative/not/yet")).unwrap() > 0);
    }

    #[cfg(unix)]
    #[test]
    fn an_unwritable_folder_is_noticed_before_the_run() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("closed");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).unwrap();
        if fs::write(path.join("probe"), "").is_ok() {
            eprintln!("skipped: permissions do not bind this user");
            return;
        }
        let text = RunFolder::create(&path).unwrap_err().to_string();
        assert!(text.contains("closed") && text.contains("--out"), "{text}");
    }
}
