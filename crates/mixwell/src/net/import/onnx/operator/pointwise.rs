//! Activation functions.

use crate::net::Activation;
use crate::net::import::ImportError;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::Translation;
use crate::net::import::onnx::model::Node;

/// A function of every number; an operator that is none of those is refused.
pub(super) fn activation<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let (settings, function): (&[&str], _) = match node.operator {
        "Relu" => (&[], Activation::Relu),
        "LeakyRelu" => (&["alpha"], Activation::LeakyRelu(node.float("alpha", 0.01)?)),
        "Elu" => (&["alpha"], Activation::Elu(node.float("alpha", 1.0)?)),
        "Tanh" => (&[], Activation::Tanh),
        "Sigmoid" => (&[], Activation::Sigmoid),
        "Softplus" => (&[], Activation::Softplus),
        "Clip" => (&["min", "max"], clip(t, node)?),
        "Gelu" => match node.text("approximate", "none")? {
            "none" => (&["approximate"], Activation::Gelu),
            "tanh" => (&["approximate"], Activation::GeluTanh),
            _ => return Err(node.refuse("its approximation is not known")),
        },
        "Swish" if node.float("alpha", 1.0)? == 1.0 => (&["alpha"], Activation::Swish),
        _ => return Err(node.refuse("no layer does that")),
    };
    node.allow(settings)?;
    let data = t.data(node, 0)?;
    t.add(node, data, Piece::new(function, vec![]))
}

/// Limits are settings, or inputs since version 11.
fn clip<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<Activation, ImportError> {
    let mut limit = |i, name, open: f64| match node.input(i) {
        None => node.float(name, open),
        Some(_) => Ok(t.floats(node, i)?.values.to_f64().first().copied().unwrap_or(open)),
    };
    match (limit(1, "min", f64::NEG_INFINITY)?, limit(2, "max", f64::INFINITY)?) {
        (-1.0, 1.0) => Ok(Activation::HardTanh),
        (0.0, max) if max == f64::INFINITY || max >= f64::from(f32::MAX) => Ok(Activation::Relu),
        (min, max) => Err(node.refuse(format!("limits {min} and {max} are those of no layer; -1 and 1 are"))),
    }
}
