//! Why a target cannot be built: a setting out of range, or data that does not fit the model.

use crate::ConfigError;

/// Why a target cannot be built. Rows and columns count from zero.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A setting out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file could not be read.
    #[error("cannot read `{path}`: {reason}")]
    Read {
        /// The path as it was given.
        path: String,
        /// What went wrong.
        reason: String,
    },
    /// A trained energy that cannot be used.
    #[error("the energy of `{path}` cannot be used: {reason}")]
    Energy {
        /// The path as it was given.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A GAN that cannot be used.
    #[error("the GAN of `{path}` cannot be used: {reason}")]
    Gan {
        /// The path as it was given.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Files that are not those that were meant.
    #[error(
        "the files of `{path}` have changed: their SHA-256 is {found}, and {expected} is expected; put the old ones back, or begin anew with these"
    )]
    Changed {
        /// The path as it was given.
        path: String,
        /// The hash that was written down.
        expected: String,
        /// The hash now.
        found: String,
    },
    /// The number of values is not rows times columns.
    #[error("{values} values do not fill {rows} rows of {columns} columns")]
    Ragged {
        /// Values given.
        values: usize,
        /// Rows claimed.
        rows: usize,
        /// Columns claimed.
        columns: usize,
    },
    /// Two arrays that belong together differ in length.
    #[error("`{name}` holds {found} values, but {expected} are needed")]
    Length {
        /// The array.
        name: String,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// There is nothing to learn from.
    #[error("the data has {rows} rows and {columns} feature columns; at least one of each is needed")]
    Empty {
        /// Rows found.
        rows: usize,
        /// Feature columns found.
        columns: usize,
    },
    /// A missing or infinite value.
    #[error("row {row}, column {column} of the data (the first are 0) is not a finite number")]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
    },
    /// A column that cannot be standardised.
    #[error(
        "column {column} of the features (the first is 0) is constant, so it cannot be standardised; drop it, or set `standardise = false`"
    )]
    ConstantColumn {
        /// The column.
        column: usize,
    },
    /// A column whose standard deviation is no positive double, although its values differ.
    #[error(
        "column {column} of the features (the first is 0) has values too large or too small for their standard deviation to be a number; give it in another unit, or drop it"
    )]
    Scale {
        /// The column.
        column: usize,
    },
    /// A column of a table that cannot be used as it is, named as in the file.
    #[error("{column} {problem}")]
    Column {
        /// Its place in the file and its name.
        column: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A label that is neither class.
    #[error(
        "row {row} (the first is 0) has the label {value}, which is not one of the two classes; set `positive_label` to the label of the positive class"
    )]
    Label {
        /// The row.
        row: usize,
        /// The label found.
        value: f64,
    },
    /// Every row belongs to the same class.
    #[error("every row has the label {value}; both classes must occur")]
    OneClass {
        /// The only label.
        value: f64,
    },
    /// A column or a data entry is missing.
    #[error("the data has no `{name}`; it has {found}")]
    Missing {
        /// What was looked for.
        name: String,
        /// What there is.
        found: String,
    },
    /// A data entry of another type than the model needs.
    #[error("`{name}` in the data should be {expected}")]
    Type {
        /// The entry.
        name: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A model of this name is not built in.
    #[error("no posterior is called `{name}`; there are {known}")]
    UnknownPosterior {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl TargetError {
    /// The same error with the key of a setting under that of the table it stands in.
    pub(crate) fn under(self, key: &str) -> Self {
        match self {
            Self::Config(e) => Self::Config(e.under(key)),
            other => other,
        }
    }
}
