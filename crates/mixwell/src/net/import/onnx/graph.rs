//! Takes the nodes of a graph in their order, and knows of every value what it is: an array, the sizes of one, or rows on their way
//! through the network.

use std::collections::{HashMap, HashSet};

use super::chain::{Chains, Piece};
use super::model::{Graph, Model, Node, Tensor};
use super::operator;
use crate::io::excerpt;
use crate::net::import::limits::Budget;
use crate::net::import::{ArrayValues, ImportError, ImportLimits, NamedArray};
use crate::net::{NetworkSpec, Padding, Shape};

/// ONNX's number of the type of sizes.
const INT64: i64 = 7;

/// A size of an array that depends on rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Size {
    /// The number of rows.
    Rows,
    /// Any other.
    Number(i64),
}

/// A small array of whole numbers.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub shape: Vec<usize>,
    pub values: Vec<Size>,
}

/// Rows on their way: the chain that they have come through, and the sizes of one.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub chain: usize,
    pub sizes: Vec<usize>,
    /// Pixels that a node before has added at every edge, for a convolution to take over.
    pub padding: Option<(usize, Padding)>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Known<'a> {
    Tensor(&'a Tensor<'a>),
    Array(NamedArray),
    Sizes(Whole),
    Data(Data),
}

/// A graph on its way into a list of layers.
pub(super) struct Translation<'a> {
    pub nodes: &'a [Node<'a>],
    values: HashMap<&'a str, Known<'a>>,
    /// How many nodes take a value.
    pub uses: HashMap<&'a str, usize>,
    /// The first node that takes a value.
    pub takers: HashMap<&'a str, usize>,
    /// The node that makes a value.
    pub makers: HashMap<&'a str, usize>,
    /// Nodes that another has taken over.
    pub is_done: Vec<bool>,
    pub chains: Chains,
    pub memory: Budget,
    /// Names of layers, and how often each was wanted.
    names: HashMap<String, usize>,
    /// The number of rows, where the file fixes it.
    pub rows: Option<i64>,
}

/// The description of a graph, and its arrays in the order of the layout.
pub(super) fn translate(
    model: &Model<'_>,
    limits: &ImportLimits,
) -> Result<(NetworkSpec, Vec<NamedArray>), ImportError> {
    const OLDEST: i64 = 7;
    if model.opset < OLDEST {
        let reason =
            format!("its operators are of version {}, the oldest that is read is {OLDEST}", model.opset);
        return Err(ImportError::network(&reason));
    }
    let graph = &model.graph;
    let (name, sizes, rows) = input(graph)?;
    let [output] = graph.outputs.as_slice() else {
        return Err(ImportError::network(&format!(
            "it has {} outputs, only one is read",
            graph.outputs.len()
        )));
    };
    let mut t = Translation::new(graph, output.name, rows, limits)?;
    t.values.insert(name, Known::Data(Data { chain: 0, sizes: sizes.clone(), padding: None }));
    let mut spec = NetworkSpec::new(if sizes.iter().skip(1).all(|n| *n == 1) { &sizes[..1] } else { &sizes });
    spec.input_shape().map_err(|e| ImportError::network(&e.to_string()))?;
    // The same word may mean something else to somebody else.
    let own = |node: &&Node<'_>| matches!(node.domain, "" | "ai.onnx");
    let live = || graph.nodes.iter().zip(&t.is_done).filter(|(_, is_done)| !**is_done).map(|(node, _)| node);
    if let Some(node) = live().find(|node| !own(node)) {
        return Err(node.refuse("only the operators of ONNX itself are read"));
    }
    // What depends on nothing comes first, so that several nodes can be taken as one.
    for (i, node) in graph.nodes.iter().enumerate() {
        if node.operator == "Constant" && !t.is_done[i] {
            operator::translate(&mut t, node)?;
            t.is_done[i] = true;
        }
    }
    operator::take_over_patterns(&mut t);
    for (i, node) in graph.nodes.iter().enumerate() {
        if !t.is_done[i] {
            operator::translate(&mut t, node)?;
        }
    }
    let Some(Known::Data(Data { chain, padding: None, .. })) = t.values.remove(output.name) else {
        let reason = format!("its output `{}` is not made of its input", excerpt(output.name));
        return Err(ImportError::network(&reason));
    };
    let pieces = t.chains.take(chain, None).map_err(|e| ImportError::network(&e))?;
    let mut arrays = vec![];
    for Piece { layer, arrays: own, .. } in pieces {
        spec.layers.push(layer);
        arrays.extend(own);
    }
    if spec.layers.is_empty() {
        return Err(ImportError::network("it has no layer"));
    }
    spec.output().map_err(|e| ImportError::network(&e.to_string()))?;
    Ok((spec, arrays))
}

