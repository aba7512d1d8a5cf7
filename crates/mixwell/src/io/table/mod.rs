//! Tables of text: CSV and its relatives, read strictly, with every problem placed by line and column.
//!
//! The separator (comma, semicolon, tab or blanks) and the header are found out unless they are given. `#` starts a
//! comment line. A field may stand in double quotes, in which `""` is a quote; it ends on its line.
//! A table that is ragged, or that has text, nothing, NaN or an infinity where numbers are asked for, is refused.

mod error;
mod fields;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

pub use error::{CellProblem, TableError};
use fields::{Separator, split};

use super::bounded::{DATA_BYTES, too_large};
use crate::Points;
use crate::error::{excerpt, excerpts};

/// Longest line that is read: 16 MiB.
const LINE_BYTES: u64 = 16 << 20;

/// How a table is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// What stands between fields; a blank means any run of blanks and tabs. Found out from the first line if `None`.
    pub separator: Option<char>,
    /// Whether the first line names the columns. If `None`: yes when no field of it is a number and some of the next line is.
    pub header: Option<bool>,
    /// What a line to be skipped begins with.
    pub comment: Option<char>,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { separator: None, header: None, comment: Some('#') }
    }
}

/// Which column is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// By place, the first being 0.
    Index(usize),
    /// By name in the header.
    Name(String),
}

impl From<usize> for Column {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// A table whose cells are still text: rows of equal length.
#[derive(Clone, Debug)]
pub struct TextTable {
    path: PathBuf,
    header: Option<Vec<String>>,
    n_columns: usize,
    /// All cells one after another, and where each ends.
    text: String,
    ends: Vec<usize>,
    /// Line of each row in the file, from 1.
    lines: Vec<usize>,
}

/// Reads a table from a file.
pub fn read_table(path: &Path, options: &TableOptions) -> Result<TextTable, TableError> {
    let unreadable = |source| TableError::Unreadable { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    if metadata.len() > DATA_BYTES {
        return Err(TableError::TooLarge { path: path.into(), what: too_large(DATA_BYTES).to_string() });
    }
    parse_table(path, BufReader::new(file), options)
}

/// Reads a table from anything that gives lines; `path` is only what errors call it.
///
/// No more than [`DATA_BYTES`] are read, and no line longer than 16 MiB.
pub fn parse_table(
    path: &Path,
    mut source: impl BufRead,
    options: &TableOptions,
) -> Result<TextTable, TableError> {
    let mut table = TextTable {
        path: path.to_path_buf(),
        header: None,
        n_columns: 0,
        text: String::new(),
        ends: vec![],
        lines: vec![],
    };
    let mut separator = None;
    let (mut bytes, mut line, mut total) = (vec![], 0, 0);
    loop {
        bytes.clear();
        let read = source.by_ref().take(LINE_BYTES + 1).read_until(b'\n', &mut bytes);
        let read = read.map_err(|source| TableError::Unreadable { path: path.to_path_buf(), source })? as u64;
        if read == 0 {
            break;
        }
        line += 1;
        total += read;
        if read > LINE_BYTES {
            let what = format!("line {line} is longer than {} MiB", LINE_BYTES >> 20);
            return Err(TableError::TooLarge { path: path.into(), what });
        }
        if total > DATA_BYTES {
            return Err(TableError::TooLarge { path: path.into(), what: too_large(DATA_BYTES).to_string() });
        }
        let text = std::str::from_utf8(&bytes).ok().filter(|_| !bytes.contains(&0));
        let text = text.ok_or_else(|| TableError::NotText { path: path.to_path_buf(), line })?;
        let text = if line == 1 { text.trim_start_matches('\u{feff}') } else { text };
        let text = text.trim_end_matches(['\n', '\r']);
        let comment = options.comment.is_some_and(|c| text.trim_start().starts_with(c));
        if text.trim().is_empty() || comment {
            continue;
        }
        let separator = *separator.get_or_insert_with(|| Separator::choose(options.separator, text));
        let before = table.ends.len();
        let (cells, ends) = (&mut table.text, &mut table.ends);
        let whole = split(text, separator, |cell| {
            cells.push_str(cell);
            ends.push(cells.len());
        });
        if !whole {
            return Err(TableError::OpenQuote { path: path.to_path_buf(), line });
        }
        let found = table.ends.len() - before;
        if table.lines.is_empty() {
            table.n_columns = found;
        } else if found != table.n_columns {
            let (expected, first) = (table.n_columns, table.lines[0]);
            return Err(TableError::Ragged { path: path.to_path_buf(), line, found, expected, first });
        }
        table.lines.push(line);
    }
    if options.header.unwrap_or_else(|| table.seems_to_have_header()) {
        table.take_header();
    }
    if table.lines.is_empty() {
        return Err(TableError::Empty { path: table.path });
    }
    Ok(table)
}

impl TextTable {
    /// Number of rows, not counting the header.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Names of the columns, if the table has a header.
    pub fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// The text of a cell.
    ///
    /// # Panics
    /// If the row or column does not exist.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        assert!(column < self.n_columns, "column {column} of {}", self.n_columns);
        let i = row * self.n_columns + column;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start..self.ends[i]]
    }

