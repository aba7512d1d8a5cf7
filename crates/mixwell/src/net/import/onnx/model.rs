//! The messages of an ONNX file that are needed: model, graph, node, attribute, tensor, value. Texts and numbers stay in the file.

use super::protobuf::{Message, Wire, damaged};
use crate::net::import::limits::Budget;
use crate::net::import::{ImportError, ImportLimits};

/// A file.
#[derive(Debug, Default)]
pub(super) struct Model<'a> {
    pub producer: &'a str,
    /// Version of the standard operators.
    pub opset: i64,
    pub graph: Graph<'a>,
}

#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    pub initializers: Vec<Tensor<'a>>,
    pub inputs: Vec<Value<'a>>,
    pub outputs: Vec<Value<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    pub name: &'a str,
    pub operator: &'a str,
    pub domain: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: Vec<Attribute<'a>>,
}

/// A setting of a node.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub name: &'a str,
    pub value: Setting<'a>,
}

#[derive(Debug, Default)]
pub(super) enum Setting<'a> {
    Float(f32),
    Number(i64),
    Text(&'a [u8]),
    Tensor(Tensor<'a>),
    Floats(Vec<f32>),
    Numbers(Vec<i64>),
    /// Graphs and the like, which no layer has.
    #[default]
    Other,
}

/// An array; its numbers are read when they are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    pub sizes: Vec<i64>,
    pub kind: i64,
    pub message: Option<Message<'a>>,
    /// The numbers lie in another file.
    pub is_external: bool,
}

/// What goes in or comes out.
#[derive(Debug, Default)]
pub(super) struct Value<'a> {
    pub name: &'a str,
    pub kind: i64,
    /// `None` for a size that may be any.
    pub sizes: Option<Vec<Option<i64>>>,
}

/// Reads the messages. Of nodes, arrays, attributes, names and sizes together there are at most as many as there may be
/// steps of a pickle.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &ImportLimits) -> Result<Model<'a>, ImportError> {
    let mut parts = Budget::new("nodes, arrays, names and settings", limits.steps as u64);
    let (mut model, mut graph) = (Model::default(), None);
    for field in (Message { bytes, at: 0 }).fields() {
        match field? {
            (2, wire) => model.producer = wire.bytes()?.text()?,
            (7, wire) => {
                let message = wire.bytes()?;
                if graph.replace(message).is_some() {
                    return Err(damaged(message.at, "it has two graphs"));
                }
            }
            (8, wire) => {
                let (mut domain, mut version) = ("", 0);
                for field in wire.bytes()?.fields() {
                    match field? {
                        (1, wire) => domain = wire.bytes()?.text()?,
                        (2, wire) => version = wire.number()?,
                        _ => {}
                    }
                }
                if matches!(domain, "" | "ai.onnx") {
                    model.opset = version;
                }
            }
            _ => {}
        }
    }
    let message = graph.ok_or_else(|| damaged(0, "it has no graph"))?;
    model.graph = self::graph(message, &mut parts)?;
    Ok(model)
}

fn graph<'a>(message: Message<'a>, parts: &mut Budget) -> Result<Graph<'a>, ImportError> {
    let mut graph = Graph::default();
    for field in message.fields() {
        let (number, wire) = field?;
        if matches!(number, 1 | 5 | 11 | 12 | 15) {
            parts.take(1)?;
        }
        match number {
            1 => graph.nodes.push(node(wire.bytes()?, parts)?),
            5 => graph.initializers.push(tensor(wire.bytes()?, parts)?),
            11 => graph.inputs.push(value(wire.bytes()?, parts)?),
            12 => graph.outputs.push(value(wire.bytes()?, parts)?),
            15 => return Err(ImportError::network("sparse arrays (sparse_initializer) are not read")),
            _ => {}
        }
    }
    Ok(graph)
}

fn node<'a>(message: Message<'a>, parts: &mut Budget) -> Result<Node<'a>, ImportError> {
    let mut node = Node::default();
    for field in message.fields() {
        let (number, wire) = field?;
        parts.take(1)?;
        match number {
            1 => node.inputs.push(wire.bytes()?.text()?),
            2 => node.outputs.push(wire.bytes()?.text()?),
            3 => node.name = wire.bytes()?.text()?,
            4 => node.operator = wire.bytes()?.text()?,
            5 => node.attributes.push(attribute(wire.bytes()?, parts)?),
            7 => node.domain = wire.bytes()?.text()?,
            _ => {}
        }
    }
    Ok(node)
}

