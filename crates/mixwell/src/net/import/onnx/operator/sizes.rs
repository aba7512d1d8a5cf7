//! Arrays that are settings, and sums over sizes of rows that exporters write out: `Shape`, `Gather`, `Concat` and the like.

use crate::net::import::onnx::graph::{Known, Size, Translation, Whole};
use crate::net::import::onnx::model::{Node, Setting};
use crate::net::import::{ArrayValues, ElementType, ImportError, NamedArray};

/// An array that lies in the graph.
pub(super) fn constant<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    let [setting] = node.attributes.as_slice() else {
        return Err(node.refuse("it has not one value"));
    };
    let array = |element, shape, values| NamedArray { name: String::new(), shape, element, values };
    let known = match &setting.value {
        Setting::Tensor(tensor) => Known::Tensor(tensor),
        Setting::Float(x) => Known::Array(array(ElementType::F32, vec![], ArrayValues::F32(vec![*x]))),
        Setting::Floats(v) => {
            Known::Array(array(ElementType::F32, vec![v.len()], ArrayValues::F32(v.clone())))
        }
        Setting::Number(n) => Known::Array(array(ElementType::I64, vec![], ArrayValues::I64(vec![*n]))),
        Setting::Numbers(v) => {
            Known::Array(array(ElementType::I64, vec![v.len()], ArrayValues::I64(v.clone())))
        }
        _ => return Err(node.refuse("its value is no array of numbers")),
    };
    t.finish(node, known)
}

/// Whether a node computes with sizes or small arrays of whole numbers, and not with rows.
pub(super) fn is_of_sizes<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> bool {
    match node.operator {
        "Shape" | "ConstantOfShape" => true,
        "Gather" | "Concat" | "Slice" | "Unsqueeze" | "Squeeze" | "Cast" | "Mul" | "Div" | "Add" | "Sub"
        | "Reshape" | "Transpose" => {
            let data = (0..node.inputs.len()).any(|i| t.is_data(node, i));
            !data && (0..node.inputs.len()).any(|i| t.whole(node, i).is_ok())
        }
        _ => false,
    }
}

/// Numbers at most in such an array.
const MOST: usize = 64;

/// A place among `n`, where negative ones count from the end.
fn place(i: i64, n: usize) -> i64 {
    if i < 0 { i.saturating_add(n as i64) } else { i }
}

/// A step of arithmetic on sizes.
pub(super) fn arithmetic<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    match result(t, node)? {
        Some(whole) if whole.values.len() <= MOST => t.finish(node, Known::Sizes(whole)),
        _ => Err(node.refuse("sizes are not computed like this here")),
    }
}

