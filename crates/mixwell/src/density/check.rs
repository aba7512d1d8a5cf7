//! Range checks that target settings share. Each error names the setting and says what is accepted.

use nalgebra::DMatrix;

use crate::ConfigError;

pub(crate) fn check_dim(dim: usize, least: usize) -> Result<(), ConfigError> {
    // A point of a million coordinates is far beyond what any kernel here handles; more is a slip of the keyboard.
    if (least..=1_000_000).contains(&dim) {
        return Ok(());
    }
    Err(ConfigError::new("dim", dim, format!("it must lie between {least} and 1000000")))
}

pub(crate) fn check_finite(key: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() { Ok(()) } else { Err(ConfigError::new(key, value, "it must be finite")) }
}

pub(crate) fn check_positive(key: &str, value: f64) -> Result<(), ConfigError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(ConfigError::new(key, value, "it must be positive and finite"))
}

pub(crate) fn check_vector(key: &str, values: &[f64]) -> Result<Vec<f64>, ConfigError> {
    if values.is_empty() {
        return Err(ConfigError::new(key, "empty", "at least one number is needed"));
    }
    for (i, v) in values.iter().enumerate() {
        check_finite(&format!("{key}[{i}]"), *v)?;
    }
    Ok(values.to_vec())
}

pub(crate) fn check_matrix(key: &str, rows: &[Vec<f64>], dim: usize) -> Result<DMatrix<f64>, ConfigError> {
    if rows.len() != dim {
        return Err(ConfigError::new(key, format!("{} rows", rows.len()), format!("{dim} rows are needed")));
    }
    for (i, row) in rows.iter().enumerate() {
        let key = format!("{key}[{i}]");
        if row.len() != dim {
            return Err(ConfigError::new(key, format!("{} numbers", row.len()), format!("{dim} are needed")));
        }
        check_vector(&key, row)?;
    }
    Ok(DMatrix::from_fn(dim, dim, |i, j| rows[i][j]))
}
