//! Settings of a logistic regression whose data lies in a file.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::table::{Column, DataLoader, Table};
use super::{Intercept, LogisticRegression, LogisticRegressionOptions, TargetError, Variable, code_labels};
use crate::error::{excerpt, excerpts};
use crate::{ConfigError, Points};

/// A logistic regression on a table. The German credit data, whose classes are 1 and 2, needs `positive_label = 2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticRegressionConfig {
    /// File that holds the table.
    pub data: String,
    /// Whether the first line names the columns. Without it: yes, if no field of it is a number and some of the next line is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Column of the labels, by name or place; the first is 0, negative places count from the end.
    pub label_column: Column,
    /// The label of the positive class, a number or a word. Without it the labels must be 0 and 1, or two words of which the last in the alphabet is positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive_label: Option<Label>,
    /// Columns that are no features, by name or place.
    pub ignore_columns: Vec<Column>,
    /// What becomes of features that are words: `refuse`, or `one_hot` for a column of 0 and 1 per word but the first in the alphabet.
    pub text_features: TextFeatures,
    /// Whether features are shifted by their mean and divided by their population standard deviation.
    pub standardise: bool,
    /// Where the constant feature stands: `first`, `last` or `none`.
    pub intercept: Intercept,
    /// Standard deviation of the prior of every weight; `inf` for a flat prior.
    pub prior_scale: f64,
}

/// A class label as it stands in a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Label {
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
}

