//! Files that others read: what is written of a model, and no more than its numbers and what they are.

mod onnx;
mod protobuf;
mod safetensors;

pub(super) use safetensors::{Tensor, safetensors};
