//! What a training has measured: numbers of its summary, and of the last rows of its curve.

use super::Statistic;
use crate::{Measured, Trained};

/// A number of the summary, with its error where that stands beside it.
pub(super) fn result(trained: &Trained, name: &str, element: Option<usize>) -> Option<Measured> {
    let value = trained.result(name, element)?;
    let error = trained.result(&format!("{name}_error"), element);
    Some(Measured::with_error(value, error.unwrap_or(f64::NAN)))
}

/// Of the last `rows` values of a column, all of them where that is zero; NaN where there are fewer.
pub(super) fn curve(trained: &Trained, column: &str, rows: usize, of: Statistic) -> Option<Measured> {
    let (_, values) = trained.curve(column);
    if values.is_empty() {
        return None;
    }
    let Some(first) = values.len().checked_sub(rows) else { return Some(Measured::pooled(f64::NAN)) };
    let last = if rows == 0 { &values[..] } else { &values[first..] };
    let n = last.len() as f64;
    let mean = last.iter().sum::<f64>() / n;
    Some(Measured::pooled(match of {
        Statistic::Mean => mean,
        Statistic::Sd => (last.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt(),
    }))
}
