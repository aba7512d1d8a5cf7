//! The same numbers in another shape or order, and every so many pixels.

use crate::net::import::ImportError;
use crate::net::import::onnx::chain::Piece;
use crate::net::import::onnx::graph::{Data, Known, Size, Translation};
use crate::net::import::onnx::model::Node;
use crate::net::import::{ArrayValues, NamedArray};
use crate::net::{DepthToSpace, Flatten, LayerSpec, Reshape, SpaceToDepth, Subsample};

/// `Flatten`, `Reshape`, `Squeeze`, `Unsqueeze`: the sizes that come out, and the layer for them.
pub(super) fn reshape<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    if !t.is_data(node, 0) {
        return reshape_array(t, node);
    }
    let data = t.data(node, 0)?;
    let n: usize = data.sizes.iter().product();
    let sizes = match node.operator {
        "Flatten" => {
            node.allow(&["axis"])?;
            let axis = node.number("axis", 1)?;
            if axis != 1 && axis != -(data.sizes.len() as i64) {
                return Err(node.refuse(format!("`axis` is {axis}; rows are flattened from 1 on")));
            }
            vec![n]
        }
        "Reshape" => {
            node.allow(&["allowzero"])?;
            let wanted = t.sizes(node, 1)?;
            if node.number("allowzero", 0)? != 0 && wanted.contains(&Size::Number(0)) {
                return Err(node.refuse("rows without numbers are no rows"));
            }
            target(t.rows, &data.sizes, &wanted).ok_or_else(|| {
                let shape: Vec<String> = wanted.iter().map(|s| format!("{s:?}")).collect();
                node.refuse(format!("rows of {:?} do not become [{}]", data.sizes, shape.join(", ")))
            })?
        }
        operator => {
            node.allow(&["axes"])?;
            let axes = match node.numbers("axes")? {
                Some(axes) => axes.to_vec(),
                None => t.numbers(node, 1)?,
            };
            let sizes = if operator == "Squeeze" {
                squeezed(&data.sizes, &axes)
            } else {
                unsqueezed(&data.sizes, &axes)
            };
            sizes.ok_or_else(|| {
                node.refuse(format!("axes {axes:?} of rows of {:?} are not read", data.sizes))
            })?
        }
    };
    if sizes.iter().product::<usize>() != n {
        return Err(node.refuse(format!("rows of {:?} do not become {sizes:?}", data.sizes)));
    }
    let before = data.sizes.clone();
    // Images of one pixel are vectors, and nothing is to be done for them.
    let is_flat = |sizes: &[usize]| sizes.iter().skip(1).all(|n| *n == 1);
    let layer: Option<LayerSpec> = match sizes.len() {
        _ if before == sizes || is_flat(&before) && is_flat(&sizes) => None,
        1 => Some(Flatten {}.into()),
        3 => Some(Reshape { shape: sizes.clone() }.into()),
        _ => return Err(node.refuse(format!("rows of {sizes:?} are no vectors or images"))),
    };
    match layer {
        Some(layer) => t.chains.push(data.chain, Piece::new(layer, vec![])).map_err(|e| node.refuse(e))?,
        None if !matches!(sizes.len(), 1 | 3) => {
            return Err(node.refuse(format!("rows of {sizes:?} are no vectors or images")));
        }
        None => {}
    }
    t.finish(node, Known::Data(Data { sizes, ..data }))
}

/// The sizes of a row for a shape that begins with the number of rows: 0 keeps a size, -1 is what is left.
pub(super) fn target(rows: Option<i64>, sizes: &[usize], wanted: &[Size]) -> Option<Vec<usize>> {
    let n: usize = sizes.iter().product();
    let (first, rest) = wanted.split_first()?;
    let mut open = None;
    let mut found = vec![];
    for (i, size) in rest.iter().enumerate() {
        found.push(match size {
            Size::Number(-1) if open.is_none() => {
                open = Some(i);
                1
            }
            Size::Number(0) => *sizes.get(i)?,
            Size::Number(n) if *n > 0 => usize::try_from(*n).ok()?,
            _ => return None,
        });
    }
    let product = found.iter().try_fold(1usize, |p, n| p.checked_mul(*n))?;
    if let Some(i) = open {
        found[i] = n.checked_div(product)?;
    }
    let is_whole = found.iter().try_fold(1usize, |p, n| p.checked_mul(*n)) == Some(n);
    let keeps_rows = match first {
        Size::Rows | Size::Number(0) => true,
        Size::Number(-1) => open.is_none(),
        Size::Number(n) => rows == Some(*n),
    };
    (is_whole && keeps_rows).then_some(found)
}

