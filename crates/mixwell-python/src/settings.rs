//! Settings as Python values, read as if they stood in a config file: one reader and one description for both.

use mixwell::sampler::{Method, RunConfig};
use mixwell::training_run::TrainConfig;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use toml::{Table, Value};

use crate::errors;

/// What the package's typed settings give themselves as a dictionary by.
const TABLE: &str = "__mixwell_settings__";

/// The settings of a run. A method may be a name.
pub fn run_config(settings: &Bound<'_, PyDict>) -> PyResult<RunConfig> {
    let py = settings.py();
    let mut table = table(settings, "")?;
    if let Some(Value::String(name)) = table.get("method") {
        let method = Method::named(name).map_err(|e| errors::config(py, e))?;
        let method = Value::try_from(method).map_err(|e| errors::config(py, e))?;
        table.insert("method".into(), method);
    }
    let read = mixwell::config::parse::<RunConfig>(&written(py, &table)?);
    Ok(read.map_err(|e| errors::settings(py, &e))?.settings)
}

/// Settings of any kind, as the text of a config file.
pub fn text(settings: &Bound<'_, PyDict>) -> PyResult<String> {
    written(settings.py(), &table(settings, "")?)
}

/// Settings of a run or of a training with every default, as JSON. Ranges are not checked.
#[pyfunction]
#[pyo3(signature = (settings, training=false))]
pub fn complete(settings: &Bound<'_, PyDict>, training: bool) -> PyResult<String> {
    let py = settings.py();
    let json = if training {
        let read = mixwell::config::parse::<TrainConfig>(&text(settings)?);
        serde_json::to_string(&read.map_err(|e| errors::settings(py, &e))?.settings)
    } else {
        serde_json::to_string(&run_config(settings)?)
    };
    json.map_err(|e| errors::config(py, e))
}

fn written(py: Python<'_>, table: &Table) -> PyResult<String> {
    toml::to_string(table).map_err(|e| errors::config(py, e))
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
    // The package's typed settings.
    if value.hasattr(TABLE)? {
        return self::value(&value.call_method0(TABLE)?, key);
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
