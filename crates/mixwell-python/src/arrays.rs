//! NumPy arrays and rows of points, one made from the other.

use mixwell::Points;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// A copy of `rows x dim` numbers of any strides.
pub fn points(x: &PyReadonlyArray2<'_, f64>) -> Points {
    // No rows where there are no columns.
    let dim = x.shape()[1].max(1);
    Points::from_vec(x.as_array().iter().copied().collect(), dim)
}

/// Points as an array `rows x dim`.
pub fn matrix(py: Python<'_>, points: Points) -> PyResult<Bound<'_, PyArray2<f64>>> {
    let shape = [points.rows(), points.dim()];
    points.into_vec().into_pyarray(py).reshape(shape)
}

/// Numbers as an array.
pub fn vector(py: Python<'_>, numbers: Vec<f64>) -> Bound<'_, PyArray1<f64>> {
    numbers.into_pyarray(py)
}
