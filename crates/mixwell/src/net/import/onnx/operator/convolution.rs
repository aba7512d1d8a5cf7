//! Convolutions of both kinds, and the pixels that a node before adds at the edges.

use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::{Known, Translation};
use crate::net::import::onnx::model::Node;
use crate::net::import::{ImportError, NamedArray};
use crate::net::{Convolution, Padding, TransposedConvolution};

use super::normalise::named;

const SETTINGS: [&str; 8] =
    ["kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "output_padding", "output_shape"];

/// Weights with a square kernel, biases, kernel and stride.
type Parts = (NamedArray, Option<NamedArray>, usize, usize);

fn parts<'a>(t: &mut Translation<'a>, node: &'a Node<'a>, channel_axis: usize) -> Result<Parts, ImportError> {
    node.allow(&SETTINGS)?;
    node.only("group", 1)?;
    if node.square("dilations", Some(1))? != 1 {
        return Err(node.refuse("`dilations` other than 1 are not read"));
    }
    let weights = t.floats(node, 1)?;
    let [_, _, kernel, other] = weights.shape[..] else {
        return Err(
            node.refuse(format!("its weights have the shape {:?}; images have two axes", weights.shape))
        );
    };
    if kernel != other {
        return Err(node.refuse(format!("its kernel has {kernel} x {other} taps, only square ones are read")));
    }
    if node.square("kernel_shape", Some(kernel))? != kernel {
        return Err(node.refuse("`kernel_shape` is not that of the weights"));
    }
    let bias = if node.input(2).is_some() { Some(t.floats(node, 2)?) } else { None };
    if bias.as_ref().is_some_and(|b| b.shape != [weights.shape[channel_axis]]) {
        return Err(node.refuse("it has not one bias for each channel"));
    }
    Ok((weights, bias, kernel, node.square("strides", Some(1))?))
}

fn fits(node: &Node<'_>, sizes: &[usize], weights: &NamedArray, axis: usize) -> Result<(), ImportError> {
    if sizes.len() == 3 && sizes[0] == weights.shape[axis] {
        return Ok(());
    }
    Err(node.refuse(format!("rows of {sizes:?} do not fit to weights of {:?}", weights.shape)))
}

/// A convolution.
pub(super) fn convolution<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let (weights, bias, kernel, stride) = parts(t, node, 0)?;
    let mut data = t.padded(node, 0)?;
    fits(node, &data.sizes, &weights, 1)?;
    let own = node.padding()?;
    let (padding, padding_mode) = match data.padding.take() {
        None => (own, Padding::Zero),
        Some((before, Padding::Zero)) => (own.saturating_add(before), Padding::Zero),
        Some((before, mode)) if own == 0 => (before, mode),
        Some(_) => return Err(node.refuse("pixels of two kinds are added before it")),
    };
    let name = t.name(node, &weights.name);
    let (channels, has_bias) = (weights.shape[0], bias.is_some());
    let layer = Convolution {
        padding_mode,
        bias: has_bias,
        name: Some(name.clone()),
        ..Convolution::new(channels, kernel, stride, padding)
    };
    let arrays = named(&name, &["weight", "bias"], std::iter::once(weights).chain(bias));
    t.add(node, data, Piece::new(layer, arrays))
}

/// A transposed convolution.
pub(super) fn transposed<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let (weights, bias, kernel, stride) = parts(t, node, 1)?;
    if node.numbers("output_shape")?.is_some() {
        return Err(node.refuse("`output_shape` is not read"));
    }
    let data = t.data(node, 0)?;
    fits(node, &data.sizes, &weights, 0)?;
    let name = t.name(node, &weights.name);
    let layer = TransposedConvolution {
        output_padding: node.square("output_padding", Some(0))?,
        bias: bias.is_some(),
        name: Some(name.clone()),
        ..TransposedConvolution::new(weights.shape[1], kernel, stride, node.padding()?)
    };
    let arrays = named(&name, &["weight", "bias"], std::iter::once(weights).chain(bias));
    t.add(node, data, Piece::new(layer, arrays))
}

/// Pixels at the edges, for the convolution that follows; channels of zeros become a layer of their own.
pub(super) fn pad<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&["mode", "pads", "value"])?;
    let pads = match node.numbers("pads")? {
        Some(pads) => pads.to_vec(),
        None => t.numbers(node, 1)?,
    };
    let filled = node.input(2).is_some() && t.array(node, 2)?.values.to_f64().iter().any(|v| *v != 0.0);
    let mode = match node.text("mode", "constant")? {
        "constant" if filled || node.float("value", 0.0)? != 0.0 => {
            return Err(node.refuse("pixels other than zeros are added, which no layer does"));
        }
        "constant" => Padding::Zero,
        "edge" => Padding::Edge,
        _ => return Err(node.refuse("its `mode` is not read; zeros and the nearest pixel are")),
    };
    let mut data = t.data(node, 0)?;
    match (pads.as_slice(), data.sizes.len()) {
        (all, _) if all.iter().all(|n| *n == 0) => {}
        ([0, 0, a, b, 0, 0, c, d], 3) if a == b && b == c && c == d && *a > 0 => {
            data.padding = Some((*a as usize, mode));
        }
        ([0, before, 0, 0, 0, after, 0, 0], 3) if before == after && *before > 0 && mode == Padding::Zero => {
            return super::rearrange::add_channels(t, node, data, 1, *before as usize);
        }
        _ => return Err(node.refuse(format!("its `pads` {pads:?} are not read; the same at every edge are"))),
    }
    t.finish(node, Known::Data(data))
}
