//! Arrays under names, in the order of their file.

use std::collections::{BTreeMap, HashMap};

use super::{ArrayFileKind, ElementType, ImportError};
use crate::io::excerpt;
use crate::net::NetworkSpec;

/// The numbers of an array, the last index running fastest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ArrayValues {
    /// Single precision (also what was half precision in the file).
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Bytes and truth values.
    U8(Vec<u8>),
    /// All other whole numbers.
    I64(Vec<i64>),
}

impl ArrayValues {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::I64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As `f32`; what has more digits is rounded.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::F32(v) => v.clone(),
            Self::F64(v) => v.iter().map(|x| *x as f32).collect(),
            Self::U8(v) => v.iter().map(|x| f32::from(*x)).collect(),
            Self::I64(v) => v.iter().map(|x| *x as f32).collect(),
        }
    }

    /// As `f64`; whole numbers above 2^53 are rounded.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::F64(v) => v.clone(),
            Self::U8(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::I64(v) => v.iter().map(|x| *x as f64).collect(),
        }
    }
}

/// One array.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Its name; what was nested in the file is joined by dots: `state_dict.conv1.weight`, `0.layers.2.bias`.
    pub name: String,
    /// Its shape; empty for a single number.
    pub shape: Vec<usize>,
    /// What its numbers were in the file.
    pub element: ElementType,
    /// Its numbers, the last index running fastest, whatever the order was in the file.
    pub values: ArrayValues,
}

/// Something in a file that is no array and was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is: dotted names.
    pub name: String,
    /// What it is: "a number", "a text", or a Python class by its name.
    pub what: String,
    /// Whether weights may be hidden in it: an object of a class that is not known.
    pub opaque: bool,
}

/// The arrays of a file, in its order, each name once.
#[derive(Clone, Debug)]
pub struct NamedArrays {
    kind: ArrayFileKind,
    arrays: Vec<NamedArray>,
    places: HashMap<String, usize>,
    skipped: Vec<Skipped>,
    metadata: BTreeMap<String, String>,
    network: Option<NetworkSpec>,
}

impl NamedArrays {
    /// From what was read.
    ///
    /// # Errors
    /// When two arrays have one name.
    pub(super) fn new(
        kind: ArrayFileKind,
        arrays: Vec<NamedArray>,
        skipped: Vec<Skipped>,
    ) -> Result<Self, ImportError> {
        let mut places = HashMap::with_capacity(arrays.len());
        for (at, array) in arrays.iter().enumerate() {
            if places.insert(array.name.clone(), at).is_some() {
                let reason = "the file has two of this name; rename one and save it again".into();
                return Err(ImportError::Array { name: excerpt(&array.name), reason });
            }
        }
        Ok(Self { kind, arrays, places, skipped, metadata: BTreeMap::new(), network: None })
    }

    pub(super) fn with_network(mut self, network: Option<NetworkSpec>) -> Self {
        self.network = network;
        self
    }

    pub(super) fn with_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }

    /// What kind of file it was.
    pub fn kind(&self) -> ArrayFileKind {
        self.kind
    }

    /// The arrays, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, NamedArray> {
        self.arrays.iter()
    }

    /// How many arrays.
    pub fn len(&self) -> usize {
        self.arrays.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty()
    }

    /// The array of this name.
    pub fn get(&self, name: &str) -> Option<&NamedArray> {
        self.places.get(name).map(|at| &self.arrays[*at])
    }

    /// The array of this name and shape.
    ///
    /// # Errors
    /// When there is none (the message names those that are there), or when it has another shape.
    pub fn with_shape(&self, name: &str, shape: &[usize]) -> Result<&NamedArray, ImportError> {
        let array = self.get(name).ok_or_else(|| self.missing(name))?;
        if array.shape == shape {
            return Ok(array);
        }
        Err(ImportError::Shape { name: name.into(), expected: shape.to_vec(), found: array.shape.clone() })
    }

    /// What of the file was not read: numbers, texts, Python objects, each with its place.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What the file says of itself in words (safetensors; of ONNX only who made it), by key.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The network that these are the parameters of, where the file describes it: ONNX, and files of ours. It was checked
    /// ([`NetworkSpec::output`]).
    pub fn network(&self) -> Option<&NetworkSpec> {
        self.network.as_ref()
    }

    /// Numbers of all arrays of real numbers together; counters and other whole numbers are no parameters.
    pub fn n_parameters(&self) -> usize {
        self.arrays.iter().filter(|a| a.element.is_float()).map(|a| a.values.len()).sum()
    }

    /// The arrays below a key (`"state_dict"`, `"0"`), under what is left of their names. The empty key means all of them.
    ///
    /// # Errors
    /// When there are none, and when something there is a Python object that was not read, since weights may be missing then.
    pub fn select(&self, key: &str) -> Result<Self, ImportError> {
        let below = |name: &str| -> Option<String> {
            if key.is_empty() {
                return Some(name.to_owned());
            }
            let rest = name.strip_prefix(key)?;
            if key.ends_with('.') { Some(rest) } else { rest.strip_prefix('.') }.map(str::to_owned)
        };
        let whole = key.trim_end_matches('.');
        let hidden = |s: &&Skipped| s.opaque && (s.name == whole || below(&s.name).is_some());
        if let Some(skipped) = self.skipped.iter().find(hidden) {
            return Err(ImportError::Global { place: place(&skipped.name), global: skipped.what.clone() });
        }
        let chosen =
            self.arrays.iter().filter_map(|a| Some(NamedArray { name: below(&a.name)?, ..a.clone() }));
        let chosen: Vec<NamedArray> = chosen.collect();
        if chosen.is_empty() {
            return Err(self.missing(key));
        }
        let skipped =
            self.skipped.iter().filter_map(|s| Some(Skipped { name: below(&s.name)?, ..s.clone() }));
        let all = Self::new(self.kind, chosen, skipped.collect())?;
        let network = self.network.clone().filter(|_| key.is_empty());
        Ok(all.with_metadata(self.metadata.clone()).with_network(network))
    }

    /// The same arrays, without a prefix that all of them have (`"module."`); unchanged where one of them has it not.
    pub fn strip(self, prefix: &str) -> Self {
        if !self.arrays.iter().all(|a| a.name.starts_with(prefix)) {
            return self;
        }
        let Self { kind, mut arrays, mut skipped, metadata, network, .. } = self;
        for array in &mut arrays {
            array.name.drain(..prefix.len());
        }
        for skipped in &mut skipped {
            if let Some(rest) = skipped.name.strip_prefix(prefix) {
                skipped.name = rest.to_owned();
            }
        }
        let places = arrays.iter().enumerate().map(|(at, a)| (a.name.clone(), at)).collect();
        let network = network.filter(|_| prefix.is_empty());
        Self { kind, arrays, places, skipped, metadata, network }
    }

    /// The arrays with others in their place.
    pub(super) fn replaced(&self, arrays: Vec<NamedArray>) -> Result<Self, ImportError> {
        let all = Self::new(self.kind, arrays, self.skipped.clone())?;
        Ok(all.with_metadata(self.metadata.clone()).with_network(self.network.clone()))
    }

    /// The error of a name that is not there, with some of those that are.
    fn missing(&self, name: &str) -> ImportError {
        const SHOWN: usize = 8;
        let mut has: Vec<String> = self.arrays.iter().take(SHOWN).map(|a| excerpt(&a.name)).collect();
        if self.arrays.len() > SHOWN {
            has.push(format!("{} more", self.arrays.len() - SHOWN));
        }
        let has = if has.is_empty() { "no array at all".into() } else { has.join(", ") };
        ImportError::Missing { name: excerpt(name), has }
    }
}