/// The one input that is no array: its name, the sizes of a row, and the number of rows where it is fixed.
fn input<'a>(graph: &'a Graph<'a>) -> Result<(&'a str, Vec<usize>, Option<i64>), ImportError> {
    let arrays: HashSet<&str> = graph.initializers.iter().map(|i| i.name).collect();
    let mut inputs = graph.inputs.iter().filter(|i| !arrays.contains(i.name));
    let (Some(input), None) = (inputs.next(), inputs.next()) else {
        return Err(ImportError::network("it has no input or several; a network has one"));
    };
    let wrong = |why: &str| ImportError::network(&format!("its input `{}` {why}", excerpt(input.name)));
    // Single, half and double precision.
    if !matches!(input.kind, 1 | 10 | 11 | 16) {
        return Err(wrong("is not of real numbers"));
    }
    let sizes = input.sizes.as_deref().ok_or_else(|| wrong("has no shape"))?;
    let Some((rows, sizes)) = sizes.split_first().filter(|(_, s)| matches!(s.len(), 1 | 3)) else {
        return Err(wrong("has not the shape [rows, n] or [rows, channels, height, width]"));
    };
    let fixed = |n: &Option<i64>| usize::try_from((*n)?).ok().filter(|n| *n > 0);
    let sizes = sizes.iter().map(fixed).collect::<Option<Vec<_>>>();
    let sizes =
        sizes.ok_or_else(|| wrong("leaves the size of a row open; export it with only the rows open"))?;
    Ok((input.name, sizes, rows.filter(|n| *n > 0)))
}

