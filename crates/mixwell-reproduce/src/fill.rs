//! Placeholders: a text that is `${name}` and nothing else stands for the value of that name at the present point of the sweep.

use std::collections::BTreeMap;

use toml::Value;

/// Replaces every placeholder below `value`.
///
/// # Errors
/// The name of a placeholder that `row` does not have.
pub(crate) fn fill(value: &mut Value, row: &BTreeMap<String, Value>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("${").and_then(|t| t.strip_suffix('}')) {
                *value = row.get(name).cloned().ok_or_else(|| name.to_string())?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|v| fill(v, row)),
        Value::Table(table) => table.iter_mut().try_for_each(|(_, v)| fill(v, row)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_at_any_depth_and_unknown_ones_named() {
        let row = BTreeMap::from([("dim".to_string(), Value::Integer(30))]);
        let mut value = Value::Table(toml::from_str("a = '${dim}'\nb = [{ c = '${dim}' }, 'dim']").unwrap());
        fill(&mut value, &row).unwrap();
        assert_eq!(value, Value::Table(toml::from_str("a = 30\nb = [{ c = 30 }, 'dim']").unwrap()));
        assert_eq!(fill(&mut Value::String("${eta}".into()), &row).unwrap_err(), "eta");
    }
}
