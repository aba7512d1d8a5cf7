//! Settings of a logistic regression whose data lies in a file.

use serde::{Deserialize, Serialize};

use super::table::{Column, DataLoader, Table};
use super::{Intercept, LogisticRegression, LogisticRegressionOptions, TargetError, code_labels};
use crate::{ConfigError, Points};

/// A logistic regression on a table. The German credit data, whose classes are 1 and 2, needs `positive_label = 2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticRegressionConfig {
    /// File that holds the table.
    pub data: String,
    /// Column of the labels, by name or place; negative places count from the end.
    pub label_column: Column,
    /// The label of the positive class. Without it the labels must be 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive_label: Option<f64>,
    /// Columns that are no features, by name or place.
    pub ignore_columns: Vec<Column>,
    /// Whether features are shifted by their mean and divided by their population standard deviation.
    pub standardise: bool,
    /// Where the constant feature stands: `first`, `last` or `none`.
    pub intercept: Intercept,
    /// Standard deviation of the prior of every weight; `inf` for a flat prior.
    pub prior_scale: f64,
}

impl Default for LogisticRegressionConfig {
    fn default() -> Self {
        Self {
            data: "data/german.data-numeric".to_string(),
            label_column: Column::Index(-1),
            positive_label: None,
            ignore_columns: Vec::new(),
            standardise: true,
            intercept: Intercept::Last,
            prior_scale: 1.0,
        }
    }
}

impl LogisticRegressionConfig {
    /// Checks every range; the data is looked at by [`LogisticRegressionConfig::build`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.data.is_empty() {
            return Err(ConfigError::new("data", "empty", "a file is needed"));
        }
        if self.positive_label.is_some_and(|v| !v.is_finite()) {
            return Err(ConfigError::new("positive_label", "not finite", "it must be one of the labels"));
        }
        if self.prior_scale.is_nan() || self.prior_scale <= 0.0 {
            let reason = "it must be positive; `inf` makes the prior flat";
            return Err(ConfigError::new("prior_scale", self.prior_scale, reason));
        }
        Ok(())
    }

    /// Loads the table and makes the target.
    pub fn build(&self, data: &dyn DataLoader) -> Result<LogisticRegression, TargetError> {
        self.check()?;
        self.build_from(&data.table(&self.data)?)
    }

    /// The target on a table that is already there.
    pub fn build_from(&self, table: &Table) -> Result<LogisticRegression, TargetError> {
        let rows = table.check()?;
        let label = table.place(&self.label_column)?;
        let mut kept = vec![true; table.columns];
        kept[label] = false;
        for column in &self.ignore_columns {
            kept[table.place(column)?] = false;
        }
        let width = kept.iter().filter(|k| **k).count();
        if width == 0 {
            return Err(TargetError::Empty { rows: table.rows, columns: 0 });
        }
        let raw: Vec<f64> = rows.iter().map(|r| r[label]).collect();
        let coded = code_labels(&raw, self.positive_label, &[])?;
        let labels: Vec<f64> = coded.into_iter().map(|positive| f64::from(u8::from(positive))).collect();
        let features = rows.iter().flat_map(|r| r.iter().zip(&kept).filter(|(_, k)| **k).map(|(v, _)| *v));
        let features = Points::from_vec(features.collect(), width);
        let options = LogisticRegressionOptions {
            standardise: self.standardise,
            intercept: self.intercept,
            prior_scale: self.prior_scale,
        };
        LogisticRegression::new(features.as_batch(), &labels, &options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::Target;

    fn table() -> Table {
        let names = ["id", "u", "v", "class"].map(String::from).to_vec();
        let values = vec![1.0, 0.5, 2.0, 1.0, 2.0, 1.5, 1.0, 2.0, 3.0, 0.2, 7.0, 2.0];
        Table { names: Some(names), rows: 3, columns: 4, values }
    }

    #[test]
    fn ignored_and_label_columns_are_no_features() {
        let c = LogisticRegressionConfig {
            label_column: Column::Name("class".into()),
            positive_label: Some(2.0),
            ignore_columns: vec![Column::Name("id".into())],
            ..Default::default()
        };
        assert_eq!(c.build_from(&table()).unwrap().dim(), 3);
        let none = LogisticRegressionConfig { ignore_columns: (0..3).map(Column::Index).collect(), ..c };
        assert_eq!(none.build_from(&table()).unwrap_err(), TargetError::Empty { rows: 3, columns: 0 });
    }

    #[test]
    fn wrong_label_coding_is_an_error() {
        let c = LogisticRegressionConfig::default();
        assert_eq!(c.build_from(&table()).unwrap_err(), TargetError::Label { row: 1, value: 2.0 });
    }

    #[test]
    fn settings_survive_toml() {
        for c in [
            LogisticRegressionConfig::default(),
            LogisticRegressionConfig {
                prior_scale: f64::INFINITY,
                positive_label: Some(2.0),
                ..Default::default()
            },
        ] {
            let text = toml::to_string(&c).unwrap();
            assert_eq!(toml::from_str::<LogisticRegressionConfig>(&text).unwrap(), c);
        }
        assert!(toml::from_str::<LogisticRegressionConfig>("prior = 1.0").is_err());
    }
}