impl<'a> Translation<'a> {
    fn new(
        graph: &'a Graph<'a>,
        output: &'a str,
        rows: Option<i64>,
        limits: &ImportLimits,
    ) -> Result<Self, ImportError> {
        let nodes = graph.nodes.as_slice();
        let mut makers = HashMap::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            for name in node.outputs.iter().filter(|name| !name.is_empty()) {
                if makers.insert(*name, i).is_some() {
                    return Err(node.refuse(format!("there are two values `{}`", excerpt(name))));
                }
            }
        }
        // What does not lead to the output does not count.
        let (mut is_done, mut waiting) = (vec![true; nodes.len()], vec![output]);
        let mut uses = HashMap::from([(output, 1)]);
        while let Some(name) = waiting.pop() {
            let Some(&i) = makers.get(name) else { continue };
            if std::mem::replace(&mut is_done[i], false) {
                for input in nodes[i].inputs.iter().filter(|name| !name.is_empty()) {
                    waiting.push(input);
                    if nodes[i].operator != "Shape" {
                        *uses.entry(input).or_insert(0) += 1;
                    }
                }
            }
        }
        let mut takers = HashMap::with_capacity(uses.len());
        for (i, node) in nodes.iter().enumerate().filter(|(i, node)| !is_done[*i] && node.operator != "Shape")
        {
            for input in &node.inputs {
                takers.entry(*input).or_insert(i);
            }
        }
        let values = graph.initializers.iter().map(|i| (i.name, Known::Tensor(i))).collect();
        Ok(Self {
            nodes,
            values,
            uses,
            takers,
            makers,
            is_done,
            chains: Chains::new(),
            memory: Budget::new("arrays", limits.arrays),
            names: HashMap::new(),
            rows,
        })
    }

    /// What a value is, as far as nodes before have said.
    pub fn known(&self, node: &Node<'a>, i: usize) -> Result<&Known<'a>, ImportError> {
        let name = node.needs(i)?;
        self.values
            .get(name)
            .ok_or_else(|| node.refuse(format!("its input `{}` is made by no node before it", excerpt(name))))
    }

    /// Says what a value is.
    pub fn set(&mut self, name: &'a str, known: Known<'a>) {
        self.values.insert(name, known);
    }

    /// Says what the first output of a node is.
    pub fn finish(&mut self, node: &Node<'a>, known: Known<'a>) -> Result<(), ImportError> {
        let name = node.output()?;
        self.set(name, known);
        Ok(())
    }

    /// What was said of a value, to be changed.
    pub fn own(&mut self, name: &'a str) -> &mut Known<'a> {
        self.values.get_mut(name).expect("a value that was just made")
    }

    /// Whether an input is rows on their way.
    pub fn is_data(&self, node: &Node<'a>, i: usize) -> bool {
        matches!(self.known(node, i), Ok(Known::Data(_)))
    }

    /// The rows that go into a node, on a chain to which it may add layers.
    pub fn data(&mut self, node: &Node<'a>, i: usize) -> Result<Data, ImportError> {
        let data = self.padded(node, i)?;
        match data.padding {
            None => Ok(data),
            Some(_) => {
                Err(node.refuse("pixels are added before it (Pad); only a convolution can take that over"))
            }
        }
    }

    /// The same where pixels may have been added.
    pub fn padded(&mut self, node: &Node<'a>, i: usize) -> Result<Data, ImportError> {
        let name = node.needs(i)?;
        let Known::Data(data) = self.known(node, i)? else {
            return Err(
                node.refuse(format!("its input `{}` does not depend on the network's input", excerpt(name)))
            );
        };
        let mut data = data.clone();
        if self.uses.get(name).is_some_and(|n| *n > 1) {
            data.chain = self.chains.fork(data.chain).map_err(|e| node.refuse(e))?;
        }
        Ok(data)
    }

    /// An array of real numbers.
    pub fn floats(&mut self, node: &Node<'a>, i: usize) -> Result<NamedArray, ImportError> {
        let array = self.array(node, i)?;
        if array.element.is_float() {
            Ok(array)
        } else {
            Err(node.refuse(format!("input {i} is of whole numbers")))
        }
    }

    /// An array.
    pub fn array(&mut self, node: &Node<'a>, i: usize) -> Result<NamedArray, ImportError> {
        match self.known(node, i)? {
            Known::Tensor(tensor) => {
                let tensor: &Tensor<'a> = tensor;
                tensor.read(&mut self.memory)
            }
            Known::Array(array) => Ok(array.clone()),
            _ => Err(node.refuse(format!("input {i} is no array of the file; weights and settings must be"))),
        }
    }

    /// Whole numbers: an array, or sizes that nodes before have put together.
    pub fn whole(&mut self, node: &Node<'a>, i: usize) -> Result<Whole, ImportError> {
        match self.known(node, i)? {
            Known::Sizes(whole) => return Ok(whole.clone()),
            Known::Tensor(tensor) if tensor.kind != INT64 => {
                return Err(node.refuse(format!("input {i} is not of whole numbers")));
            }
            _ => {}
        }
        let array = self.array(node, i)?;
        match array.values {
            ArrayValues::I64(v) => {
                Ok(Whole { shape: array.shape, values: v.into_iter().map(Size::Number).collect() })
            }
            _ => Err(node.refuse(format!("input {i} is not of whole numbers"))),
        }
    }

    /// A list of whole numbers.
    pub fn sizes(&mut self, node: &Node<'a>, i: usize) -> Result<Vec<Size>, ImportError> {
        let whole = self.whole(node, i)?;
        if whole.shape.len() < 2 {
            Ok(whole.values)
        } else {
            Err(node.refuse(format!("input {i} is no list")))
        }
    }

    /// The same where the number of rows has no place.
    pub fn numbers(&mut self, node: &Node<'a>, i: usize) -> Result<Vec<i64>, ImportError> {
        let number = |size: Size| match size {
            Size::Number(n) => Some(n),
            Size::Rows => None,
        };
        let sizes: Option<Vec<i64>> = self.sizes(node, i)?.into_iter().map(number).collect();
        sizes.ok_or_else(|| node.refuse(format!("input {i} depends on the number of rows")))
    }

    /// Adds a layer to the rows, which come out as the output of the node.
    pub fn add(&mut self, node: &Node<'a>, data: Data, piece: Piece) -> Result<(), ImportError> {
        let input = shape(&data.sizes).map_err(|e| node.refuse(e))?;
        let output = piece.layer.output(input).map_err(|e| node.refuse(format!("input {input}: {e}")))?;
        let sizes = match data.sizes.len() {
            1 => vec![output.channels],
            _ => vec![output.channels, output.height, output.width],
        };
        self.chains.push(data.chain, piece).map_err(|e| node.refuse(e))?;
        self.finish(node, Known::Data(Data { sizes, ..data }))
    }

    /// A name that no other layer has: that of its weights where they have one as in PyTorch, or the node's.
    pub fn name(&mut self, node: &Node<'a>, weights: &str) -> String {
        let given = weights.strip_suffix(".weight").filter(|name| !name.is_empty());
        let name = given.unwrap_or(if node.name.is_empty() { node.operator } else { node.name });
        let mut unique = name.to_owned();
        while let Some(n) = self.names.get_mut(&unique) {
            *n += 1;
            unique = format!("{unique}.{n}");
        }
        self.names.insert(unique.clone(), 1);
        unique
    }
}

/// The shape of a row in a network.
pub(super) fn shape(sizes: &[usize]) -> Result<Shape, String> {
    match sizes {
        [_] | [_, _, _] => Shape::from_sizes(sizes),
        _ => Err(format!("a row has the shape {sizes:?} here; layers take [n] or [channels, height, width]")),
    }
}
