//! Reading a posterior's `data.json`: numbers, columns and matrices by name, with errors that name what is wrong.

use serde_json::Value;

use crate::density::TargetError;

/// What stands under `name`.
fn entry<'a>(data: &'a Value, name: &str) -> Result<&'a Value, TargetError> {
    let Some(object) = data.as_object() else {
        return Err(TargetError::Type { name: "data".to_string(), expected: "an object of arrays" });
    };
    object.get(name).ok_or_else(|| TargetError::Missing {
        name: name.to_string(),
        found: object.keys().cloned().collect::<Vec<_>>().join(", "),
    })
}

fn wrong(name: &str, expected: &'static str) -> TargetError {
    TargetError::Type { name: name.to_string(), expected }
}

fn numbers(values: &Value) -> Option<Vec<f64>> {
    values.as_array()?.iter().map(|v| v.as_f64().filter(|v| v.is_finite())).collect()
}

/// The number under `name`.
pub(super) fn number(data: &Value, name: &str) -> Result<f64, TargetError> {
    let value = entry(data, name)?.as_f64().filter(|v| v.is_finite());
    value.ok_or_else(|| wrong(name, "a finite number"))
}

/// The number under `name`, which must be positive.
pub(super) fn positive(data: &Value, name: &str) -> Result<f64, TargetError> {
    let value = number(data, name)?;
    if value > 0.0 { Ok(value) } else { Err(wrong(name, "a positive number")) }
}

/// The count under `name`.
pub(super) fn count(data: &Value, name: &str) -> Result<usize, TargetError> {
    let value = entry(data, name)?.as_u64().and_then(|v| usize::try_from(v).ok());
    value.ok_or_else(|| wrong(name, "a whole number"))
}

/// The numbers under `name`.
pub(super) fn column(data: &Value, name: &str) -> Result<Vec<f64>, TargetError> {
    numbers(entry(data, name)?).ok_or_else(|| wrong(name, "an array of finite numbers"))
}

/// The columns of the matrix under `name`, which is an array of rows.
pub(super) fn matrix(data: &Value, name: &str) -> Result<Vec<Vec<f64>>, TargetError> {
    let expected = || wrong(name, "an array of rows of finite numbers, all as long as the first");
    let rows: Vec<Vec<f64>> = entry(data, name)?
        .as_array()
        .ok_or_else(expected)?
        .iter()
        .map(numbers)
        .collect::<Option<_>>()
        .ok_or_else(expected)?;
    let width = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|r| r.len() != width) {
        return Err(expected());
    }
    Ok((0..width).map(|j| rows.iter().map(|r| r[j]).collect()).collect())
}

/// Places counted from one under `name`, each at most `n`, as places counted from zero.
pub(super) fn places(data: &Value, name: &str, n: usize) -> Result<Vec<usize>, TargetError> {
    column(data, name)?
        .into_iter()
        .map(|v| {
            let fits = v.fract() == 0.0 && v >= 1.0 && v <= n as f64;
            if fits { Ok(v as usize - 1) } else { Err(wrong(name, "an array of places, counted from one")) }
        })
        .collect()
}

/// Checks that all columns are as long as the first, and not empty.
pub(super) fn same_length(columns: &[(&str, &[f64])]) -> Result<(), TargetError> {
    let expected = columns[0].1.len();
    if expected == 0 {
        return Err(TargetError::Empty { rows: 0, columns: columns.len() });
    }
    for (name, c) in columns {
        if c.len() != expected {
            return Err(TargetError::Length { name: name.to_string(), found: c.len(), expected });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn matrices_are_read_by_columns() {
        let data =
            json!({"X": [[1, 2, 3], [4, 5, 6]], "ragged": [[1], [2, 3]], "county": [1, 3], "half": [0.5]});
        assert_eq!(matrix(&data, "X").unwrap(), [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]);
        assert!(matrix(&data, "ragged").unwrap_err().to_string().contains("`ragged`"));
        assert_eq!(places(&data, "county", 3).unwrap(), [0, 2]);
        assert!(places(&data, "county", 2).is_err() && places(&data, "half", 2).is_err());
    }

    #[test]
    fn single_numbers_are_checked() {
        let data = json!({"T": 200, "sigma": -1.0, "word": "x"});
        assert_eq!(count(&data, "T").unwrap(), 200);
        assert!(count(&data, "sigma").is_err() && positive(&data, "sigma").is_err());
        assert!(number(&data, "word").is_err() && number(&data, "absent").is_err());
    }
}
