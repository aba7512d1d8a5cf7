//! Several nodes that are one layer: found before the nodes are taken one after the other.

use super::super::graph::{Known, Translation};
use super::rearrange::{moved_squares, target};
use crate::net::import::ImportError;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::Data;
use crate::net::import::onnx::model::Node;
use crate::net::{Activation, LayerSpec};

/// Marks the nodes that another takes over.
pub(in crate::net::import::onnx) fn take_over_patterns(t: &mut Translation<'_>) {
    for (i, node) in t.nodes.iter().enumerate() {
        match node.operator {
            _ if t.is_done[i] => {}
            "Mul" => {
                if let Some((x, maker)) = swish_input(t, node) {
                    take_over(t, x, &[maker]);
                }
            }
            "Where" => {
                if let Some((x, makers)) = softplus_input(t, node) {
                    take_over(t, x, &makers);
                }
            }
            _ => {}
        }
    }
}

/// These nodes have nothing to do any more, and take a value no more.
fn take_over<'a>(t: &mut Translation<'a>, x: &'a str, nodes: &[usize]) {
    for node in nodes {
        t.is_done[*node] = true;
        if let Some(n) = t.uses.get_mut(x) {
            *n -= 1;
        }
    }
}

/// The argument of softplus where large ones are passed on as they are: `Where(x > 20, x, Softplus(x))`.
fn softplus_input<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Option<(&'a str, [usize; 2])> {
    let [condition, x, value] = [node.input(0)?, node.input(1)?, node.input(2)?];
    let makers = [*t.makers.get(condition)?, *t.makers.get(value)?];
    let nodes = t.nodes;
    let [greater, softplus] = makers.map(|i| &nodes[i]);
    let fits = (greater.operator, softplus.operator) == ("Greater", "Softplus")
        && [greater.input(0), softplus.input(0)] == [Some(x); 2]
        && [condition, value].iter().all(|name| t.uses.get(name) == Some(&1));
    if !fits {
        return None;
    }
    // From 16 on, softplus is its argument to single precision.
    let limit = t.floats(greater, 1).ok()?.values.to_f64();
    (limit.len() == 1 && limit[0] >= 16.0).then_some((x, makers))
}

/// The input of `Mul` that is `Sigmoid` of the other, and of nobody else.
fn swish_input<'a>(t: &Translation<'a>, node: &Node<'a>) -> Option<(&'a str, usize)> {
    let inputs = [node.input(0)?, node.input(1)?];
    [(0, 1), (1, 0)].into_iter().find_map(|(x, gate)| {
        let maker = *t.makers.get(inputs[gate])?;
        let is_gate = t.nodes[maker].operator == "Sigmoid" && t.nodes[maker].input(0) == Some(inputs[x]);
        (is_gate && t.uses.get(inputs[gate]) == Some(&1)).then_some((inputs[x], maker))
    })
}

/// Takes a `Mul` that is swish, or a `Reshape` that begins a rearrangement of pixels. Whether it was one.
pub(super) fn translate<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<bool, ImportError> {
    match node.operator {
        "Mul" => {
            let Some((x, maker)) = swish_input(t, node) else { return Ok(false) };
            if !t.is_done[maker] {
                return Ok(false);
            }
            let i = usize::from(node.input(0) != Some(x));
            let data = t.data(node, i)?;
            t.add(node, data, Piece::new(Activation::Swish, vec![]))?;
            Ok(true)
        }
        "Where" => {
            let Some((_, makers)) = softplus_input(t, node) else { return Ok(false) };
            if !makers.iter().all(|maker| t.is_done[*maker]) {
                return Ok(false);
            }
            let data = t.data(node, 1)?;
            t.add(node, data, Piece::new(Activation::Softplus, vec![]))?;
            Ok(true)
        }
        "Reshape" if t.is_data(node, 0) => squares(t, node),
        _ => Ok(false),
    }
}

/// The one node of this operator that takes the output of another.
pub(super) fn next<'a>(t: &Translation<'a>, node: &Node<'a>, operator: &str) -> Option<usize> {
    let name = node.output().ok()?;
    let at = *t.takers.get(name)?;
    let fits = t.nodes[at].operator == operator && t.nodes[at].input(0) == Some(name);
    (fits && t.uses.get(name) == Some(&1) && !t.is_done[at]).then_some(at)
}

fn squares<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<bool, ImportError> {
    let Some(turn) = next(t, node, "Transpose") else { return Ok(false) };
    let nodes = t.nodes;
    let Some(last) = next(t, &nodes[turn], "Reshape") else { return Ok(false) };
    let Known::Data(Data { sizes, .. }) = t.known(node, 0)? else { return Ok(false) };
    let (sizes, rows) = (sizes.clone(), t.rows);
    let Some(first) = target(rows, &sizes, &t.sizes(node, 1)?) else { return Ok(false) };
    let Some(end) = target(rows, &first, &t.sizes(&nodes[last], 1)?) else { return Ok(false) };
    let axes = nodes[turn].numbers("perm")?.unwrap_or(&[]);
    let Some(layer): Option<LayerSpec> = moved_squares(&sizes, &first, axes, &end) else { return Ok(false) };
    (t.is_done[turn], t.is_done[last]) = (true, true);
    let data = t.data(node, 0)?;
    t.add(&nodes[last], data, Piece::new(layer, vec![]))?;
    Ok(true)
}
