//! Errors in a table, with their place.

use std::io;
use std::path::PathBuf;

use crate::error::excerpt;

/// Why a table cannot be used. Lines are counted from 1, as editors do; columns from 0, as settings do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be read.
    #[error("cannot read the table `{path}`: {source}; check the path and its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are no rows.
    #[error("the table `{path}` has no rows of data")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It, or a line of it, is larger than what is read.
    #[error("the table `{path}` is too large: {what}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large, and the bound.
        what: String,
    },
    /// A line is not UTF-8, or holds a NUL byte as UTF-16 does.
    #[error("line {line} of the table `{path}` is not text; save the file as UTF-8")]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// A quoted field does not end.
    #[error("line {line} of the table `{path}` opens a quote and does not close it")]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// Rows differ in length.
    #[error(
        "line {line} of the table `{path}` has {found} columns, but line {first} has {expected}; check for a missing or unquoted field"
    )]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// Its columns.
        found: usize,
        /// The columns there should be.
        expected: usize,
        /// The line that says so.
        first: usize,
    },
    /// A cell is not a finite number.
    #[error("line {line}, column {column}{} (the first is 0) of the table `{path}` {}", .name.as_ref().map(|n| format!(" `{}`", excerpt(n))).unwrap_or_default(), problem.describe(.text))]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column, from 0.
        column: usize,
        /// Its name, if the table has a header.
        name: Option<String>,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        problem: CellProblem,
    },
    /// A column was asked for that the table does not have.
    #[error("the table `{path}` has no column {wanted}; it has {has}")]
    NoSuchColumn {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
        /// What there is.
        has: String,
    },
}

/// What is wrong with a cell that should be a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellProblem {
    /// It is empty.
    Missing,
    /// It is some other text.
    NotANumber,
    /// It is NaN or infinite.
    NotFinite,
}

impl CellProblem {
    fn describe(self, text: &str) -> String {
        match self {
            Self::Missing => "is empty; remove the row or fill in a number".to_owned(),
            Self::NotANumber => format!("is `{}`, which is not a number", excerpt(text)),
            Self::NotFinite => format!("is `{}`; remove the row or fill in a finite number", excerpt(text)),
        }
    }
}
