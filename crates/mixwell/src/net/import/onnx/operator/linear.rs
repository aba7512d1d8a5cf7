//! Dense layers: `Gemm`, and `MatMul` with the `Add` that follows it.

use crate::net::Dense;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::Translation;
use crate::net::import::onnx::model::Node;
use crate::net::import::{ArrayValues, ImportError, NamedArray};

/// The same numbers with rows and columns changed, or times a factor.
fn changed(array: NamedArray, is_turned: bool, factor: f64) -> NamedArray {
    fn of<T: Copy>(v: Vec<T>, shape: &[usize], is_turned: bool, times: impl Fn(T) -> T) -> Vec<T> {
        match shape {
            [n, m] if is_turned => (0..n * m).map(|i| times(v[i % n * m + i / n])).collect(),
            _ => v.into_iter().map(times).collect(),
        }
    }
    let NamedArray { name, mut shape, element, values } = array;
    let values = match values {
        ArrayValues::F32(v) => ArrayValues::F32(of(v, &shape, is_turned, |x| (f64::from(x) * factor) as f32)),
        ArrayValues::F64(v) => ArrayValues::F64(of(v, &shape, is_turned, |x| x * factor)),
        other => other,
    };
    if is_turned {
        shape.reverse();
    }
    NamedArray { name, shape, element, values }
}

/// `y = alpha x W' + beta b`.
pub(super) fn gemm<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&["alpha", "beta", "transA", "transB"])?;
    node.only("transA", 0)?;
    let is_turned = node.number("transB", 0)? == 0;
    let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    let weights = matrix(t, node, is_turned, alpha)?;
    let bias = match node.input(2) {
        None => None,
        Some(_) => {
            let units = weights.shape[0];
            let array = changed(t.floats(node, 2)?, false, beta);
            Some(vector(array, units).map_err(|e| node.refuse(e))?)
        }
    };
    dense(t, node, weights, bias)
}

/// `y = x W'`.
pub(super) fn matmul<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&[])?;
    let weights = matrix(t, node, true, 1.0)?;
    dense(t, node, weights, None)
}

fn matrix<'a>(
    t: &mut Translation<'a>,
    node: &'a Node<'a>,
    is_turned: bool,
    factor: f64,
) -> Result<NamedArray, ImportError> {
    let array = t.floats(node, 1)?;
    if array.shape.len() != 2 {
        return Err(
            node.refuse(format!("its weights have the shape {:?}, not that of a matrix", array.shape))
        );
    }
    Ok(changed(array, is_turned, factor))
}

/// One number for each channel, from an array that says them, or one for all.
pub(super) fn vector(array: NamedArray, n: usize) -> Result<NamedArray, String> {
    let NamedArray { name, shape, element, values } = array;
    let values = match (values, n) {
        (ArrayValues::F32(v), n) if v.len() == 1 => ArrayValues::F32(vec![v[0]; n]),
        (ArrayValues::F64(v), n) if v.len() == 1 => ArrayValues::F64(vec![v[0]; n]),
        (values, n) if values.len() == n => values,
        _ => return Err(format!("an array has the shape {shape:?}, and one number or {n} are needed")),
    };
    Ok(NamedArray { name, shape: vec![n], element, values })
}

fn dense<'a>(
    t: &mut Translation<'a>,
    node: &'a Node<'a>,
    weights: NamedArray,
    bias: Option<NamedArray>,
) -> Result<(), ImportError> {
    let data = t.data(node, 0)?;
    if data.sizes.len() != 1 || weights.shape[1] != data.sizes[0] {
        let reason = format!("rows of {:?} do not fit to weights of {:?}", data.sizes, weights.shape);
        return Err(node.refuse(reason));
    }
    let name = t.name(node, &weights.name);
    let layer = Dense { bias: bias.is_some(), name: Some(name.clone()), ..Dense::new(weights.shape[0]) };
    let arrays = std::iter::once(weights).chain(bias);
    t.add(node, data, Piece::new(layer, super::normalise::named(&name, &["weight", "bias"], arrays)))
}
