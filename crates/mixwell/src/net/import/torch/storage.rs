//! Storages as a pickle names them: `('storage', class, key, device, count)`, in legacy files with a view of a larger one.

use crate::io::excerpt;
use crate::net::import::ElementType;
use crate::net::import::pickle::{Id, Object, Pickle};

/// A storage as it is named.
#[derive(Clone, Debug)]
pub(super) struct Storage<'a> {
    /// Under which its bytes are found.
    pub(super) key: &'a str,
    /// What its numbers are; none where they are bytes of any kind.
    pub(super) element: Option<ElementType>,
    /// How many numbers it has.
    pub(super) count: u64,
    /// Where it begins in the bytes under its key, in numbers.
    pub(super) offset: u64,
}

/// The type behind the name of a storage's class.
fn element(class: &str) -> Option<ElementType> {
    Some(match class {
        "FloatStorage" => ElementType::F32,
        "DoubleStorage" => ElementType::F64,
        "HalfStorage" => ElementType::F16,
        "BFloat16Storage" => ElementType::BF16,
        "LongStorage" => ElementType::I64,
        "IntStorage" => ElementType::I32,
        "ShortStorage" => ElementType::I16,
        "CharStorage" => ElementType::I8,
        "ByteStorage" => ElementType::U8,
        "BoolStorage" => ElementType::Bool,
        _ => return None,
    })
}

/// The type behind the name of a `torch.dtype`.
pub(super) fn dtype(name: &str) -> Option<ElementType> {
    Some(match name {
        "float32" => ElementType::F32,
        "float64" => ElementType::F64,
        "float16" => ElementType::F16,
        "bfloat16" => ElementType::BF16,
        "int64" => ElementType::I64,
        "int32" => ElementType::I32,
        "int16" => ElementType::I16,
        "int8" => ElementType::I8,
        "uint8" => ElementType::U8,
        "uint16" => ElementType::U16,
        "uint32" => ElementType::U32,
        "uint64" => ElementType::U64,
        "bool" => ElementType::Bool,
        _ => return None,
    })
}

/// The storage behind a persistent identifier, or why it is none that is read.
pub(super) fn storage<'a>(pickle: &Pickle<'a>, persistent: Id) -> Result<Storage<'a>, String> {
    let Object::Persistent(id) = pickle.get(persistent) else {
        return Err("its storage is no storage".into());
    };
    let wrong = || "the name of its storage is damaged".to_string();
    let name = pickle.sequence(*id).filter(|name| name.len() >= 5).ok_or_else(wrong)?;
    if pickle.text(name[0]) != Some("storage") {
        return Err(wrong());
    }
    let element = match pickle.get(name[1]) {
        Object::Global("torch" | "torch.storage", "UntypedStorage") => None,
        Object::Global("torch" | "torch.cuda", class) => {
            let known = element(class);
            Some(
                known
                    .ok_or_else(|| format!("numbers of torch.{} are not read; convert it", excerpt(class)))?,
            )
        }
        _ => return Err(wrong()),
    };
    let key = pickle.text(name[2]).ok_or_else(wrong)?;
    let number = |id: Id| pickle.int(id).and_then(|n| u64::try_from(n).ok()).ok_or_else(wrong);
    let count = number(name[4])?;
    let view = name.get(5).and_then(|view| pickle.sequence(*view));
    let Some(view) = view else { return Ok(Storage { key, element, count, offset: 0 }) };
    // A view: its own name, where it begins, and how long it is.
    let [_, offset, length] = view else { return Err(wrong()) };
    let (offset, length) = (number(*offset)?, number(*length)?);
    if offset.checked_add(length).is_none_or(|end| end > count) {
        return Err("its storage lies outside of the one it is a part of".into());
    }
    Ok(Storage { key, element, count: length, offset })
}
