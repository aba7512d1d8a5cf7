//! A safetensors file: the length of a header, the header in JSON, the numbers. The same arrays give the same bytes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::net::values::Params;

/// One array of a file.
#[derive(Clone, Debug)]
pub(in crate::net) struct Tensor<'a> {
    /// Its name, which no other has.
    pub name: &'a str,
    /// Its shape, row-major.
    pub shape: &'a [usize],
    /// Its numbers, as many as the shape says.
    pub values: Params<'a>,
}

impl Tensor<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self.values {
            Params::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Params::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}

/// The file of these arrays, in their order, but double precision first: so every number lies at a multiple of its size.
///
/// # Panics
/// When two arrays have one name or a shape is not that of its numbers.
pub(in crate::net) fn safetensors(tensors: &[Tensor<'_>], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let (mut header, mut data) = (Map::new(), vec![]);
    header.insert("__metadata__".into(), json!(metadata));
    let (double, single): (Vec<_>, Vec<_>) = tensors.iter().partition(|t| matches!(t.values, Params::F64(_)));
    for (tensor, kind) in double.iter().map(|t| (t, "F64")).chain(single.iter().map(|t| (t, "F32"))) {
        assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>(), "{}", tensor.name);
        let begin = data.len();
        data.extend(tensor.bytes());
        let entry = json!({ "dtype": kind, "shape": tensor.shape, "data_offsets": [begin, data.len()] });
        assert!(header.insert(tensor.name.into(), entry).is_none(), "two arrays `{}`", tensor.name);
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    [&(text.len() as u64).to_le_bytes(), text.as_slice(), &data].concat()
}
