//! Several nodes that are one layer: found before the nodes are taken one after the other.

use super::super::graph::{Known, Translation};
use super::rearrange::{moved_squares, target};
use crate::net::import::ImportError;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::Data;
use crate::net::import::onnx::model::Node;
use crate::net::{Activation, ConcatenatedElu, LayerSpec};

/// Marks the nodes that another takes over.
pub(in crate::net::import::onnx) fn take_over_patterns(t: &mut Translation<'_>) {
    for (i, node) in t.nodes.iter().enumerate() {
        match node.operator {
            _ if t.is_done[i] => {}
            "Mul" => {
                if let Some((x, maker)) = swish_input(t, node) {
                    take_over(t, x, &[maker], 1);
                } else if let Some((x, makers)) = gelu_input(t, node) {
                    take_over(t, x, &makers, 1);
                }
            }
            "Where" => {
                if let Some((x, makers)) = softplus_input(t, node) {
                    take_over(t, x, &makers, 2);
                }
            }
            "Concat" => {
                if let Some((x, maker)) = both_signs_input(t, node) {
                    take_over(t, x, &[maker], 1);
                }
            }
            _ => {}
        }
    }
}

/// These nodes have nothing to do any more, and a value is taken so many times less.
fn take_over<'a>(t: &mut Translation<'a>, x: &'a str, nodes: &[usize], times: usize) {
    nodes.iter().for_each(|node| t.is_done[*node] = true);
    if let Some(n) = t.uses.get_mut(x) {
        *n = n.saturating_sub(times);
    }
}

/// The node of this operator that makes a value which nobody else takes.
fn maker<'a>(t: &Translation<'a>, name: &str, operator: &str) -> Option<usize> {
    let at = *t.makers.get(name)?;
    (t.nodes[at].operator == operator && t.uses.get(name) == Some(&1)).then_some(at)
}

/// The other input of a node one of whose inputs is nearly this number.
fn beside<'a>(t: &mut Translation<'a>, node: &Node<'a>, number: f64) -> Option<&'a str> {
    let inputs = [node.input(0)?, node.input(1)?];
    let is_it = |t: &mut Translation<'a>, i: usize| {
        let small =
            matches!(t.known(node, i), Ok(Known::Tensor(tensor)) if tensor.sizes.iter().all(|n| *n == 1));
        small
            && t.floats(node, i)
                .is_ok_and(|a| a.values.to_f64().iter().all(|v| (v / number - 1.0).abs() < 1e-6))
    };
    if is_it(t, 1) {
        Some(inputs[0])
    } else if is_it(t, 0) {
        Some(inputs[1])
    } else {
        None
    }
}

/// The argument of GELU, `0.5 (x (1 + erf(x / sqrt 2)))`, and the nodes that compute it; the first of them takes it, too.
fn gelu_input<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Option<(&'a str, [usize; 4])> {
    let nodes = t.nodes;
    let product = beside(t, node, 0.5)?;
    let product = maker(t, product, "Mul")?;
    let inputs = [nodes[product].input(0)?, nodes[product].input(1)?];
    [0, 1].into_iter().find_map(|i| {
        let sum = maker(t, inputs[1 - i], "Add")?;
        let erf = beside(t, &nodes[sum], 1.0)?;
        let erf = maker(t, erf, "Erf")?;
        let argument = nodes[erf].input(0)?;
        let (scaled, x) = match maker(t, argument, "Div") {
            Some(at) => (at, beside(t, &nodes[at], std::f64::consts::SQRT_2)?),
            None => {
                let at = maker(t, argument, "Mul")?;
                (at, beside(t, &nodes[at], std::f64::consts::FRAC_1_SQRT_2)?)
            }
        };
        (x == inputs[i] && nodes[scaled].input(0) == Some(x)).then_some((x, [scaled, erf, sum, product]))
    })
}

/// What stands beside its negative, on channels, before an ELU.
fn both_signs_input<'a>(t: &Translation<'a>, node: &Node<'a>) -> Option<(&'a str, usize)> {
    let (x, negative) = (node.input(0)?, node.input(1)?);
    let negative = maker(t, negative, "Neg")?;
    let fits = t.nodes[negative].input(0) == Some(x) && node.inputs.len() == 2;
    let elu = next(t, node, "Elu")?;
    let is_plain = node.number("axis", 0).is_ok_and(|a| a == 1)
        && t.nodes[elu].float("alpha", 1.0).is_ok_and(|a| a == 1.0);
    (fits && is_plain).then_some((x, negative))
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
            if let Some((x, _)) = swish_input(t, node).filter(|(_, maker)| t.is_done[*maker]) {
                let i = usize::from(node.input(0) != Some(x));
                let data = t.data(node, i)?;
                t.add(node, data, Piece::new(Activation::Swish, vec![]))?;
                return Ok(true);
            }
            let Some((_, makers)) = gelu_input(t, node).filter(|(_, makers)| t.is_done[makers[0]]) else {
                return Ok(false);
            };
            let nodes = t.nodes;
            let data = t.data(&nodes[makers[0]], 0)?;
            t.add(node, data, Piece::new(Activation::Gelu, vec![]))?;
            Ok(true)
        }
        "Concat" => {
            let Some((_, maker)) = both_signs_input(t, node) else { return Ok(false) };
            let Some(elu) = next(t, node, "Elu").filter(|_| t.is_done[maker]) else { return Ok(false) };
            t.is_done[elu] = true;
            let data = t.data(node, 0)?;
            let nodes = t.nodes;
            t.add(&nodes[elu], data, Piece::new(ConcatenatedElu {}, vec![]))?;
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
