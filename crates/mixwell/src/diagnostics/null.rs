//! NaN in JSON: written as `null` by the encoder, read back as NaN here.

use serde::{Deserialize, Deserializer};

/// Reads a number, or `null` as NaN.
pub(crate) fn null_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The same for a list that may be absent.
pub(crate) fn nulls_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<f64>>, D::Error> {
    let list: Option<Vec<Option<f64>>> = Option::deserialize(deserializer)?;
    Ok(list.map(|l| l.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect()))
}
