//! The nodes and arrays of a graph that is being written.

use super::super::protobuf::Message;
use crate::net::values::Params;

/// Precision of all real numbers of a graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    F32,
    F64,
}

/// ONNX's numbers of types.
const FLOAT: i64 = 1;
const INT64: i64 = 7;
const DOUBLE: i64 = 11;

/// A setting of a node.
pub(super) enum Setting<'a> {
    Number(i64),
    Numbers(&'a [i64]),
    Float(f64),
    Text(&'a str),
}

/// A value on its way: its name and the sizes of a row.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub name: String,
    pub sizes: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Graph {
    kind: Kind,
    /// Version of the operators that are needed.
    pub opset: i64,
    nodes: Vec<Message>,
    arrays: Vec<Message>,
}

impl Graph {
    pub fn new(kind: Kind) -> Self {
        Self { kind, opset: super::OPSET, nodes: vec![], arrays: vec![] }
    }

    /// Asks for operators of this version at least.
    pub fn needs(&mut self, opset: i64) {
        self.opset = self.opset.max(opset);
    }

    fn element(&self) -> i64 {
        if self.kind == Kind::F32 { FLOAT } else { DOUBLE }
    }

    fn array(&mut self, name: &str, shape: &[usize], element: i64, bytes: &[u8]) -> String {
        let sizes = shape.iter().fold(Message::default(), |m, n| m.number(1, *n as i64));
        self.arrays.push(sizes.number(2, element).bytes(8, name.as_bytes()).bytes(9, bytes));
        name.to_owned()
    }

    /// Parameters under this name.
    pub fn parameters(&mut self, name: &str, shape: &[usize], values: Params<'_>) -> String {
        let bytes: Vec<u8> = match values {
            Params::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Params::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        };
        self.array(name, shape, self.element(), &bytes)
    }

    /// Real numbers that are no parameters.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f64]) -> String {
        let single: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        let values = if self.kind == Kind::F32 { Params::F32(&single) } else { Params::F64(values) };
        self.parameters(name, shape, values)
    }

    /// Whole numbers.
    pub fn numbers(&mut self, name: &str, values: &[i64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|n| n.to_le_bytes()).collect();
        self.array(name, &[values.len()], INT64, &bytes)
    }

    /// Scales of a resize, which are of single precision whatever the rows are.
    pub fn scales(&mut self, name: &str, values: &[f32]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|n| n.to_le_bytes()).collect();
        self.array(name, &[values.len()], FLOAT, &bytes)
    }

    /// A node; gives the name of its output.
    pub fn node(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&str],
        settings: &[(&str, Setting<'_>)],
    ) -> String {
        let settings = settings.iter().map(|(name, setting)| {
            let message = Message::default().bytes(1, name.as_bytes());
            match setting {
                Setting::Float(x) => message.float(2, *x as f32).number(20, 1),
                Setting::Number(n) => message.number(3, *n).number(20, 2),
                Setting::Text(text) => message.bytes(4, text.as_bytes()).number(20, 3),
                Setting::Numbers(list) => list.iter().fold(message, |m, n| m.number(8, *n)).number(20, 7),
            }
        });
        let output = format!("{name}/{operator}");
        let node = Message::default()
            .each(1, inputs)
            .bytes(2, output.as_bytes())
            .bytes(3, output.as_bytes())
            .bytes(4, operator.as_bytes())
            .each(5, settings);
        self.nodes.push(node);
        output
    }

    fn value(&self, name: &str, sizes: &[usize]) -> Message {
        let rows = Message::default().bytes(2, b"rows");
        let sizes = sizes.iter().map(|n| Message::default().number(1, *n as i64));
        let shape = Message::default().each(1, std::iter::once(rows).chain(sizes));
        let tensor = Message::default().number(1, self.element()).bytes(2, shape.as_ref());
        let kind = Message::default().bytes(1, tensor.as_ref());
        Message::default().bytes(1, name.as_bytes()).bytes(2, kind.as_ref())
    }

    /// The graph between an input and an output, which gets the name `y`.
    pub fn finish(mut self, input: &str, sizes: &[usize], output: &Rows) -> Message {
        self.nodes.push(
            Message::default()
                .bytes(1, output.name.as_bytes())
                .bytes(2, b"y")
                .bytes(3, b"y")
                .bytes(4, b"Identity"),
        );
        let (input, output) = (self.value(input, sizes), self.value("y", &output.sizes));
        Message::default()
            .each(1, &self.nodes)
            .bytes(2, b"mixwell")
            .each(5, &self.arrays)
            .bytes(11, input.as_ref())
            .bytes(12, output.as_ref())
    }
}
