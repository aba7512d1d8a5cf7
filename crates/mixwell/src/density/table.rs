//! Tables of numbers that targets are built from, and the interface for loading them.
//!
//! This module reads no files: the caller that builds a target from a config passes a [`DataLoader`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{GanTargetConfig, TargetError, TrainedLaw};
use crate::error::{excerpt, excerpts};
use crate::{Batch, ConfigError};

/// Finds the data a target's config names.
pub trait DataLoader {
    /// The table at `path`. `header` says whether its first line names the columns; if `None`, it does when no field of it
    /// is a number and some of the next line is.
    fn table(&self, path: &str, header: Option<bool>) -> Result<Table, TargetError>;

    /// The JSON document at `path`.
    fn json(&self, path: &str) -> Result<serde_json::Value, TargetError> {
        let reason = "this loader knows no JSON".to_string();
        Err(TargetError::Read { path: path.to_string(), reason })
    }

    /// The law that a training left at `path`.
    fn law(&self, path: &str) -> Result<TrainedLaw, TargetError> {
        let reason = "this loader knows no trained energies".to_string();
        Err(TargetError::Read { path: path.to_string(), reason })
    }

    /// The law of the latents of a GAN.
    fn gan(&self, config: &GanTargetConfig) -> Result<TrainedLaw, TargetError> {
        let reason = "this loader knows no networks".to_string();
        Err(TargetError::Read { path: config.name().to_string(), reason })
    }
}

/// A loader for targets that need no data: it refuses every path.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoData;

impl DataLoader for NoData {
    fn table(&self, path: &str, _header: Option<bool>) -> Result<Table, TargetError> {
        Err(TargetError::Read { path: path.to_string(), reason: "no data can be loaded here".to_string() })
    }
}

/// Rows of numbers, with column names where the source has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// One name per column.
    pub names: Option<Vec<String>>,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// The numbers, row after row.
    pub values: Vec<f64>,
    /// The words of each column that holds words instead of numbers, in alphabetical order; its values are places in this list.
    pub words: BTreeMap<usize, Vec<String>>,
}

/// A column, by its name or its place; places count from zero, negative ones from the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Column {
    /// By its place.
    Index(i64),
    /// By its name.
    Name(String),
}

impl Table {
    /// Checks that there are rows and columns, that they are filled, and that every value is finite.
    pub fn check(&self) -> Result<Batch<'_>, TargetError> {
        let (rows, columns) = (self.rows, self.columns);
        if rows.checked_mul(columns) != Some(self.values.len()) {
            return Err(TargetError::Ragged { values: self.values.len(), rows, columns });
        }
        if rows == 0 || columns == 0 {
            return Err(TargetError::Empty { rows, columns });
        }
        if let Some(names) = self.names.as_ref().filter(|n| n.len() != columns) {
            return Err(TargetError::Length {
                name: "names".to_string(),
                found: names.len(),
                expected: columns,
            });
        }
        if let Some(i) = self.values.iter().position(|v| !v.is_finite()) {
            return Err(TargetError::NotFinite { row: i / columns, column: i % columns });
        }
        Ok(Batch::new(&self.values, columns))
    }

    /// A column as an error calls it: its place, counted from 0, and its name if it has one.
    pub fn title(&self, column: usize) -> String {
        match self.names.as_ref().and_then(|n| n.get(column)) {
            Some(name) => format!("column {column} `{}` (the first is 0)", excerpt(name)),
            None => format!("column {column} (the first is 0)"),
        }
    }

    /// The place of a column; `setting` is what an error calls the setting that names it.
    pub fn place(&self, column: &Column, setting: &str) -> Result<usize, TargetError> {
        match column {
            Column::Index(i) => {
                let place = if *i < 0 { i.saturating_add_unsigned(self.columns as u64) } else { *i };
                usize::try_from(place).ok().filter(|p| *p < self.columns).ok_or_else(|| {
                    let reason = format!("the data has {} columns, counted from 0", self.columns);
                    ConfigError::new(setting, i, reason).into()
                })
            }
            Column::Name(name) => {
                let names = self.names.as_deref().unwrap_or_default();
                let mut places = (0..names.len()).filter(|p| names[*p] == *name);
                let Some(place) = places.next() else {
                    let found =
                        if names.is_empty() { "no column names".to_string() } else { excerpts(names) };
                    return Err(TargetError::Missing { name: format!("column {}", excerpt(name)), found });
                };
                if let Some(second) = places.next() {
                    let reason =
                        format!("columns {place} and {second} (the first is 0) have this name; use a number");
                    return Err(ConfigError::new(setting, name, reason).into());
                }
                Ok(place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_name_and_place() {
        let names = Some(vec!["a".to_string(), "b".to_string()]);
        let t = Table { names, rows: 1, columns: 2, values: vec![1.0, 2.0], ..Table::default() };
        let place = |c| t.place(&c, "label_column");
        assert_eq!(place(Column::Name("b".into())), Ok(1));
        assert_eq!(place(Column::Index(-2)), Ok(0));
        assert!(place(Column::Index(-3)).is_err() && place(Column::Index(2)).is_err());
        let e = place(Column::Name("c".into())).unwrap_err();
        assert_eq!(e.to_string(), "the data has no `column c`; it has `a`, `b`");
        let e = place(Column::Index(7)).unwrap_err().to_string();
        assert!(e.starts_with("`label_column` is 7"), "{e}");
        let twice = Table { names: Some(vec!["a".into(), "a".into()]), ..t.clone() };
        assert!(twice.place(&Column::Name("a".into()), "label_column").is_err());
        #[derive(Deserialize)]
        struct Wrapped {
            c: Column,
        }
        assert_eq!(toml::from_str::<Wrapped>("c = -1").unwrap().c, Column::Index(-1));
        assert_eq!(toml::from_str::<Wrapped>("c = 'y'").unwrap().c, Column::Name("y".into()));
    }

    #[test]
    fn broken_tables_are_refused() {
        let t = |rows, columns, values: Vec<f64>| Table { rows, columns, values, ..Table::default() };
        let e = t(2, 2, vec![1.0; 3]).check().unwrap_err();
        assert_eq!(e, TargetError::Ragged { values: 3, rows: 2, columns: 2 });
        assert_eq!(t(0, 2, vec![]).check().unwrap_err(), TargetError::Empty { rows: 0, columns: 2 });
        let e = t(2, 2, vec![1.0, 2.0, 3.0, f64::NAN]).check().unwrap_err();
        assert_eq!(e, TargetError::NotFinite { row: 1, column: 1 });
        assert!(NoData.table("x.csv", None).is_err() && NoData.json("x.json").is_err());
    }
}
