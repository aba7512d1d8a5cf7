//! `curve.csv`: what a training measured, a row every so many updates.
//!
//! Rows are appended as they are made. A checkpoint names how many bytes were there; whoever goes on from it cuts off what was
//! written later, so that a killed training leaves the same rows as one that was left alone. A number that was not measured, or
//! is not finite, is an empty field.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{IoError, open};

/// Bytes of a curve that are read: millions of rows.
const MOST_BYTES: u64 = 1 << 30;

/// A curve that is being written.
#[derive(Debug)]
pub struct CurveFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl CurveFile {
    /// Begins a curve with these columns.
    ///
    /// # Errors
    /// When the file cannot be written, or is a link.
    pub fn create(path: &Path, columns: &[String]) -> Result<Self, IoError> {
        let mut curve = Self::cut(path, 0)?;
        curve.line(&columns.join(","))?;
        Ok(curve)
    }

    /// Goes on with a curve of which so many bytes belong to the checkpoint.
    ///
    /// # Errors
    /// When it is shorter, cannot be written, or is a link.
    pub fn resume(path: &Path, bytes: u64) -> Result<Self, IoError> {
        let found = std::fs::symlink_metadata(path).map_err(IoError::file("read", path))?.len();
        if found < bytes {
            let reason = format!("it has {found} bytes, and the checkpoint speaks of {bytes}");
            return Err(IoError::State { path: path.into(), reason });
        }
        Self::cut(path, bytes)
    }

    fn cut(path: &Path, bytes: u64) -> Result<Self, IoError> {
        let mut file = open::writing(path, false)?;
        file.set_len(bytes)
            .and_then(|()| file.seek(SeekFrom::Start(bytes)))
            .map_err(IoError::file("write", path))?;
        Ok(Self { path: path.to_path_buf(), file, bytes })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, row: &[f64]) -> Result<(), IoError> {
        let field = |x: &f64| if x.is_finite() { x.to_string() } else { String::new() };
        self.line(&row.iter().map(field).collect::<Vec<_>>().join(","))
    }

    fn line(&mut self, text: &str) -> Result<(), IoError> {
        let line = format!("{text}\n");
        self.file.write_all(line.as_bytes()).map_err(IoError::file("write", &self.path))?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Waits until all rows are on the disk; gives their bytes, for a checkpoint.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> Result<u64, IoError> {
        self.file.sync_all().map_err(IoError::file("write", &self.path))?;
        Ok(self.bytes)
    }
}

/// A curve that was written: the names of its columns, and its rows; NaN where nothing was measured.
///
/// # Errors
/// When it cannot be read or is not a curve.
pub fn read_curve(path: &Path) -> Result<(Vec<String>, Vec<Vec<f64>>), IoError> {
    let bytes = open::read(path, MOST_BYTES)?;
    let damaged = |reason: String| IoError::State { path: path.into(), reason };
    let text = String::from_utf8(bytes).map_err(|e| damaged(e.to_string()))?;
    let mut lines = text.lines();
    let columns: Vec<String> = lines.next().unwrap_or_default().split(',').map(String::from).collect();
    let field = |f: &str| if f.is_empty() { Some(f64::NAN) } else { f.parse().ok() };
    let mut rows = vec![];
    for (i, line) in lines.enumerate() {
        let row: Option<Vec<f64>> = line.split(',').map(field).collect();
        match row.filter(|row| row.len() == columns.len()) {
            Some(row) => rows.push(row),
            None => return Err(damaged(format!("line {} is no row of numbers", i + 2))),
        }
    }
    Ok((columns, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_the_checkpoint_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curve.csv");
        let mut curve = CurveFile::create(&path, &["step".into(), "loss".into()]).unwrap();
        curve.append(&[1.0, 0.5]).unwrap();
        let bytes = curve.sync().unwrap();
        curve.append(&[2.0, f64::NAN]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        drop(curve);
        let mut curve = CurveFile::resume(&path, bytes).unwrap();
        curve.append(&[2.0, f64::NAN]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        let (columns, rows) = read_curve(&path).unwrap();
        assert_eq!(columns, ["step", "loss"]);
        assert!(rows[0] == [1.0, 0.5] && rows[1][0] == 2.0 && rows[1][1].is_nan());
        assert!(CurveFile::resume(&path, 1000).unwrap_err().to_string().contains("curve.csv"));
        std::fs::write(&path, "step,loss\n1,x\n").unwrap();
        assert!(read_curve(&path).unwrap_err().to_string().contains("line 2"));
    }
}