/// Places of axes that do not count rows.
fn places(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    let place =
        |a: &i64| usize::try_from(if *a < 0 { a.checked_add(rank as i64)? } else { *a }).ok()?.checked_sub(1);
    axes.iter().map(place).collect()
}

fn squeezed(sizes: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let gone = places(axes, sizes.len() + 1)?;
    let all_one = gone.iter().all(|i| sizes.get(*i) == Some(&1));
    all_one.then(|| (0..sizes.len()).filter(|i| !gone.contains(i)).map(|i| sizes[i]).collect())
}

fn unsqueezed(sizes: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let rank = sizes.len() + axes.len();
    let new = places(axes, rank + 1)?;
    let mut rest = sizes.iter();
    if rank > 8 || new.iter().any(|i| *i >= rank) {
        return None;
    }
    (0..rank).map(|i| if new.contains(&i) { Some(1) } else { rest.next().copied() }).collect()
}

/// An array in another shape.
fn reshape_array<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let array = t.array(node, 0)?;
    let wanted = match node.operator {
        "Reshape" => t.numbers(node, 1)?,
        _ => return Err(node.refuse("an array is not changed like this here")),
    };
    let sizes: Option<Vec<usize>> = wanted.iter().map(|n| usize::try_from(*n).ok()).collect();
    let n = sizes.as_ref().and_then(|s| s.iter().try_fold(1usize, |n, s| n.checked_mul(*s)));
    match sizes {
        Some(shape) if n == Some(array.values.len()) => {
            t.finish(node, Known::Array(NamedArray { shape, ..array }))
        }
        _ => Err(node.refuse(format!("an array of {:?} does not become {wanted:?}", array.shape))),
    }
}

/// Squares of pixels as channels and back, where ONNX's order of channels is ours.
pub(super) fn squares<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&["blocksize", "mode"])?;
    let size = usize::try_from(node.number("blocksize", 0)?).ok().filter(|n| (1..1 << 10).contains(n));
    let size = size.ok_or_else(|| node.refuse("`blocksize` is no size"))?;
    let data = t.data(node, 0)?;
    let is_one = |channels: usize| channels == 1;
    let (layer, fits): (LayerSpec, bool) = if node.operator == "SpaceToDepth" {
        (SpaceToDepth { size }.into(), is_one(data.sizes[0]))
    } else {
        let is_ours = node.text("mode", "DCR")? == "CRD" || is_one(data.sizes[0] / (size * size));
        (DepthToSpace { size }.into(), is_ours)
    };
    if !fits {
        return Err(node.refuse("its order of channels (block by block) is that of no layer"));
    }
    t.add(node, data, Piece::new(layer, vec![]))
}

/// Rows and columns of a matrix of weights; the pixels of images are not turned.
pub(super) fn transpose<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&["perm"])?;
    if t.is_data(node, 0) {
        return Err(node.refuse("no layer changes the axes of rows"));
    }
    let array = t.floats(node, 0)?;
    let ([n, m], None | Some([1, 0])) = (array.shape.as_slice(), node.numbers("perm")?) else {
        return Err(node.refuse("only rows and columns of a matrix are changed here"));
    };
    let place = |i: usize| i % n * m + i / n;
    let values = match &array.values {
        ArrayValues::F32(v) => ArrayValues::F32((0..n * m).map(|i| v[place(i)]).collect()),
        ArrayValues::F64(v) => ArrayValues::F64((0..n * m).map(|i| v[place(i)]).collect()),
        _ => return Err(node.refuse("it is of whole numbers")),
    };
    let shape = vec![*m, *n];
    t.finish(node, Known::Array(NamedArray { shape, values, ..array }))
}

