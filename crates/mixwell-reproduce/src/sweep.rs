//! The sweep of an experiment: columns of equal length, of which every row is one point.
//!
//! `axes` names the columns that tell points apart; the others hold settings that go with them, e.g. a step size for each
//! dimension. A point's label is its axis values joined by ", ": published values and presets name points by it.

use std::collections::BTreeMap;

use toml::Value;

/// One point of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its axis values joined by ", "; empty when there is no sweep.
    pub label: String,
    /// The value of every column here.
    pub row: BTreeMap<String, Value>,
}

impl Point {
    /// The value of the first axis as a number, where it is one: what figures are drawn against.
    pub fn x(&self, axes: &[String]) -> Option<f64> {
        match self.row.get(axes.first()?)? {
            Value::Integer(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }
}

/// The points of a sweep, in the order of its rows.
///
/// # Errors
/// A sentence that says which column does not fit.
pub(crate) fn points(axes: &[String], columns: &BTreeMap<String, Vec<Value>>) -> Result<Vec<Point>, String> {
    let Some((first, column)) = columns.iter().next() else {
        return match axes.first() {
            None => Ok(vec![Point { label: String::new(), row: BTreeMap::new() }]),
            Some(axis) => Err(format!("the axis `{axis}` has no column in [sweep]")),
        };
    };
    let n = column.len();
    if let Some((other, _)) = columns.iter().find(|(_, c)| c.len() != n) {
        return Err(format!("the columns `{first}` and `{other}` of [sweep] differ in length"));
    }
    if axes.is_empty() {
        return Err("a sweep needs `axes`, the columns that tell its points apart".into());
    }
    if let Some(axis) = axes.iter().find(|a| !columns.contains_key(*a)) {
        return Err(format!("the axis `{axis}` has no column in [sweep]"));
    }
    let points: Vec<Point> = (0..n)
        .map(|i| {
            let row: BTreeMap<String, Value> =
                columns.iter().map(|(name, column)| (name.clone(), column[i].clone())).collect();
            let label = axes.iter().map(|a| label_of(&row[a])).collect::<Vec<_>>().join(", ");
            Point { label, row }
        })
        .collect();
    for (i, p) in points.iter().enumerate() {
        if points[..i].iter().any(|q| q.label == p.label) {
            return Err(format!("[sweep] has the point {} twice", p.label));
        }
    }
    Ok(points)
}

/// A value as it stands in a label.
pub(crate) fn label_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(text: &str) -> BTreeMap<String, Vec<Value>> {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn rows_are_points_and_axes_label_them() {
        let columns = sweep("dim = [2, 4]\ns = [0.01, 1.0]\neta = [0.2, 0.1]");
        let points = points(&["dim".into(), "s".into()], &columns).unwrap();
        assert_eq!(points.iter().map(|p| p.label.as_str()).collect::<Vec<_>>(), ["2, 0.01", "4, 1.0"]);
        assert_eq!(points[1].row["eta"], Value::Float(0.1));
        assert_eq!(points[1].x(&["dim".into()]), Some(4.0));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let told = |axes: &[&str], text: &str| {
            let axes: Vec<String> = axes.iter().map(ToString::to_string).collect();
            points(&axes, &sweep(text)).unwrap_err()
        };
        assert!(told(&["dim"], "dim = [1, 2]\neta = [1]").contains("differ in length"));
        assert!(told(&["d"], "dim = [1, 2]").contains("`d` has no column"));
        assert!(told(&["dim"], "dim = [1, 1]").contains("twice"));
        assert!(told(&[], "dim = [1]").contains("axes"));
        assert!(told(&["dim"], "").contains("no column"));
        assert_eq!(points(&[], &sweep("")).unwrap().len(), 1);
    }
}
