//! Safetensors files of anybody: a header in JSON, then the numbers. The header is read and checked by the crate of that name.

use std::collections::BTreeMap;

use ::safetensors::tensor::{Dtype, SafeTensors};

use super::limits::Budget;
use super::{ArrayFileKind, ElementType, ImportError, ImportLimits, NamedArray, NamedArrays};
use crate::io::excerpt;
use crate::net::NetworkSpec;
use crate::net::weights::{FORMAT, FORMAT_KEY, NETWORK_KEY};

/// Largest header that is read: 16 MiB.
const HEADER: u64 = 16 << 20;

/// Whether a file begins like one: the length of the header, and the brace with which it begins.
pub(super) fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// Reads the arrays, in the order in which their numbers lie.
pub(super) fn read(bytes: &[u8], limits: &ImportLimits) -> Result<NamedArrays, ImportError> {
    let damaged =
        |offset, reason| ImportError::Damaged { part: "the safetensors file".into(), offset, reason };
    let length = bytes.first_chunk::<8>().map(|b| u64::from_le_bytes(*b));
    let length = length.ok_or_else(|| damaged(0, "it has no header".into()))?;
    if length > HEADER {
        return Err(ImportError::Limit { what: "header", most: HEADER });
    }
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(8, e.to_string()))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| damaged(8, e.to_string()))?;
    if tensors.len() > limits.count {
        return Err(ImportError::Limit { what: "arrays and values", most: limits.count as u64 });
    }
    let mut memory = Budget::new("arrays", limits.arrays);
    let mut arrays = Vec::with_capacity(tensors.len());
    for name in header.offset_keys() {
        let found = tensors.tensor(&name).map_err(|e| damaged(8, e.to_string()))?;
        let wrong = |reason| ImportError::Array { name: excerpt(&name), reason };
        let element = element(found.dtype());
        let element = element.ok_or_else(|| {
            wrong(format!("numbers of the type {:?} are not read; convert it", found.dtype()))
        })?;
        let n = found.data().len() / element.size();
        memory.take((n as u64).saturating_mul(element.memory() as u64))?;
        let values = element.gather(&name, found.data(), false, 0..n)?;
        arrays.push(NamedArray { shape: found.shape().to_vec(), element, values, name });
    }
    let metadata: BTreeMap<String, String> =
        header.metadata().clone().unwrap_or_default().into_iter().collect();
    let network = description(&metadata)?;
    let all = NamedArrays::new(ArrayFileKind::Safetensors, arrays, vec![])?;
    Ok(all.with_metadata(metadata).with_network(network))
}

/// The network that a file of ours describes.
fn description(metadata: &BTreeMap<String, String>) -> Result<Option<NetworkSpec>, ImportError> {
    let Some(text) = metadata.get(NETWORK_KEY) else { return Ok(None) };
    let wrong = |reason: String| ImportError::network(&reason);
    match metadata.get(FORMAT_KEY).map(String::as_str) {
        Some(FORMAT) => {}
        found => {
            let found = found.unwrap_or("none");
            return Err(wrong(format!("its format is {found}, this version reads {FORMAT}")));
        }
    }
    let network: NetworkSpec = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
    network.output().map_err(|e| wrong(e.to_string()))?;
    Ok(Some(network))
}

fn element(dtype: Dtype) -> Option<ElementType> {
    Some(match dtype {
        Dtype::BOOL => ElementType::Bool,
        Dtype::U8 => ElementType::U8,
        Dtype::I8 => ElementType::I8,
        Dtype::I16 => ElementType::I16,
        Dtype::U16 => ElementType::U16,
        Dtype::I32 => ElementType::I32,
        Dtype::U32 => ElementType::U32,
        Dtype::I64 => ElementType::I64,
        Dtype::U64 => ElementType::U64,
        Dtype::F16 => ElementType::F16,
        Dtype::BF16 => ElementType::BF16,
        Dtype::F32 => ElementType::F32,
        Dtype::F64 => ElementType::F64,
        _ => return None,
    })
}
