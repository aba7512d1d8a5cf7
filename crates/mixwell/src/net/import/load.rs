//! The parameters of a network from named arrays: by the names that its layers are given in its description, or, where it has
//! none, one after the other.
//!
//! Layouts are PyTorch's: a dense weight is `out x in`, that of a convolution `out x in x k x k`, of a transposed one
//! `in x out x k x k`. Whole numbers (counters of batches) are no parameters and are passed over.

use super::array::NamedArrays;
use super::error::ImportError;
use crate::net::{ArraySpec, Model, Network, Stored};

impl<T: Stored> Network<T> {
    /// Takes its parameters from these arrays. Returns the names of arrays of real numbers that nothing asked for.
    ///
    /// # Errors
    /// When an array is missing, has another shape, or is not finite; when only some layers have names; and, without names, when
    /// there are more or fewer arrays than the network has. Then nothing is changed.
    pub fn load(&mut self, arrays: &NamedArrays) -> Result<Vec<String>, ImportError> {
        let names = self.spec().array_names();
        let mut values = vec![T::ZERO; self.params().len()];
        let floats = || arrays.iter().filter(|a| a.element.is_float());
        let unnamed = names.iter().filter(|n| n.is_none()).count();
        let in_order = unnamed == names.len();
        if unnamed > 0 && !in_order {
            let reason = format!(
                "{unnamed} arrays of the description have no name; give `name` to every layer with arrays, or to none"
            );
            return Err(ImportError::Array { name: "network".into(), reason });
        }
        if in_order && floats().count() != names.len() {
            let reason = format!(
                "the network has {} arrays, the file {}; choose a part of the file, or give layers the names that the file uses",
                names.len(),
                floats().count()
            );
            return Err(ImportError::Array { name: "network".into(), reason });
        }
        let mut next = floats();
        for (name, ArraySpec { shape, offset, .. }) in names.iter().zip(self.layout()) {
            let array = match name {
                Some(name) => {
                    let found = spellings(name).find(|spelling| arrays.get(spelling).is_some());
                    arrays.with_shape(&found.unwrap_or_else(|| name.clone()), shape)?
                }
                None => {
                    let array = next.next().expect("as many arrays, just counted");
                    arrays.with_shape(&array.name, shape)?
                }
            };
            for (to, from) in values[*offset..].iter_mut().zip(array.values.to_f64()) {
                if !from.is_finite() {
                    let reason = format!("a number in it is {from}; weights must be finite");
                    return Err(ImportError::Array { name: array.name.clone(), reason });
                }
                *to = T::from_f64(from);
                if !to.to_f64().is_finite() {
                    let reason = format!("{from} in it is too large for the network's precision; use f64");
                    return Err(ImportError::Array { name: array.name.clone(), reason });
                }
            }
        }
        self.update(|params| params.copy_from_slice(&values));
        let asked = |name: &str| in_order || names.iter().flatten().any(|n| spellings(n).any(|s| s == name));
        Ok(floats().filter(|a| !asked(&a.name)).map(|a| a.name.clone()).collect())
    }
}

/// How the arrays of a layer are named in files: `l0.weight` and `l0/W`, `l0.bias` and `l0/b`.
fn spellings(name: &str) -> impl Iterator<Item = String> {
    let short = name.strip_suffix(".weight").map(|layer| format!("{layer}/W"));
    let short = short.or_else(|| name.strip_suffix(".bias").map(|layer| format!("{layer}/b")));
    std::iter::once(name.to_owned()).chain(short)
}
