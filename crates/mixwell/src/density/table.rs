//! Tables of numbers that targets learn from, and who loads them.
//!
//! Reading files is not this module's job: whoever builds a target from a config hands in a [`DataLoader`].

use serde::{Deserialize, Serialize};

use super::TargetError;
use crate::{Batch, ConfigError};

/// Finds the data a target's config names.
pub trait DataLoader {
    /// The table at `path`.
    fn table(&self, path: &str) -> Result<Table, TargetError>;

    /// The JSON document at `path`.
    fn json(&self, path: &str) -> Result<serde_json::Value, TargetError> {
        let reason = "this loader knows no JSON".to_string();
        Err(TargetError::Read { path: path.to_string(), reason })
    }
}

/// A loader for targets that need no data: it refuses every path.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoData;

impl DataLoader for NoData {
    fn table(&self, path: &str) -> Result<Table, TargetError> {
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

    /// The place of a column.
    pub fn place(&self, column: &Column) -> Result<usize, TargetError> {
        match column {
            Column::Index(i) => {
                let place = if *i < 0 { i + self.columns as i64 } else { *i };
                usize::try_from(place).ok().filter(|p| *p < self.columns).ok_or_else(|| {
                    let reason = format!("the data has {} columns, counted from 0", self.columns);
                    ConfigError::new("column", i, reason).into()
                })
            }
            Column::Name(name) => {
                let names = self.names.as_deref().unwrap_or_default();
                names.iter().position(|n| n == name).ok_or_else(|| {
                    let found =
                        if names.is_empty() { "no column names".to_string() } else { names.join(", ") };
                    TargetError::Missing { name: format!("column {name}"), found }
                })
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
        let t = Table { names, rows: 1, columns: 2, values: vec![1.0, 2.0] };
        assert_eq!(t.place(&Column::Name("b".into())), Ok(1));
        assert_eq!(t.place(&Column::Index(-2)), Ok(0));
        assert!(t.place(&Column::Index(-3)).is_err() && t.place(&Column::Index(2)).is_err());
        let e = t.place(&Column::Name("c".into())).unwrap_err();
        assert_eq!(e.to_string(), "the data has no `column c`; it has a, b");
        #[derive(Deserialize)]
        struct Wrapped {
            c: Column,
        }
        assert_eq!(toml::from_str::<Wrapped>("c = -1").unwrap().c, Column::Index(-1));
        assert_eq!(toml::from_str::<Wrapped>("c = 'y'").unwrap().c, Column::Name("y".into()));
    }

    #[test]
    fn broken_tables_are_refused() {
        let t = |rows, columns, values: Vec<f64>| Table { names: None, rows, columns, values };
        let e = t(2, 2, vec![1.0; 3]).check().unwrap_err();
        assert_eq!(e, TargetError::Ragged { values: 3, rows: 2, columns: 2 });
        assert_eq!(t(0, 2, vec![]).check().unwrap_err(), TargetError::Empty { rows: 0, columns: 2 });
        let e = t(2, 2, vec![1.0, 2.0, 3.0, f64::NAN]).check().unwrap_err();
        assert_eq!(e, TargetError::NotFinite { row: 1, column: 1 });
        assert!(NoData.table("x.csv").is_err() && NoData.json("x.json").is_err());
    }
}