impl<'a> IntoIterator for &'a NamedArrays {
    type Item = &'a NamedArray;
    type IntoIter = std::slice::Iter<'a, NamedArray>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A place in a file, in words.
pub(super) fn place(name: &str) -> String {
    if name.is_empty() { "the file".into() } else { format!("`{}`", excerpt(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays(names: &[&str], skipped: &[(&str, bool)]) -> NamedArrays {
        let array = |name: &&str| NamedArray {
            name: (*name).into(),
            shape: vec![],
            element: ElementType::F32,
            values: ArrayValues::F32(vec![1.0]),
        };
        let skip = |(name, opaque): &(&str, bool)| Skipped {
            name: (*name).into(),
            what: "os.system".into(),
            opaque: *opaque,
        };
        let skipped = skipped.iter().map(skip).collect();
        NamedArrays::new(ArrayFileKind::Safetensors, names.iter().map(array).collect(), skipped).unwrap()
    }

    fn names(a: &NamedArrays) -> Vec<&str> {
        a.iter().map(|a| a.name.as_str()).collect()
    }

    #[test]
    fn a_key_and_a_prefix_are_taken_off() {
        let all = arrays(&["state_dict.module.a", "state_dict.module.b", "state_dict2.a", "epoch.x"], &[]);
        let chosen = all.select("state_dict").unwrap();
        assert_eq!(names(&chosen), ["module.a", "module.b"]);
        assert_eq!(names(&all.select("state_dict.").unwrap()), ["module.a", "module.b"]);
        let stripped = chosen.clone().strip("module.");
        assert_eq!(names(&stripped), ["a", "b"]);
        assert!(stripped.get("b").is_some() && stripped.get("module.b").is_none());
        assert_eq!(names(&stripped.strip("module.")), ["a", "b"]);
        assert_eq!(all.select("").unwrap().len(), 4);
        let e = all.select("state").unwrap_err().to_string();
        assert!(e.contains("no `state`") && e.contains("state_dict.module.a"), "{e}");
    }

    #[test]
    fn a_python_object_is_refused_where_weights_are_asked_for_and_skipped_elsewhere() {
        let all = arrays(&["model.a"], &[("optimizer.state", true), ("model.epoch", false)]);
        assert_eq!(names(&all.select("model").unwrap()), ["a"]);
        for key in ["", "optimizer", "optimizer.state"] {
            let e = all.select(key).unwrap_err().to_string();
            assert!(e.contains("`optimizer.state`") && e.contains("os.system"), "{e}");
        }
    }

    #[test]
    fn a_wrong_name_or_shape_is_told() {
        let all = arrays(&["a"], &[]);
        assert!(all.with_shape("a", &[]).is_ok());
        let e = all.with_shape("a", &[3]).unwrap_err().to_string();
        assert!(e.contains("shape []") && e.contains("[3]"), "{e}");
        assert!(all.with_shape("b", &[]).unwrap_err().to_string().contains("there is a"));
    }
}
