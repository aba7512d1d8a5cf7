//! Loads what targets learn from: tables and JSON documents from files.
//!
//! In a column without a single number every word is a class: 0, 1, .. in alphabetical order, and the table says which is which.

use std::collections::BTreeMap;
use std::path::Path;

use super::bounded::{DATA_BYTES, read_text};
use super::{CellProblem, TableError, TableOptions, TextTable, read_table};
use crate::density::{DataLoader, Table, TargetError};

/// Reads data from files of at most 1 GiB; relative paths are those of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct DataFiles;

impl DataLoader for DataFiles {
    fn table(&self, path: &str, header: Option<bool>) -> Result<Table, TargetError> {
        let refuse = |e: TableError| TargetError::Read { path: path.into(), reason: e.to_string() };
        let options = TableOptions { header, ..TableOptions::default() };
        let text = read_table(Path::new(path), &options).map_err(refuse)?;
        let (rows, columns) = (text.n_rows(), text.n_columns());
        let mut values = vec![0.0; rows * columns];
        let mut words = BTreeMap::new();
        for column in 0..columns {
            let (numbers, classes) = numbers_or_classes(&text, column).map_err(refuse)?;
            for (row, value) in numbers.into_iter().enumerate() {
                values[row * columns + column] = value;
            }
            if !classes.is_empty() {
                words.insert(column, classes);
            }
        }
        Ok(Table { names: text.header().map(<[String]>::to_vec), rows, columns, values, words })
    }

    fn json(&self, path: &str) -> Result<serde_json::Value, TargetError> {
        let refuse = |reason: String| TargetError::Read { path: path.into(), reason };
        let text = read_text(Path::new(path), DATA_BYTES).map_err(|e| refuse(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))
    }
}

/// The numbers of a column; those of a column of words are places in the list of its words.
fn numbers_or_classes(table: &TextTable, column: usize) -> Result<(Vec<f64>, Vec<String>), TableError> {
    let numbers = table.numbers(column);
    let words = table.column(column)?;
    let is_word = |w: &&str| w.parse::<f64>().is_err() && !w.is_empty();
    match numbers {
        Err(TableError::Cell { problem: CellProblem::NotANumber, .. }) if words.iter().all(is_word) => {
            let mut classes = words.clone();
            classes.sort_unstable();
            classes.dedup();
            let code = |w: &&str| classes.binary_search(w).expect("every word is a class") as f64;
            Ok((words.iter().map(code).collect(), classes.into_iter().map(String::from).collect()))
        }
        other => Ok((other?, vec![])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Table, TargetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        DataFiles.table(path.to_str().unwrap(), None)
    }

    #[test]
    fn words_become_classes_and_are_told() {
        let table = load("0.5,R\n1.5,M\n2.5,R\n").unwrap();
        assert_eq!(table.values, [0.5, 1.0, 1.5, 0.0, 2.5, 1.0]);
        assert_eq!(table.words[&1], ["M", "R"]);
    }

    #[test]
    fn a_word_among_numbers_is_an_error_with_its_place() {
        let text = load("1,2\n3,x\n").unwrap_err().to_string();
        assert!(text.contains("line 2") && text.contains('x'), "{text}");
        assert!(load("1,NaN\n2,3\n").is_err());
        assert!(load("1,2\n3\n").is_err());
    }

    #[test]
    fn a_missing_file_is_named() {
        let text = DataFiles.table("/nowhere/table.csv", None).unwrap_err().to_string();
        assert!(text.contains("/nowhere/table.csv"), "{text}");
    }
}
