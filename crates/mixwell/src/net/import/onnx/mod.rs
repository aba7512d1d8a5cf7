//! ONNX graphs that consist of layers there are: read into a description and its arrays.
//!
//! The file is a protobuf message (`protobuf`, `model`, `tensor`). Its nodes are taken in their order (`graph`), each by the operator
//! it is (`operator/`), and become chains of layers; where two ways from one value are added, a residual block (`chain`). What is
//! not understood is refused by operator and node. Reference: <https://onnx.ai/onnx/operators/>.

mod chain;
mod graph;
mod model;
mod node;
mod operator;
mod protobuf;
mod tensor;

use std::collections::BTreeMap;

use super::{ArrayFileKind, ImportError, ImportLimits, NamedArrays};

/// Whether a file begins like one: its version, and then who made it, its operators, or the graph.
pub(super) fn is_model(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x3f, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..])
}

/// Reads the network.
pub(super) fn read(bytes: &[u8], limits: &ImportLimits) -> Result<NamedArrays, ImportError> {
    let model = model::read(bytes, limits)?;
    let (network, arrays) = graph::translate(&model, limits)?;
    let mut metadata = BTreeMap::new();
    if !model.producer.is_empty() {
        metadata.insert("producer".to_owned(), crate::io::excerpt(model.producer));
    }
    let all = NamedArrays::new(ArrayFileKind::Onnx, arrays, vec![])?;
    Ok(all.with_metadata(metadata).with_network(Some(network)))
}