/// Every so many pixels; lines and columns may be taken by two nodes.
pub(super) fn subsample<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    node.allow(&[])?;
    let data = t.data(node, 0)?;
    let mut strides = [1usize; 2];
    take_strides(t, node, &data.sizes, &mut strides)?;
    let mut last = node;
    if strides[0] != strides[1] {
        let next = super::pattern::next(t, node, "Slice");
        let next = next.ok_or_else(|| node.refuse("lines and columns are not taken alike"))?;
        last = &t.nodes[next];
        take_strides(t, last, &data.sizes, &mut strides)?;
        t.is_done[next] = true;
    }
    if strides[0] != strides[1] || data.sizes.len() != 3 {
        return Err(last.refuse("lines and columns are not taken alike"));
    }
    add_channels(t, last, data, strides[0], 0)
}

/// Every so many pixels, and channels of zeros on both sides.
pub(super) fn add_channels<'a>(
    t: &mut Translation<'a>,
    node: &'a Node<'a>,
    data: Data,
    stride: usize,
    padding: usize,
) -> Result<(), ImportError> {
    t.add(node, data, Piece::new(Subsample { stride, padding }, vec![]))
}

/// The strides of a slice that begins at the first pixel and leaves none out at the end.
fn take_strides<'a>(
    t: &mut Translation<'a>,
    node: &'a Node<'a>,
    sizes: &[usize],
    strides: &mut [usize; 2],
) -> Result<(), ImportError> {
    let [starts, ends] = [t.numbers(node, 1)?, t.numbers(node, 2)?];
    let axes = if node.input(3).is_some() { t.numbers(node, 3)? } else { (0..starts.len() as i64).collect() };
    let steps = if node.input(4).is_some() { t.numbers(node, 4)? } else { vec![1; starts.len()] };
    let same = [ends.len(), axes.len(), steps.len()].iter().all(|n| *n == starts.len());
    for i in 0..if same { starts.len() } else { 0 } {
        let axis =
            usize::try_from(if axes[i] < 0 { axes[i].saturating_add(4) } else { axes[i] }).unwrap_or(9);
        let size = sizes.get(axis.wrapping_sub(1)).copied().unwrap_or(usize::MAX);
        let is_whole = starts[i] == 0 && usize::try_from(ends[i]).is_ok_and(|end| end >= size);
        match (axis, usize::try_from(steps[i])) {
            (2 | 3, Ok(step)) if is_whole && step > 0 => strides[axis - 2] = step,
            (_, Ok(1)) if is_whole => {}
            _ => return Err(node.refuse("a part of the rows is taken, which no layer does")),
        }
    }
    if same { Ok(()) } else { Err(node.refuse("its lists are not equally long")) }
}

/// `Reshape`, `Transpose`, `Reshape` that move squares of pixels to channels or back, written by exporters for what ONNX has no
/// operator for; `None` where they are not.
pub(super) fn moved_squares(
    sizes: &[usize],
    first: &[usize],
    axes: &[i64],
    last: &[usize],
) -> Option<LayerSpec> {
    let [channels, height, width] = *sizes else { return None };
    match (first, axes) {
        // [c, h, s, w, s] -> [c, s, s, h, w]
        ([c, h, s, w, r], [0, 1, 3, 5, 2, 4]) if s == r && *c == channels => {
            let fits = h * s == height && w * s == width && last == [c * s * s, *h, *w];
            fits.then(|| SpaceToDepth { size: *s }.into())
        }
        // [c, s, s, h, w] -> [c, h, s, w, s]
        ([c, s, r, h, w], [0, 1, 4, 2, 5, 3]) if s == r && c * s * s == channels => {
            let fits = *h == height && *w == width && last == [*c, h * s, w * s];
            fits.then(|| DepthToSpace { size: *s }.into())
        }
        _ => None,
    }
}
