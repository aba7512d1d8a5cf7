//! From nested dictionaries and lists to arrays under dotted names.

use std::collections::HashMap;

use super::Storages;
use super::tensor::tensor;
use crate::io::excerpt;
use crate::net::import::limits::Budget;
use crate::net::import::pickle::{Id, Object, Pickle};
use crate::net::import::{ArrayFileKind, ImportError, ImportLimits, NamedArray, NamedArrays, Skipped};

/// Longest name of an array, in bytes.
const NAME: usize = 1024;

/// All tensors below the root of a pickle, and what lies beside them.
pub(super) fn arrays(
    pickle: &Pickle<'_>,
    storages: &Storages<'_>,
    kind: ArrayFileKind,
    limits: &ImportLimits,
) -> Result<NamedArrays, ImportError> {
    let mut walk = Walk {
        pickle,
        storages,
        limits,
        memory: Budget::new("arrays", limits.arrays),
        steps: Budget::new("nested values", limits.steps as u64),
        arrays: vec![],
        skipped: vec![],
    };
    walk.visit(pickle.root, "", 0)?;
    let (arrays, skipped) = (walk.arrays, walk.skipped);
    if arrays.is_empty() {
        let Some(object) = skipped.iter().find(|s| s.opaque) else {
            return Err(ImportError::Kind { found: "it is a PyTorch file that holds no tensor".into() });
        };
        let (place, global) = (crate::net::import::array::place(&object.name), object.what.clone());
        return Err(ImportError::Global { place, global });
    }
    NamedArrays::new(kind, arrays, skipped)
}

struct Walk<'a> {
    pickle: &'a Pickle<'a>,
    storages: &'a Storages<'a>,
    limits: &'a ImportLimits,
    memory: Budget,
    steps: Budget,
    arrays: Vec<NamedArray>,
    skipped: Vec<Skipped>,
}

impl Walk<'_> {
    fn visit(&mut self, id: Id, name: &str, depth: usize) -> Result<(), ImportError> {
        if depth > self.limits.depth {
            return Err(ImportError::Limit { what: "depth of nesting", most: self.limits.depth as u64 });
        }
        if name.len() > NAME {
            let reason = format!("its name has more than {NAME} bytes");
            return Err(ImportError::Array { name: excerpt(name), reason });
        }
        self.steps.take(1)?;
        match self.pickle.get(id) {
            Object::Tensor(arguments) => {
                let array = tensor(self.pickle, self.storages, *arguments, name, &mut self.memory)?;
                self.arrays.push(array);
                self.counted()
            }
            Object::Dict(pairs) => self.dictionary(pairs, name, depth),
            Object::Sequence(items) => self.sequence(items, name, depth),
            Object::Opaque(class, _) => {
                let what = self.pickle.global(*class).unwrap_or_else(|| "an object without a name".into());
                self.skip(name, what, true)
            }
            other => {
                let what = plain(other).unwrap_or("a storage");
                self.skip(name, what.into(), false)
            }
        }
    }

    fn dictionary(&mut self, pairs: &[(Id, Id)], name: &str, depth: usize) -> Result<(), ImportError> {
        self.steps.take(pairs.len() as u64)?;
        let key = |id: Id| match self.pickle.get(id) {
            Object::Text(text) => Some((*text).to_owned()),
            Object::Int(number) => Some(number.to_string()),
            _ => None,
        };
        let keys: Vec<Option<String>> = pairs.iter().map(|pair| key(pair.0)).collect();
        // A key that is set twice has its last value.
        let last: HashMap<&str, usize> =
            keys.iter().enumerate().filter_map(|(i, key)| Some((key.as_deref()?, i))).collect();
        for (i, (key, pair)) in keys.iter().zip(pairs).enumerate() {
            match key {
                Some(key) if last[key.as_str()] == i => self.visit(pair.1, &joined(name, key), depth + 1)?,
                Some(_) => {}
                None => self.skip(name, "an entry whose key is no text".into(), false)?,
            }
        }
        Ok(())
    }

    fn sequence(&mut self, items: &[Id], name: &str, depth: usize) -> Result<(), ImportError> {
        self.steps.take(items.len() as u64)?;
        if items.iter().all(|id| plain(self.pickle.get(*id)).is_some()) {
            return self.skip(name, format!("a list of {} values", items.len()), false);
        }
        for (i, id) in items.iter().enumerate() {
            self.visit(*id, &joined(name, &i.to_string()), depth + 1)?;
        }
        Ok(())
    }

    fn skip(&mut self, name: &str, what: String, opaque: bool) -> Result<(), ImportError> {
        self.skipped.push(Skipped { name: name.to_owned(), what, opaque });
        self.counted()
    }

    fn counted(&self) -> Result<(), ImportError> {
        if self.arrays.len() + self.skipped.len() <= self.limits.count {
            return Ok(());
        }
        Err(ImportError::Limit { what: "arrays and values", most: self.limits.count as u64 })
    }
}

fn joined(name: &str, key: &str) -> String {
    // One that is too long to be a name is not copied for each array below it.
    let key = if key.len() > NAME { &key[..key.floor_char_boundary(NAME + 1)] } else { key };
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

/// What a value is that contains no other.
fn plain(object: &Object<'_>) -> Option<&'static str> {
    Some(match object {
        Object::None => "nothing",
        Object::Bool(_) => "a truth value",
        Object::Int(_) | Object::LongInt(_) | Object::Float => "a number",
        Object::Text(_) => "a text",
        Object::Bytes => "bytes",
        Object::Global(..) => "a name",
        _ => return None,
    })
}
