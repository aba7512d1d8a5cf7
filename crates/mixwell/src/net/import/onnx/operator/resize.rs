//! Larger images.

use crate::net::import::ImportError;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::Translation;
use crate::net::import::onnx::model::Node;
use crate::net::{Upsample, Upsampling};

/// How many times as many pixels, the same in both directions.
fn factor<'a>(t: &mut Translation<'a>, node: &'a Node<'a>, sizes: &[usize]) -> Result<usize, ImportError> {
    let wrong = |what: String| {
        node.refuse(format!("{what}; only a whole multiple, the same in both directions, is read"))
    };
    let scales = match (node.operator, node.inputs.len()) {
        ("Upsample", _) | (_, 2) => 1,
        _ => 2,
    };
    let scales: Vec<f64> = match (node.input(scales), node.input(3)) {
        (_, Some(_)) => {
            let wanted = t.sizes(node, 3)?;
            let now = std::iter::once(None).chain(sizes.iter().map(|n| Some(*n as f64)));
            let pairs = wanted.iter().zip(now);
            let scale = |(size, now): (&super::super::graph::Size, Option<f64>)| match (size, now) {
                (super::super::graph::Size::Number(n), Some(now)) => *n as f64 / now,
                _ => 1.0,
            };
            pairs.map(scale).collect()
        }
        (Some(_), None) => t.floats(node, scales)?.values.to_f64(),
        (None, None) => return Err(wrong("it says no size".into())),
    };
    match scales[..] {
        [1.0, 1.0, a, b] if a == b && a >= 1.0 && a.fract() == 0.0 && a < 1e6 => Ok(a as usize),
        _ => Err(wrong(format!("it makes images {scales:?} times as large"))),
    }
}

/// Nearest pixels, or between the four nearest with corners not aligned.
pub(super) fn resize<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&[
        "mode",
        "coordinate_transformation_mode",
        "nearest_mode",
        "cubic_coeff_a",
        "exclude_outside",
        "extrapolation_value",
        "antialias",
        "axes",
        "keep_aspect_ratio_policy",
    ])?;
    node.only("antialias", 0)?;
    if node.numbers("axes")?.is_some() {
        return Err(node.refuse("`axes` are not read"));
    }
    let data = t.data(node, 0)?;
    let factor = factor(t, node, &data.sizes)?;
    // Before version 11 of the operators, pixels were counted from their corners.
    let is_old = node.operator == "Upsample" || node.inputs.len() == 2;
    let (places, nearest) =
        if is_old { ("asymmetric", "floor") } else { ("half_pixel", "round_prefer_floor") };
    let places = node.text("coordinate_transformation_mode", places)?;
    let nearest = node.text("nearest_mode", nearest)?;
    let is_half = matches!(places, "half_pixel" | "pytorch_half_pixel");
    let mode = match node.text("mode", "nearest")? {
        "nearest" if places == "asymmetric" && nearest == "floor" => Upsampling::Nearest,
        "nearest" if is_half && nearest.starts_with("round_prefer") => Upsampling::Nearest,
        "linear" | "bilinear" if is_half => Upsampling::Bilinear,
        mode => {
            let reason = format!(
                "`{mode}` with `{places}` and `{nearest}` is not read; nearest pixels and linear with half pixels are"
            );
            return Err(node.refuse(reason));
        }
    };
    t.add(node, data, Piece::new(Upsample { factor, mode }, vec![]))
}
