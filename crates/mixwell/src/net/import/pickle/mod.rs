//! A machine for pickles that makes values and runs nothing.
//!
//! A pickle is a program for a stack machine. Of its instructions those are followed that make numbers, texts, lists, tuples and
//! dictionaries, and that name storages; a call makes an ordered dictionary or a tensor where the name is one of a few, and
//! else an opaque value that remembers the name. Reference: Python's `pickletools`, protocols 0 to 5.
//!
//! Values lie in one list and refer to one another by number, so a value that is shared is held once, and one that contains
//! itself does no harm here. Every instruction costs at most one value and one reference.

mod instructions;
mod machine;

use super::ImportError;
use crate::io::excerpt;

/// The number of a value.
pub(super) type Id = u32;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object<'a> {
    /// Nothing.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The bytes of a whole number that has more than 64 bits.
    LongInt(&'a [u8]),
    /// A real number.
    Float,
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes,
    /// A list, a set, or a tuple.
    Sequence(Vec<Id>),
    /// A dictionary, in the order in which it was filled.
    Dict(Vec<(Id, Id)>),
    /// A name: module and name.
    Global(&'a str, &'a str),
    /// What a persistent name stands for.
    Persistent(Id),
    /// A tensor: the arguments of its making.
    Tensor(Id),
    /// The result of a call, which was not made: the name, its value, and what it was to be made from.
    Opaque(Id, Vec<Id>),
}

/// A pickle that was run to its end.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    /// The value at its end.
    pub(super) root: Id,
    /// Bytes it took.
    pub(super) length: usize,
}

impl<'a> Pickle<'a> {
    /// The value of a number.
    pub(super) fn get(&self, id: Id) -> &Object<'a> {
        &self.objects[id as usize]
    }

    /// All values that stand for something outside of the pickle.
    pub(super) fn persistents(&self) -> impl Iterator<Item = Id> {
        let all = self.objects.iter().enumerate();
        all.filter(|(_, object)| matches!(object, Object::Persistent(_))).map(|(id, _)| id as Id)
    }

    /// The values of a sequence.
    pub(super) fn sequence(&self, id: Id) -> Option<&[Id]> {
        if let Object::Sequence(items) = self.get(id) { Some(items) } else { None }
    }

    /// A whole number.
    pub(super) fn int(&self, id: Id) -> Option<i64> {
        if let Object::Int(value) = self.get(id) { Some(*value) } else { None }
    }

    /// A text.
    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        if let Object::Text(text) = self.get(id) { Some(*text) } else { None }
    }

    /// The full name of a global.
    pub(super) fn global(&self, id: Id) -> Option<String> {
        if let Object::Global(module, name) = self.get(id) {
            Some(excerpt(&format!("{module}.{name}")))
        } else {
            None
        }
    }
}

impl<'a> Object<'a> {
    /// A tensor again, where it is one.
    fn clone_tensor(&self) -> Option<Self> {
        if let Object::Tensor(arguments) = self { Some(Object::Tensor(*arguments)) } else { None }
    }
}

/// Runs the pickle at the beginning of the bytes, in at most so many steps.
pub(super) fn run<'a>(part: &'a str, bytes: &'a [u8], steps: usize) -> Result<Pickle<'a>, ImportError> {
    let mut machine = machine::Machine::new(part, bytes);
    for _ in 0..steps {
        if let Some(root) = machine.step()? {
            return Ok(Pickle { objects: machine.objects, root, length: machine.at });
        }
    }
    Err(ImportError::Limit { what: "pickle's steps", most: steps as u64 })
}
