//! The machine's stack and memory, and what a call comes to.

use std::collections::HashMap;

use super::{Id, Object};
use crate::net::import::ImportError;

/// What makes a tensor of its arguments: the storage, the offset, the shape and the strides come first.
const REBUILD: [&str; 3] = ["_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"];

/// A machine that is running a pickle.
pub(super) struct Machine<'a> {
    pub(super) part: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) objects: Vec<Object<'a>>,
    pub(super) stack: Vec<Id>,
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(part: &'a str, bytes: &'a [u8]) -> Self {
        let (objects, stack, marks) = (vec![], vec![], vec![]);
        Self { part, bytes, at: 0, objects, stack, marks, memo: HashMap::new() }
    }

    pub(super) fn wrong(&self, reason: impl Into<String>) -> ImportError {
        ImportError::Damaged { part: self.part.into(), offset: self.at, reason: reason.into() }
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], ImportError> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.wrong("the pickle is cut off"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn number<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        Ok(self.take(N)?.try_into().expect("as many bytes"))
    }

    pub(super) fn u32(&mut self) -> Result<u32, ImportError> {
        Ok(u32::from_le_bytes(self.number()?))
    }

    /// A length of one, four or eight bytes.
    pub(super) fn length(&mut self, size: u8) -> Result<usize, ImportError> {
        Ok(match size {
            1 => self.take(1)?[0].into(),
            4 => self.u32()? as usize,
            _ => usize::try_from(u64::from_le_bytes(self.number()?)).unwrap_or(usize::MAX),
        })
    }

    pub(super) fn line(&mut self) -> Result<&'a str, ImportError> {
        let rest = &self.bytes[self.at..];
        let length =
            rest.iter().position(|b| *b == b'\n').ok_or_else(|| self.wrong("a line does not end"))?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| self.wrong("a name is no UTF-8 text"))
    }

    pub(super) fn text(&mut self, size: u8) -> Result<(), ImportError> {
        let length = self.length(size)?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| self.wrong("a text is no UTF-8"))?;
        self.push(Object::Text(text));
        Ok(())
    }

    /// What Python 2 wrote for a text; it may be bytes.
    pub(super) fn old_text(&mut self, size: u8) -> Result<(), ImportError> {
        let length = self.length(size)?;
        let bytes = self.take(length)?;
        self.push(std::str::from_utf8(bytes).map_or(Object::Bytes, Object::Text));
        Ok(())
    }

    pub(super) fn blob(&mut self, size: u8) -> Result<(), ImportError> {
        let length = self.length(size)?;
        self.take(length)?;
        self.push(Object::Bytes);
        Ok(())
    }

    pub(super) fn long(&mut self, size: u8) -> Result<(), ImportError> {
        let length = self.length(size)?;
        let bytes = self.take(length)?;
        if bytes.len() > 8 {
            self.push(Object::LongInt(bytes));
            return Ok(());
        }
        let negative = bytes.last().is_some_and(|b| b >> 7 == 1);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Object::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    pub(super) fn push(&mut self, object: Object<'a>) {
        let id = self.objects.len() as Id;
        self.objects.push(object);
        self.stack.push(id);
    }

    /// Where the part of the stack begins that belongs to the last mark.
    pub(super) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn pop(&mut self) -> Result<Id, ImportError> {
        if self.stack.len() <= self.floor() {
            return Err(self.wrong("the pickle takes a value that is not there"));
        }
        Ok(self.stack.pop().expect("it is not empty"))
    }

    pub(super) fn top(&self) -> Result<Id, ImportError> {
        let own = &self.stack[self.floor()..];
        own.last().copied().ok_or_else(|| self.wrong("the pickle takes a value that is not there"))
    }

    pub(super) fn since_mark(&mut self) -> Result<Vec<Id>, ImportError> {
        let mark = self.marks.pop().ok_or_else(|| self.wrong("the pickle has no mark here"))?;
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn tuple(&mut self, n: usize) -> Result<(), ImportError> {
        let from = self.stack.len().checked_sub(n).filter(|from| *from >= self.floor());
        let from = from.ok_or_else(|| self.wrong("the pickle takes a value that is not there"))?;
        let items = self.stack.split_off(from);
        self.push(Object::Sequence(items));
        Ok(())
    }

    pub(super) fn remember(&mut self, key: u32) -> Result<(), ImportError> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    pub(super) fn recall(&mut self, key: u32) -> Result<(), ImportError> {
        let id = self.memo.get(&key).copied();
        let id = id.ok_or_else(|| self.wrong("the pickle recalls a value that it did not remember"))?;
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn append(&mut self, items: &[Id]) -> Result<(), ImportError> {
        let top = self.top()?;
        match &mut self.objects[top as usize] {
            Object::Sequence(list) | Object::Opaque(_, list) => list.extend(items),
            _ => return Err(self.wrong("the pickle appends to what is no list")),
        }
        Ok(())
    }

    pub(super) fn set_items(&mut self, items: &[Id]) -> Result<(), ImportError> {
        let top = self.top()?;
        if !items.len().is_multiple_of(2) {
            return Err(self.wrong("a key of a dictionary has no value"));
        }
        match &mut self.objects[top as usize] {
            Object::Dict(pairs) => pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            Object::Opaque(_, inside) => inside.extend(items),
            _ => return Err(self.wrong("the pickle sets keys of what is no dictionary")),
        }
        Ok(())
    }

    /// A call is not made. A few names have a value all the same.
    pub(super) fn call(&mut self, function: Id, arguments: &[Id]) -> Result<(), ImportError> {
        let name = match self.objects[function as usize] {
            Object::Global(module, name) => Some((module, name)),
            _ => None,
        };
        let object = match name {
            Some(("collections", "OrderedDict")) if arguments.is_empty() => Object::Dict(vec![]),
            // What it makes of a missing key is of no use here.
            Some(("collections", "defaultdict")) => Object::Dict(vec![]),
            Some(("collections", "OrderedDict")) => Object::Dict(self.pairs(arguments)?),
            Some(("torch._utils", rebuild)) if REBUILD.contains(&rebuild) => {
                let id = self.objects.len() as Id;
                self.objects.push(Object::Sequence(arguments.to_vec()));
                Object::Tensor(id)
            }
            Some(("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state"))
                if !arguments.is_empty() =>
            {
                self.objects[arguments[0] as usize].clone_tensor().unwrap_or(Object::Opaque(function, vec![]))
            }
            Some(("torch", "Size")) if arguments.len() == 1 => {
                let inner = arguments[0] as usize;
                match &self.objects[inner] {
                    // A copy could be made again and again, so it must be small.
                    Object::Sequence(items) if items.len() <= 32 => Object::Sequence(items.clone()),
                    _ => Object::Opaque(function, vec![]),
                }
            }
            _ => Object::Opaque(function, arguments.to_vec()),
        };
        self.push(object);
        Ok(())
    }

    /// The pairs of a list of pairs, which old Python versions gave an ordered dictionary. The list is emptied, not copied: what
    /// is recalled for many calls would make many copies.
    pub(super) fn pairs(&mut self, arguments: &[Id]) -> Result<Vec<(Id, Id)>, ImportError> {
        let list = match arguments {
            [list] => &mut self.objects[*list as usize],
            _ => return Err(self.wrong("an ordered dictionary is not made of pairs")),
        };
        let items = if let Object::Sequence(items) = list { std::mem::take(items) } else { vec![] };
        let pair = |id: &Id| match &self.objects[*id as usize] {
            Object::Sequence(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
            _ => Err(self.wrong("an ordered dictionary is not made of pairs")),
        };
        items.iter().map(pair).collect()
    }

    /// The arguments of a call, which must be a tuple.
    pub(super) fn arguments(&mut self) -> Result<Vec<Id>, ImportError> {
        let id = self.pop()?;
        match &mut self.objects[id as usize] {
            // Taken, not copied: the same tuple recalled for many calls would make many copies.
            Object::Sequence(items) if items.len() > 32 => Ok(std::mem::take(items)),
            Object::Sequence(items) => Ok(items.clone()),
            _ => Err(self.wrong("the arguments of a call are no tuple")),
        }
    }
}