    /// The place of a column.
    pub fn index(&self, column: &Column) -> Result<usize, TableError> {
        let found = match column {
            Column::Index(index) => Some(*index).filter(|&i| i < self.n_columns),
            Column::Name(name) => self.header.as_ref().and_then(|names| names.iter().position(|n| n == name)),
        };
        found.ok_or_else(|| TableError::NoSuchColumn {
            path: self.path.clone(),
            wanted: match column {
                Column::Index(index) => format!("number {index} (the first is 0)"),
                Column::Name(name) => format!("`{}`", excerpt(name)),
            },
            has: match &self.header {
                Some(names) => format!("the columns {}", excerpts(names)),
                None => format!("{} columns and no header", self.n_columns),
            },
        })
    }

    /// A column as text, e.g. class labels.
    pub fn column(&self, column: impl Into<Column>) -> Result<Vec<&str>, TableError> {
        let index = self.index(&column.into())?;
        Ok((0..self.n_rows()).map(|row| self.cell(row, index)).collect())
    }

    /// A column as finite numbers.
    pub fn numbers(&self, column: impl Into<Column>) -> Result<Vec<f64>, TableError> {
        let index = self.index(&column.into())?;
        (0..self.n_rows()).map(|row| self.number(row, index)).collect()
    }

    /// Columns, by place and in this order, as finite numbers: `n_rows x columns.len()`.
    pub fn numeric(&self, columns: &[usize]) -> Result<Points, TableError> {
        columns.iter().try_for_each(|&c| self.index(&Column::Index(c)).map(|_| ()))?;
        let mut points = Points::zeros(self.n_rows(), columns.len());
        for row in 0..self.n_rows() {
            for (out, &column) in points.row_mut(row).iter_mut().zip(columns) {
                *out = self.number(row, column)?;
            }
        }
        Ok(points)
    }

    fn number(&self, row: usize, column: usize) -> Result<f64, TableError> {
        let text = self.cell(row, column);
        let problem = match text.parse::<f64>() {
            Ok(value) if value.is_finite() => return Ok(value),
            Ok(_) => CellProblem::NotFinite,
            Err(_) if text.is_empty() => CellProblem::Missing,
            Err(_) => CellProblem::NotANumber,
        };
        Err(TableError::Cell {
            path: self.path.clone(),
            line: self.lines[row],
            column,
            name: self.header.as_ref().map(|names| names[column].clone()),
            text: text.to_owned(),
            problem,
        })
    }

    fn seems_to_have_header(&self) -> bool {
        let number = |row, column| self.cell(row, column).parse::<f64>().is_ok();
        let columns = 0..self.n_columns;
        self.n_rows() >= 2
            && !columns.clone().any(|c| number(0, c))
            && columns.into_iter().any(|c| number(1, c))
    }

    fn take_header(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        self.header = Some((0..self.n_columns).map(|c| self.cell(0, c).to_owned()).collect());
        self.lines.remove(0);
        let end = self.ends[self.n_columns - 1];
        self.text.drain(..end);
        self.ends.drain(..self.n_columns);
        self.ends.iter_mut().for_each(|e| *e -= end);
    }
}

#[cfg(test)]
mod tests;