/// What an attribute is, where it does not say so, is told by the field that it has.
fn attribute<'a>(message: Message<'a>, parts: &mut Budget) -> Result<Attribute<'a>, ImportError> {
    let (mut name, mut value, mut kind) = ("", Setting::Other, 0);
    let (mut floats, mut numbers) = (vec![], vec![]);
    for field in message.fields() {
        let (number, wire) = field?;
        parts.take(1)?;
        match (number, wire) {
            (1, wire) => name = wire.bytes()?.text()?,
            (2, Wire::Fixed32(b)) => value = Setting::Float(f32::from_le_bytes(b)),
            (3, wire) => value = Setting::Number(wire.number()?),
            (4, wire) => value = Setting::Text(wire.bytes()?.bytes),
            (5, wire) => value = Setting::Tensor(tensor(wire.bytes()?, parts)?),
            (6, _) => value = Setting::Other,
            (7, Wire::Fixed32(b)) => floats.push(f32::from_le_bytes(b)),
            (7, wire) => {
                let packed = wire.bytes()?.bytes.chunks_exact(4);
                floats.extend(packed.map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))));
            }
            (8, wire) => wire.add_numbers(&mut numbers)?,
            (20, wire) => kind = wire.number()?,
            _ => {}
        }
    }
    match (kind, value) {
        (6, _) => value = Setting::Floats(floats),
        (7, _) => value = Setting::Numbers(numbers),
        (0, Setting::Other) if !numbers.is_empty() => value = Setting::Numbers(numbers),
        (0, Setting::Other) if !floats.is_empty() => value = Setting::Floats(floats),
        // Zero, and the empty text, may be left out.
        (1, Setting::Other) => value = Setting::Float(0.0),
        (2, Setting::Other) => value = Setting::Number(0),
        (3, Setting::Other) => value = Setting::Text(b""),
        (_, found) => value = found,
    }
    Ok(Attribute { name, value })
}

fn tensor<'a>(message: Message<'a>, parts: &mut Budget) -> Result<Tensor<'a>, ImportError> {
    let mut tensor = Tensor { message: Some(message), ..Tensor::default() };
    for field in message.fields() {
        match field? {
            (1, wire) => {
                parts.take(1)?;
                wire.add_numbers(&mut tensor.sizes)?;
            }
            (2, wire) => tensor.kind = wire.number()?,
            (3, _) => return Err(damaged(message.at, "an array in segments is not read")),
            (8, wire) => tensor.name = wire.bytes()?.text()?,
            (13, _) => tensor.is_external = true,
            (14, wire) => tensor.is_external |= wire.number()? != 0,
            _ => {}
        }
    }
    Ok(tensor)
}

fn value<'a>(message: Message<'a>, parts: &mut Budget) -> Result<Value<'a>, ImportError> {
    let mut value = Value::default();
    for field in message.fields() {
        match field? {
            (1, wire) => value.name = wire.bytes()?.text()?,
            (2, wire) => {
                for field in wire.bytes()?.fields() {
                    if let (1, wire) = field? {
                        (value.kind, value.sizes) = tensor_type(wire.bytes()?, parts)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(value)
}

type Sizes = Option<Vec<Option<i64>>>;

fn tensor_type(message: Message<'_>, parts: &mut Budget) -> Result<(i64, Sizes), ImportError> {
    let (mut kind, mut sizes) = (0, None);
    for field in message.fields() {
        match field? {
            (1, wire) => kind = wire.number()?,
            (2, wire) => {
                let mut list = vec![];
                for field in wire.bytes()?.fields() {
                    let (1, wire) = field? else { continue };
                    parts.take(1)?;
                    let mut size = None;
                    for field in wire.bytes()?.fields() {
                        if let (1, wire) = field? {
                            size = Some(wire.number()?);
                        }
                    }
                    list.push(size);
                }
                sizes = Some(list);
            }
            _ => {}
        }
    }
    Ok((kind, sizes))
}
