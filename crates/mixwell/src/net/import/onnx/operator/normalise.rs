//! Batch norms, and what adds or multiplies by one number for each channel; sums of two ways.

use super::linear::vector;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::{Data, Known, Translation};
use crate::net::import::onnx::model::Node;
use crate::net::import::{ArrayValues, ElementType, ImportError, NamedArray};
use crate::net::{Activation, ActivationLayer, BatchNorm, LayerSpec};

/// The arrays of a layer under its name.
pub(super) fn named(
    layer: &str,
    names: &[&str],
    arrays: impl IntoIterator<Item = NamedArray>,
) -> Vec<NamedArray> {
    names
        .iter()
        .zip(arrays)
        .map(|(name, array)| NamedArray { name: format!("{layer}.{name}"), ..array })
        .collect()
}

const ARRAYS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

/// Batch normalisation with its running statistics.
pub(super) fn batch_norm<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&["epsilon", "momentum", "training_mode", "spatial"])?;
    node.only("training_mode", 0)?;
    node.only("spatial", 1)?;
    let data = t.data(node, 0)?;
    let mut arrays = vec![];
    for i in 1..5 {
        let array = t.floats(node, i)?;
        if array.shape != [data.sizes[0]] {
            return Err(
                node.refuse(format!("input {i} has not one number for each of {} channels", data.sizes[0]))
            );
        }
        arrays.push(array);
    }
    let name = t.name(node, &arrays[0].name);
    let layer =
        BatchNorm { epsilon: node.float("epsilon", 1e-5)?, name: Some(name.clone()), ..BatchNorm::default() };
    t.add(node, data, Piece::new(layer, named(&name, &ARRAYS, arrays)))
}

/// The sum of two ways from one value.
pub(super) fn sum<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&[])?;
    let (a, b) = (t.data(node, 0)?, t.data(node, 1)?);
    if a.sizes != b.sizes {
        return Err(node.refuse(format!("it adds rows of {:?} and {:?}", a.sizes, b.sizes)));
    }
    let chain = t.chains.add(a.chain, b.chain).map_err(|e| node.refuse(e))?;
    t.finish(node, Known::Data(Data { chain, ..a }))
}

/// Adds, takes away, multiplies or divides by one number, or one for each channel.
pub(super) fn affine<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&[])?;
    let at = usize::from(!t.is_data(node, 0));
    let mut data = t.data(node, at)?;
    let n = data.sizes[0];
    let one = NamedArray {
        name: String::new(),
        shape: vec![],
        element: ElementType::F32,
        values: ArrayValues::F32(vec![-1.0]),
    };
    let array = if node.operator == "Neg" { one } else { t.floats(node, 1 - at)? };
    if !fits(&array.shape, &data.sizes) {
        let reason = format!(
            "it joins rows of {:?} with an array of {:?}; one number or one for each channel is read",
            data.sizes, array.shape
        );
        return Err(node.refuse(reason));
    }
    let values = array.values.to_f64();
    if node.operator == "Add" && add_bias(t, &mut data, &array) {
        return t.finish(node, Known::Data(data));
    }
    let (scale, shift): (Vec<f64>, Vec<f64>) = match (node.operator, at) {
        ("Add", _) => (vec![1.0], values),
        ("Sub", 0) => (vec![1.0], values.iter().map(|v| -v).collect()),
        ("Sub", _) => (vec![-1.0], values),
        ("Div", 0) => (values.iter().map(|v| 1.0 / v).collect(), vec![0.0]),
        ("Mul" | "Neg", _) => (values, vec![0.0]),
        _ => return Err(node.refuse("a number divided by rows is no layer")),
    };
    if let [factor] = scale[..]
        && node.operator != "Neg"
        && shift == [0.0]
        && is_lip_swish(t, &data, factor)
    {
        return t.finish(node, Known::Data(data));
    }
    let name = t.name(node, "");
    let is_double = array.element == ElementType::F64;
    let arrays = [scale, shift, vec![0.0], vec![1.0]].map(|values| {
        let shape = vec![values.len()];
        let (element, values) = if is_double {
            (ElementType::F64, ArrayValues::F64(values))
        } else {
            (ElementType::F32, ArrayValues::F32(values.iter().map(|v| *v as f32).collect()))
        };
        let array = NamedArray { name: String::new(), shape, element, values };
        vector(array, n).expect("one number, or one for each channel")
    });
    let layer = BatchNorm { epsilon: 0.0, name: Some(name.clone()), ..BatchNorm::default() };
    t.add(node, data, Piece::new(layer, named(&name, &ARRAYS, arrays)))
}

/// Whether an array is one number, or one for each channel of rows.
fn fits(shape: &[usize], sizes: &[usize]) -> bool {
    if shape.iter().product::<usize>() == 1 {
        return shape.len() <= sizes.len() + 1;
    }
    // Axes are compared from the last one on; one more before them is that of rows.
    let mut wanted = vec![1; sizes.len() + 1];
    wanted[1] = sizes[0];
    wanted.ends_with(shape) || wanted.get(1..) == Some(shape)
}

/// Makes an array the bias of the layer before, where that has none and is the only one that its rows came through.
fn add_bias(t: &mut Translation<'_>, data: &mut Data, array: &NamedArray) -> bool {
    let n = data.sizes[0];
    let Some(piece) = t.chains.last(data.chain) else { return false };
    let (bias, name) = match &mut piece.layer {
        LayerSpec::Dense(l) => (&mut l.bias, &l.name),
        LayerSpec::Convolution(l) => (&mut l.bias, &l.name),
        LayerSpec::TransposedConvolution(l) => (&mut l.bias, &l.name),
        _ => return false,
    };
    let (false, Some(layer), Ok(array)) = (*bias, name, vector(array.clone(), n)) else { return false };
    let name = format!("{layer}.bias");
    *bias = true;
    piece.arrays.push(NamedArray { name, ..array });
    true
}

/// Whether this factor makes the swish before it LipSwish.
fn is_lip_swish(t: &mut Translation<'_>, data: &Data, factor: f64) -> bool {
    match t.chains.last(data.chain).map(|p| &mut p.layer) {
        Some(LayerSpec::Activation(ActivationLayer { function }))
            if *function == Activation::Swish && (factor * 1.1 - 1.0).abs() < 1e-7 =>
        {
            *function = Activation::LipSwish;
            true
        }
        _ => false,
    }
}