fn result<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<Option<Whole>, ImportError> {
    Ok(match node.operator {
        "Shape" => {
            node.allow(&["start", "end"])?;
            let Known::Data(data) = t.known(node, 0)? else { return Ok(None) };
            let own = data.sizes.iter().map(|n| Size::Number(*n as i64));
            let all: Vec<Size> = std::iter::once(Size::Rows).chain(own).collect();
            let n = all.len();
            let limit = |i: i64| place(i, n).clamp(0, n as i64) as usize;
            let (start, end) = (limit(node.number("start", 0)?), limit(node.number("end", n as i64)?));
            all.get(start..end).map(|part| Whole::list(part.to_vec()))
        }
        "ConstantOfShape" => {
            node.allow(&["value"])?;
            let value = match node.attributes.first().map(|a| &a.value) {
                Some(Setting::Tensor(tensor)) => tensor.read(&mut t.memory)?.values,
                _ => return Ok(None),
            };
            match (value, t.numbers(node, 0)?.as_slice()) {
                (ArrayValues::I64(v), [n]) if v.len() == 1 && (0..=MOST as i64).contains(n) => {
                    Some(Whole::list(vec![Size::Number(v[0]); *n as usize]))
                }
                _ => None,
            }
        }
        "Gather" => {
            let (from, places) = (t.whole(node, 0)?, t.numbers(node, 1)?);
            let n = from.values.len();
            let one = |i: &i64| from.values.get(usize::try_from(place(*i, n)).ok()?).copied();
            places.iter().map(one).collect::<Option<_>>().filter(|_| from.shape.len() == 1).map(Whole::list)
        }
        "Concat" => {
            let mut all = vec![];
            for i in 0..node.inputs.len() {
                let part = t.whole(node, i)?;
                all.extend(part.values);
                if all.len() > MOST || part.shape.len() > 1 {
                    return Ok(None);
                }
            }
            Some(Whole::list(all))
        }
        "Slice" => {
            let (from, start, end) = (t.whole(node, 0)?, t.numbers(node, 1)?, t.numbers(node, 2)?);
            let axes = if node.input(3).is_some() { t.numbers(node, 3)? } else { vec![0] };
            let steps = if node.input(4).is_some() { t.numbers(node, 4)? } else { vec![1] };
            let ([start], [end], [0], [step @ (1 | -1)]) = (&start[..], &end[..], &axes[..], &steps[..])
            else {
                return Ok(None);
            };
            from.slice(*start, *end, *step)
        }
        "Reshape" => {
            let (from, wanted) = (t.whole(node, 0)?, t.numbers(node, 1)?);
            let known: i64 = wanted.iter().filter(|n| **n > 0).fold(1, |p, n| p.saturating_mul(*n));
            let n = from.values.len();
            let size =
                |s: &i64| if *s == -1 { n.checked_div(known as usize) } else { usize::try_from(*s).ok() };
            let shape: Option<Vec<usize>> = wanted.iter().map(size).collect();
            let shape = shape
                .filter(|s| s.len() <= 2 && s.iter().try_fold(1usize, |p, n| p.checked_mul(*n)) == Some(n));
            shape.map(|shape| Whole { shape, values: from.values })
        }
        "Transpose" => {
            let from = t.whole(node, 0)?;
            match (from.shape.as_slice(), node.numbers("perm")?) {
                ([n, m], None | Some([1, 0])) => {
                    let values = (0..n * m).map(|i| from.values[i % n * m + i / n]).collect();
                    Some(Whole { shape: vec![*m, *n], values })
                }
                _ => None,
            }
        }
        "Mul" | "Div" | "Add" | "Sub" => {
            let (a, b) = (t.whole(node, 0)?, t.whole(node, 1)?);
            let ([Size::Number(x)], [Size::Number(y)]) = (a.values.as_slice(), b.values.as_slice()) else {
                return Ok(None);
            };
            let value = match node.operator {
                "Mul" => x.checked_mul(*y),
                "Div" => x.checked_div(*y),
                "Add" => x.checked_add(*y),
                _ => x.checked_sub(*y),
            };
            let shape = if a.shape.len() < b.shape.len() { b.shape } else { a.shape };
            value.map(|v| Whole { shape, values: vec![Size::Number(v)] })
        }
        // A list of one size and the size itself are told apart by nobody.
        "Unsqueeze" | "Squeeze" => Some(Whole::list(t.whole(node, 0)?.values)),
        _ => Some(t.whole(node, 0)?),
    })
}

impl Whole {
    fn list(values: Vec<Size>) -> Self {
        Self { shape: vec![values.len()], values }
    }

    /// Lines of it, forwards or backwards.
    fn slice(&self, start: i64, end: i64, step: i64) -> Option<Self> {
        let n = *self.shape.first()?;
        let width = self.values.len().checked_div(n)?;
        let last = n as i64;
        let lines: Vec<i64> = if step == 1 {
            (place(start, n).clamp(0, last)..place(end, n).clamp(0, last)).collect()
        } else {
            (place(end, n).clamp(-1, last - 1) + 1..place(start, n).clamp(-1, last - 1) + 1).rev().collect()
        };
        let values: Vec<Size> =
            lines.iter().flat_map(|i| self.values[*i as usize * width..][..width].to_vec()).collect();
        let shape = std::iter::once(lines.len()).chain(self.shape[1..].iter().copied()).collect();
        Some(Self { shape, values })
    }
}

/// What changes nothing in evaluation.
pub(super) fn pass<'a>(t: &mut Translation<'a>, node: &'a Node<'a>) -> Result<(), ImportError> {
    match node.operator {
        "Dropout" => {
            node.allow(&["ratio", "seed", "is_test"])?;
            if node.input(2).is_some() && t.array(node, 2)?.values.to_f64() != [0.0] {
                return Err(node.refuse("it is in training; export the model in evaluation"));
            }
        }
        "Cast" => {
            node.allow(&["to", "saturate"])?;
            if !matches!(node.number("to", 0)?, 1 | 11) {
                return Err(node.refuse("rows are real numbers of single or double precision here"));
            }
        }
        _ => node.allow(&[])?,
    }
    super::pass_on(t, node)
}
