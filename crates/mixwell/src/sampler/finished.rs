//! The results of a finished run, read back: the summary is believed only when all it speaks of is there and as it was.

use super::RunError;
use super::summary::Summary;
use crate::io::{IoError, RunFolder, StoreContents};

/// Reads the summary of a finished run, after comparing it and every chunk of draws with what the run left.
///
/// # Errors
/// Names the file that is missing, damaged, exchanged, or a link.
pub fn read_summary(folder: &RunFolder) -> Result<Summary, RunError> {
    Ok(verified(folder)?.0)
}

/// The summary, and what the draws are known to be; `None` for a run of an earlier version.
pub(super) fn verified(folder: &RunFolder) -> Result<(Summary, Option<StoreContents>), RunError> {
    let path = folder.summary();
    let text = folder.read_text(&path)?;
    let summary = Summary::from_json(&text).map_err(|e| IoError::Changed {
        path,
        reason: crate::io::excerpt(&e.to_string()),
        run: folder.path().to_path_buf(),
    })?;
    Ok((summary, folder.verify_finished()?))
}
