//! A network as an ONNX graph, with operators of version 13 (20 where it has GELU) and any number of rows. What ONNX has no operator for is written as
//! several, and what those do not make is refused by its name.

mod graph;
mod layers;

use self::graph::{Graph, Kind};
use super::protobuf::Message;
use crate::ConfigError;
use crate::net::model::Model;
use crate::net::network::Network;
use crate::net::values::{Params, Stored};

/// Version of the operators, and of the file format that goes with them.
const OPSET: i64 = 13;
const FORMAT: i64 = 7;
/// The format where operators of a later version are needed.
const LATER_FORMAT: i64 = 9;

impl<T: Stored> Network<T> {
    /// The network as an ONNX file: operators of version 13 (20 where it has GELU), its own precision, any number of rows.
    /// The input `x` is `rows x n` or `rows x channels x height x width`, the output is `y`.
    ///
    /// # Errors
    /// The first layer that ONNX has no operators for, by its place and kind.
    pub fn to_onnx(&self) -> Result<Vec<u8>, ConfigError> {
        let params = T::params(self.params());
        let kind = if matches!(params, Params::F32(_)) { Kind::F32 } else { Kind::F64 };
        let mut graph = Graph::new(kind);
        let numbers: Vec<(&[usize], Params<'_>)> = self
            .layout()
            .iter()
            .map(|a| (a.shape.as_slice(), T::params(&self.params()[a.offset..a.end()])))
            .collect();
        let output = layers::write(&mut graph, self.spec(), &numbers)?;
        let opset = graph.opset;
        let graph = graph.finish("x", &self.spec().input, &output);
        let operators = Message::default().bytes(1, b"").number(2, opset);
        let model = Message::default()
            .number(1, if opset == OPSET { FORMAT } else { LATER_FORMAT })
            .bytes(2, b"mixwell")
            .bytes(3, env!("CARGO_PKG_VERSION").as_bytes())
            .bytes(7, graph.as_ref())
            .bytes(8, operators.as_ref());
        Ok(model.0)
    }
}
