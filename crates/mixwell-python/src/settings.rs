//! Settings as Python values, read as if they stood in a config file: one reader and one description for both.

use mixwell::sampler::{Method, RunConfig};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use toml::{Table, Value};

use crate::errors;

/// The settings of a run. A method may be a name.
pub fn run_config(settings: &Bound<'_, PyDict>) -> PyResult<RunConfig> {
    let py = settings.py();
    let mut table = table(settings, "")?;
    if let Some(Value::String(name)) = table.get("method") {
        let method = Method::named(name).map_err(|e| errors::config(py, e))?;
        let method = Value::try_from(method).map_err(|e| errors::config(py, e))?;
        table.insert("method".into(), method);
    }
    let text = toml::to_string(&table).map_err(|e| errors::config(py, e))?;
    let read = mixwell::config::parse::<RunConfig>(&text).map_err(|e| errors::settings(py, &e))?;
    Ok(read.settings)
}

/// A dictionary; `None` stands for a setting that is left at its default.
fn table(dict: &Bound<'_, PyDict>, key: &str) -> PyResult<Table> {
    let mut table = Table::new();
    for (name, value) in dict {
        let name: String = name.extract().map_err(|_| {
            errors::config(dict.py(), format!("`{key}` has the key {name}, but keys of settings are texts"))
        })?;
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        if !value.is_none() {
            table.insert(name, self::value(&value, &key)?);
        }
    }
    Ok(table)
}

/// Any value that a config file can hold. NumPy's numbers and arrays are numbers and lists.
fn value(value: &Bound<'_, PyAny>, key: &str) -> PyResult<Value> {
    let py = value.py();
    if let Ok(dict) = value.cast::<PyDict>() {
        return Ok(Value::Table(table(dict, key)?));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::String(text.extract()?));
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Boolean(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        let whole = value.extract::<i64>();
        let beyond = |_| {
            errors::config(
                py,
                format!("`{key}` is {value}, but whole numbers in settings end at {}", i64::MAX),
            )
        };
        return whole.map(Value::Integer).map_err(beyond);
    }
    if value.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(value.extract()?));
    }
    if value.hasattr("__fspath__")? {
        return Ok(Value::String(value.call_method0("__fspath__")?.extract()?));
    }
    if value.hasattr("tolist")? {
        return self::value(&value.call_method0("tolist")?, key);
    }
    let Ok(items) = value.try_iter() else {
        let kind = value.get_type().name()?;
        let message = format!(
            "`{key}` is of the type {kind}, but a setting is a number, a text, a list or a dictionary"
        );
        return Err(errors::config(py, message));
    };
    let list: PyResult<Vec<Value>> =
        items.enumerate().map(|(i, item)| self::value(&item?, &format!("{key}[{i}]"))).collect();
    Ok(Value::Array(list?))
}
