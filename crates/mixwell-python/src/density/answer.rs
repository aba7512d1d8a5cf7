//! What a function gave back, as numbers: any real type and any strides are taken, any other shape is an error that says what was expected.

use numpy::{PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyTupleMethods};

use crate::errors;

/// Log-densities, and gradients where there are some.
pub struct Answer<'py> {
    values: Bound<'py, PyAny>,
    gradients: Option<Bound<'py, PyAny>>,
}

impl<'py> Answer<'py> {
    /// Takes a tuple of two apart; anything else is values alone.
    pub fn of(answer: Bound<'py, PyAny>) -> PyResult<Self> {
        let Ok(pair) = answer.cast::<PyTuple>() else {
            return Ok(Self { values: answer, gradients: None });
        };
        if pair.len() != 2 {
            let message =
                format!("the density returned a tuple of {}, but it must be (values, gradients)", pair.len());
            return Err(errors::config(answer.py(), message));
        }
        Ok(Self { values: pair.get_item(0)?, gradients: Some(pair.get_item(1)?) })
    }

    /// Whether there are gradients.
    pub fn has_gradients(&self) -> bool {
        self.gradients.is_some()
    }

    /// Copies the values of `out.len()` points of `dim` numbers.
    pub fn values(&self, dim: usize, out: &mut [f64]) -> PyResult<()> {
        copy(&self.values, "values", &[out.len()], (out.len(), dim), out)
    }

    /// Copies the gradients.
    pub fn gradients(&self, dim: usize, out: &mut [f64]) -> PyResult<()> {
        let rows = out.len() / dim;
        match &self.gradients {
            Some(gradients) => copy(gradients, "gradients", &[rows, dim], (rows, dim), out),
            None => {
                let message = "the density gave gradients before and now gives none";
                Err(errors::config(self.values.py(), message))
            }
        }
    }
}

fn copy(
    given: &Bound<'_, PyAny>,
    what: &str,
    shape: &[usize],
    points: (usize, usize),
    out: &mut [f64],
) -> PyResult<()> {
    let py = given.py();
    let doubles = match given.cast::<PyArrayDyn<f64>>() {
        Ok(array) => array.clone(),
        Err(_) => doubles(given, what)?,
    };
    if doubles.shape() != shape {
        let (rows, dim) = points;
        let found = tuple(doubles.shape());
        let message = format!(
            "the density returned {what} of shape {found} for {rows} points of {dim} numbers, but it must be {}; it is called with all points at once, as an \
             array of shape (rows, {dim})",
            tuple(shape)
        );
        return Err(errors::config(py, message));
    }
    let doubles = doubles.readonly();
    let doubles = doubles.as_array();
    // Rows one after the other; `PyReadonlyArray::as_slice` would also give columns.
    match doubles.as_slice() {
        Some(slice) => out.copy_from_slice(slice),
        None => out.iter_mut().zip(&doubles).for_each(|(out, value)| *out = *value),
    }
    Ok(())
}

/// Numbers of another type, or something that NumPy makes an array of.
fn doubles<'py>(given: &Bound<'py, PyAny>, what: &str) -> PyResult<Bound<'py, PyArrayDyn<f64>>> {
    let py = given.py();
    let array = py.import("numpy")?.call_method1("asarray", (given,))?;
    let dtype = array.getattr("dtype")?;
    let kind: String = dtype.getattr("kind")?.extract()?;
    if !matches!(kind.as_str(), "f" | "i" | "u") {
        let message = format!(
            "the density returned {what} of dtype {dtype}, but they must be real numbers, best float64"
        );
        return Err(errors::config(py, message));
    }
    Ok(array.call_method1("astype", ("float64",))?.cast_into::<PyArrayDyn<f64>>()?)
}

fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        many => format!("({})", many.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}
