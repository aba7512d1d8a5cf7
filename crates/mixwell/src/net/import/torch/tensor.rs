//! Tensors: a storage seen through an offset, a shape and strides.

use super::Storages;
use super::storage::{dtype, storage};
use crate::io::excerpt;
use crate::net::import::limits::Budget;
use crate::net::import::pickle::{Id, Object, Pickle};
use crate::net::import::strides::Places;
use crate::net::import::{ImportError, NamedArray};

/// Most dimensions of a tensor.
const DIMENSIONS: usize = 32;

/// The tensor that is made of these arguments, its numbers in row-major order.
pub(super) fn tensor(
    pickle: &Pickle<'_>,
    storages: &Storages<'_>,
    arguments: Id,
    name: &str,
    memory: &mut Budget,
) -> Result<NamedArray, ImportError> {
    let wrong = |reason: String| ImportError::Array { name: excerpt(name), reason };
    let arguments = pickle.sequence(arguments).filter(|a| a.len() >= 4);
    let arguments = arguments.ok_or_else(|| wrong("it is made of too few arguments".into()))?;
    let found = storage(pickle, arguments[0]).map_err(wrong)?;
    let named = arguments.get(6).map(|id| pickle.get(*id));
    let element = match (found.element, named) {
        (Some(element), _) => Some(element),
        (None, Some(Object::Global("torch", name))) => dtype(name),
        _ => None,
    };
    let element = element.ok_or_else(|| wrong("numbers of its type are not read; convert it".into()))?;
    let numbers = |id: Id, what: &str| -> Result<Vec<usize>, ImportError> {
        let items = pickle.sequence(id).filter(|items| items.len() <= DIMENSIONS);
        let items =
            items.ok_or_else(|| wrong(format!("its {what} is no tuple of at most {DIMENSIONS} numbers")))?;
        let number = |id: &Id| {
            let value =
                pickle.int(*id).ok_or_else(|| wrong(format!("its {what} is not made of whole numbers")))?;
            usize::try_from(value).map_err(|_| wrong(format!("its {what} has {value}, which is negative")))
        };
        items.iter().map(number).collect()
    };
    let (shape, strides) = (numbers(arguments[2], "shape")?, numbers(arguments[3], "strides")?);
    if shape.len() != strides.len() {
        return Err(wrong(format!("its shape {shape:?} and strides {strides:?} do not fit")));
    }
    let offset = pickle.int(arguments[1]).and_then(|n| usize::try_from(n).ok());
    let offset = offset.ok_or_else(|| wrong("its offset is no whole number from 0 on".into()))?;

    let n = shape.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let n = n.ok_or_else(|| wrong(format!("its shape {shape:?} has more numbers than can be counted")))?;
    let bytes = storages.bytes.get(found.key).map(AsRef::as_ref);
    let bytes =
        bytes.ok_or_else(|| wrong(format!("its storage `{}` is not in the file", excerpt(found.key))))?;
    // A storage of bytes is measured in bytes, all others in their numbers.
    let unit = if found.element.is_none() { 1 } else { element.size() };
    let part = |at: u64| usize::try_from(at).ok().and_then(|at| at.checked_mul(unit));
    let own = part(found.offset)
        .zip(part(found.count))
        .and_then(|(at, length)| bytes.get(at..at.checked_add(length)?));
    let own = own.ok_or_else(|| {
        wrong(format!(
            "its storage `{}` should hold {} numbers and has {} bytes",
            excerpt(found.key),
            found.count,
            bytes.len()
        ))
    })?;
    if n > 0 {
        let mut steps = shape.iter().zip(&strides);
        let last = steps.try_fold(offset, |at, (size, step)| at.checked_add((size - 1).checked_mul(*step)?));
        if last.is_none_or(|last| last >= own.len() / element.size()) {
            return Err(wrong(format!(
                "shape {shape:?}, strides {strides:?} and offset {offset} reach beyond its storage of {} numbers",
                own.len() / element.size()
            )));
        }
    }
    memory.take((n as u64).saturating_mul(element.memory() as u64))?;
    let places = Places::new(&shape, &strides, offset, n);
    let values = element.gather(name, own, storages.big_endian, places)?;
    Ok(NamedArray { name: name.to_owned(), shape, element, values })
}
