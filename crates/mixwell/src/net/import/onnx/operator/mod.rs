//! What the nodes of a graph are among layers: a file for each family of operators.

mod convolution;
mod linear;
mod normalise;
mod pattern;
mod pointwise;
mod pool;
mod rearrange;
mod resize;
mod sizes;

use super::graph::{Known, Translation};
use super::model::Node;
use crate::net::import::ImportError;

pub(super) use pattern::take_over_patterns;

/// Takes a node: adds its layer, or says what its value is.
pub(super) fn translate<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    if pattern::translate(t, node)? {
        return Ok(());
    }
    match node.operator {
        "Constant" => sizes::constant(t, node),
        _ if sizes::is_of_sizes(t, node) => sizes::arithmetic(t, node),
        "Identity" | "Dropout" | "Cast" => sizes::pass(t, node),
        "Gemm" => linear::gemm(t, node),
        "MatMul" => linear::matmul(t, node),
        "Conv" => convolution::convolution(t, node),
        "ConvTranspose" => convolution::transposed(t, node),
        "Pad" => convolution::pad(t, node),
        "BatchNormalization" => normalise::batch_norm(t, node),
        "Add" if t.is_data(node, 0) && t.is_data(node, 1) => normalise::sum(t, node),
        "Add" | "Sub" | "Mul" | "Div" | "Neg" => normalise::affine(t, node),
        "MaxPool" => pool::maximum(t, node),
        "AveragePool" => pool::average(t, node),
        "GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceSum" => pool::global(t, node),
        "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => rearrange::reshape(t, node),
        "DepthToSpace" | "SpaceToDepth" => rearrange::squares(t, node),
        "Transpose" => rearrange::transpose(t, node),
        "Slice" => rearrange::subsample(t, node),
        "Resize" | "Upsample" => resize::resize(t, node),
        _ => pointwise::activation(t, node),
    }
}

/// Passes an input on as the output.
fn pass_on<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let known = match t.known(node, 0)?.clone() {
        Known::Data(_) => Known::Data(t.padded(node, 0)?),
        other => other,
    };
    t.finish(node, known)
}
