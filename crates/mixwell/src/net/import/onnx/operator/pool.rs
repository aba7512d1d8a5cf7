//! Windows and whole images: means, sums, maxima.

use crate::net::import::ImportError;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::{Known, Translation};
use crate::net::import::onnx::model::Node;
use crate::net::{AveragePool, GlobalPool, LayerSpec, MaxPool, Reduction};

const SETTINGS: [&str; 8] = [
    "kernel_shape",
    "strides",
    "pads",
    "dilations",
    "ceil_mode",
    "auto_pad",
    "count_include_pad",
    "storage_order",
];

/// Size and stride of a window; nothing is added at the edges.
fn window(node: &Node<'_>) -> Result<(usize, Option<usize>), ImportError> {
    node.allow(&SETTINGS)?;
    node.only("ceil_mode", 0)?;
    if node.square("dilations", Some(1))? != 1 {
        return Err(node.refuse("`dilations` other than 1 are not read"));
    }
    if node.padding()? != 0 {
        return Err(node.refuse("pixels added at the edges of a pool are not read"));
    }
    let size = node.square("kernel_shape", None)?;
    Ok((size, Some(node.square("strides", Some(1))?).filter(|stride| *stride != size)))
}

/// Maxima of windows.
pub(super) fn maximum<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let (size, stride) = window(node)?;
    let data = t.data(node, 0)?;
    images(node, &data.sizes)?;
    t.add(node, data, Piece::new(MaxPool { size, stride }, vec![]))
}

/// Means of windows.
pub(super) fn average<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let (size, stride) = window(node)?;
    let data = t.data(node, 0)?;
    images(node, &data.sizes)?;
    t.add(node, data, Piece::new(AveragePool { size, stride, reduction: Reduction::Mean }, vec![]))
}

fn images(node: &Node<'_>, sizes: &[usize]) -> Result<(), ImportError> {
    if sizes.len() == 3 { Ok(()) } else { Err(node.refuse(format!("rows of {sizes:?} are no images"))) }
}

/// One number for each channel.
pub(super) fn global<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let mut keeps = true;
    if matches!(node.operator, "ReduceMean" | "ReduceSum") {
        node.allow(&["axes", "keepdims", "noop_with_empty_axes"])?;
        let axes = match (node.numbers("axes")?, node.input(1)) {
            (Some(axes), _) => axes.to_vec(),
            (None, Some(_)) => t.numbers(node, 1)?,
            (None, None) => vec![],
        };
        let mut places: Vec<i64> =
            axes.iter().map(|a| if *a < 0 { a.saturating_add(4) } else { *a }).collect();
        places.sort_unstable();
        if places != [2, 3] {
            return Err(node.refuse(format!("its axes {axes:?} are not those of the pixels")));
        }
        keeps = node.number("keepdims", 1)? != 0;
    } else {
        node.allow(&[])?;
    }
    let data = t.data(node, 0)?;
    images(node, &data.sizes)?;
    let (channels, height, width) = (data.sizes[0], data.sizes[1], data.sizes[2]);
    let pool = |reduction| GlobalPool { reduction }.into();
    let layer: LayerSpec = match node.operator {
        "GlobalMaxPool" if height == width => MaxPool { size: height, stride: None }.into(),
        "GlobalMaxPool" => return Err(node.refuse("images are not square")),
        "ReduceSum" => pool(Reduction::Sum),
        _ => pool(Reduction::Mean),
    };
    t.add(node, data, Piece::new(layer, vec![]))?;
    let name = node.output()?;
    if !keeps && let Known::Data(data) = t.own(name) {
        data.sizes = vec![channels];
    }
    Ok(())
}