impl From<f64> for Label {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Label {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

/// What becomes of features that are words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextFeatures {
    /// They are an error: words have no order, and numbers made of them would have one.
    #[default]
    Refuse,
    /// A column of 0 and 1 per word but the first in the alphabet, to which the others are compared.
    OneHot,
}

/// Most words of a text feature: a column of more is a name or a note rather than a category.
const MOST_WORDS: usize = 256;

impl Default for LogisticRegressionConfig {
    fn default() -> Self {
        Self {
            data: "data/german.data-numeric".to_string(),
            header: None,
            label_column: Column::Index(-1),
            positive_label: None,
            ignore_columns: Vec::new(),
            text_features: TextFeatures::Refuse,
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
        if let Some(Label::Number(v)) = self.positive_label.as_ref()
            && !v.is_finite()
        {
            return Err(ConfigError::new("positive_label", v, "it must be one of the labels"));
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
        self.build_from(&data.table(&self.data, self.header)?)
    }

    /// The target on a table that is already there.
    pub fn build_from(&self, table: &Table) -> Result<LogisticRegression, TargetError> {
        let rows = table.check()?;
        let label = table.place(&self.label_column, "label_column")?;
        let mut kept = vec![true; table.columns];
        kept[label] = false;
        for column in &self.ignore_columns {
            kept[table.place(column, "ignore_columns")?] = false;
        }
        let (labels, notes) = self.labels(table, label)?;
        let features = self.features(table, &kept)?;
        if features.is_empty() {
            return Err(TargetError::Empty { rows: table.rows, columns: 0 });
        }
        let values = rows.iter().flat_map(|r| features.iter().map(|f| f.value(r)));
        let values = Points::from_vec(values.collect(), features.len());
        let options = LogisticRegressionOptions {
            standardise: self.standardise,
            intercept: self.intercept,
            prior_scale: self.prior_scale,
        };
        let target = LogisticRegression::new(values.as_batch(), &labels, &options)
            .map_err(|e| in_the_file(e, table, &features))?
            .with_notes(notes);
        match self.weights(&features) {
            Some(variable) => Ok(target.named(vec![variable])?),
            None => Ok(target),
        }
    }

    /// The labels as 0 and 1, and what a user should know of how they came about.
    fn labels(&self, table: &Table, column: usize) -> Result<(Vec<f64>, Vec<String>), TargetError> {
        let raw = table.values.iter().skip(column).step_by(table.columns).copied().collect::<Vec<f64>>();
        let mut notes = vec![];
        let positive = match (table.words.get(&column), &self.positive_label) {
            (None, None) => None,
            (None, Some(Label::Number(number))) => Some(*number),
            (None, Some(Label::Word(word))) => Some(word.parse().map_err(|_| {
                ConfigError::new("positive_label", word, format!("{} holds numbers", table.title(column)))
            })?),
            (Some(words), _) if words.len() != 2 => {
                let problem = format!(
                    "holds {} words ({}), but labels are of exactly two classes",
                    words.len(),
                    excerpts(words)
                );
                return Err(TargetError::Column { column: table.title(column), problem });
            }
            (Some(words), None) => {
                notes.push(format!(
                    "the labels of {}: `{}` is 0 and `{}` is 1, by the alphabet; `positive_label` says otherwise",
                    table.title(column),
                    excerpt(&words[0]),
                    excerpt(&words[1])
                ));
                Some(1.0)
            }
            (Some(words), Some(label)) => {
                let place = words.iter().position(|w| *w == label.to_string());
                let reason = format!("the labels in {} are {}", table.title(column), excerpts(words));
                Some(place.ok_or_else(|| ConfigError::new("positive_label", label, reason))? as f64)
            }
        };
        let coded = code_labels(&raw, positive, &[])?;
        Ok((coded.into_iter().map(|positive| f64::from(u8::from(positive))).collect(), notes))
    }

    /// The features that the kept columns give.
    fn features(&self, table: &Table, kept: &[bool]) -> Result<Vec<Feature>, TargetError> {
        let mut features = vec![];
        for column in (0..table.columns).filter(|c| kept[*c]) {
            let name = table.names.as_ref().map(|n| n[column].clone());
            let Some(words) = table.words.get(&column) else {
                features.push(Feature { column, word: None, name });
                continue;
            };
            let refuse = |problem| Err(TargetError::Column { column: table.title(column), problem });
            if self.text_features == TextFeatures::Refuse {
                return refuse(format!(
                    "holds words ({}), not numbers; set `text_features = \"one_hot\"`, or put it in `ignore_columns`",
                    excerpts(words)
                ));
            }
            if words.len() == 1 || words.len() > MOST_WORDS {
                return refuse(format!(
                    "holds {} different words, but a text feature needs 2 to {MOST_WORDS}; put it in `ignore_columns`",
                    words.len()
                ));
            }
            features.extend((1..words.len()).map(|i| {
                let name = name.as_ref().map(|n| format!("{n}={}", words[i]));
                Feature { column, word: Some(i as f64), name }
            }));
        }
        Ok(features)
    }

    /// The weights under the names of the columns, if the file has names, none is missing and no two are the same.
    fn weights(&self, features: &[Feature]) -> Option<Variable> {
        let mut names = features.iter().map(|f| f.name.clone()).collect::<Option<Vec<String>>>()?;
        match self.intercept {
            Intercept::First => names.insert(0, "intercept".into()),
            Intercept::Last => names.push("intercept".into()),
            Intercept::None => {}
        }
        let different: HashSet<&String> = names.iter().collect();
        let usable = different.len() == names.len() && names.iter().all(|n| !n.is_empty());
        usable.then(|| Variable::of_elements("weights", names.iter().map(|n| excerpt(n)).collect()))
    }
}

/// A feature: a column of numbers, or one word of a column of words.
struct Feature {
    column: usize,
    word: Option<f64>,
    name: Option<String>,
}

impl Feature {
    fn value(&self, row: &[f64]) -> f64 {
        let value = row[self.column];
        self.word.map_or(value, |word| f64::from(u8::from(value == word)))
    }
}

/// An error about a feature as one about the column of the file that it came from.
fn in_the_file(error: TargetError, table: &Table, features: &[Feature]) -> TargetError {
    let (feature, problem) = match error {
        TargetError::ConstantColumn { column } => (
            column,
            "is constant, so it cannot be standardised; put it in `ignore_columns`, or set `standardise = false`",
        ),
        TargetError::Scale { column } => (
            column,
            "has values too large or too small for their standard deviation to be a number; give it in another unit, or put it in `ignore_columns`",
        ),
        other => return other,
    };
    TargetError::Column { column: table.title(features[feature].column), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::Target;

    fn table() -> Table {
        let names = ["id", "u", "v", "class"].map(String::from).to_vec();
        let values = vec![1.0, 0.5, 2.0, 1.0, 2.0, 1.5, 1.0, 2.0, 3.0, 0.2, 7.0, 2.0];
        Table { names: Some(names), rows: 3, columns: 4, values, ..Table::default() }
    }

    #[test]
    fn ignored_and_label_columns_are_no_features() {
        let c = LogisticRegressionConfig {
            label_column: Column::Name("class".into()),
            positive_label: Some(2.0.into()),
            ignore_columns: vec![Column::Name("id".into())],
            ..Default::default()
        };
        assert_eq!(c.build_from(&table()).unwrap().dim(), 3);
        let none = LogisticRegressionConfig { ignore_columns: (0..3).map(Column::Index).collect(), ..c };
        assert_eq!(none.build_from(&table()).unwrap_err(), TargetError::Empty { rows: 3, columns: 0 });
    }

    fn words(text: &str, config: &LogisticRegressionConfig) -> Result<LogisticRegression, TargetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        let data = path.to_str().unwrap().to_string();
        LogisticRegressionConfig { data, ..config.clone() }.build(&crate::io::DataFiles)
    }

    const COLOURS: &str = "size,colour,kind\n1,red,b\n2,blue,g\n4,green,b\n3,red,g\n";

    #[test]
    fn text_features_are_refused_by_name() {
        let e = words(COLOURS, &LogisticRegressionConfig::default()).unwrap_err().to_string();
        assert!(e.contains("column 1 `colour` (the first is 0)") && e.contains("one_hot"), "{e}");
        assert!(e.contains("`blue`, `green`, `red`"), "{e}");
    }

    #[test]
    fn text_features_become_a_column_per_word_on_request() {
        let c = LogisticRegressionConfig { text_features: TextFeatures::OneHot, ..Default::default() };
        let t = words(COLOURS, &c).unwrap();
        let expected = ["size", "colour=green", "colour=red", "intercept"].map(|n| format!("weights[{n}]"));
        assert_eq!(t.variables()[0].labels(), expected);
        let numbers = "size,green,red,kind\n1,0,1,0\n2,0,0,1\n4,1,0,0\n3,0,1,1\n";
        let twin = words(numbers, &LogisticRegressionConfig::default()).unwrap();
        let value = |t: &LogisticRegression| {
            let mut out = [0.0];
            t.log_prob(crate::Batch::new(&[0.3, -1.0, 0.7, 0.2], 4), &mut out).unwrap();
            out[0]
        };
        assert_eq!(value(&t), value(&twin));
    }

    #[test]
    fn labels_that_are_words_are_chosen_or_told() {
        let c = LogisticRegressionConfig { text_features: TextFeatures::OneHot, ..Default::default() };
        let told = words(COLOURS, &c).unwrap().notes();
        assert!(told[0].contains("`b` is 0 and `g` is 1"), "{told:?}");
        let with = |label: Label| {
            words(COLOURS, &LogisticRegressionConfig { positive_label: Some(label), ..c.clone() })
        };
        let at = |t: &LogisticRegression| {
            let mut out = [0.0];
            t.log_prob(crate::Batch::new(&[0.3, -1.0, 0.7, 0.2], 4), &mut out).unwrap();
            out[0]
        };
        let (g, b) = (with("g".into()).unwrap(), with("b".into()).unwrap());
        assert!(g.notes().is_empty() && at(&g) == at(&words(COLOURS, &c).unwrap()) && at(&g) != at(&b));
        for wrong in [Label::from("x"), Label::from(1.0)] {
            let e = with(wrong).unwrap_err().to_string();
            assert!(e.starts_with("`positive_label` is") && e.contains("`b`, `g`"), "{e}");
        }
        let three = words("1,a\n2,b\n3,c\n", &LogisticRegressionConfig::default()).unwrap_err().to_string();
        assert!(three.contains("3 words"), "{three}");
    }

    #[test]
    fn a_header_is_found_or_told_and_names_the_weights() {
        let c = LogisticRegressionConfig::default();
        let labels = |text: &str, header| {
            words(text, &LogisticRegressionConfig { header, ..c.clone() }).map(|t| t.variables()[0].labels())
        };
        let rows = "1,0\n2,1\n4,1\n";
        assert_eq!(labels(&format!("age,y\n{rows}"), None).unwrap(), ["weights[age]", "weights[intercept]"]);
        assert_eq!(labels(rows, None).unwrap(), ["weights[0]", "weights[1]"]);
        assert_eq!(labels(&format!("2024,y\n{rows}"), Some(true)).unwrap()[0], "weights[2024]");
        assert!(labels(&format!("age,y\n{rows}"), Some(false)).is_err(), "a word among numbers");
    }

    #[test]
    fn columns_are_named_as_in_the_file() {
        let text = "id,big,y\n7,1e300,0\n8,-1e300,1\n9,1e300,1\n";
        let c = LogisticRegressionConfig { ignore_columns: vec![Column::Index(0)], ..Default::default() };
        let e = words(text, &c).unwrap_err().to_string();
        assert!(e.contains("column 1 `big`") && e.contains("too large"), "{e}");
        let e = words("id,a,y\n7,3,0\n8,3,1\n", &c).unwrap_err().to_string();
        assert!(e.contains("column 1 `a`") && e.contains("constant"), "{e}");
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
                positive_label: Some(2.0.into()),
                ..Default::default()
            },
        ] {
            let text = toml::to_string(&c).unwrap();
            assert_eq!(toml::from_str::<LogisticRegressionConfig>(&text).unwrap(), c);
        }
        assert!(toml::from_str::<LogisticRegressionConfig>("prior = 1.0").is_err());
    }
}
