//! Named arrays from anybody's files: PyTorch checkpoints, NumPy's `.npy` and `.npz`, safetensors, ONNX.
//!
//! A file is told by its contents, not by its name. Nothing of it is executed: a checkpoint's pickle is run by a machine that knows
//! dictionaries, lists, numbers and tensors, and for which every other name is a word. What is believed of a file is what its
//! bytes bear out; how much memory one may take is said in [`ImportLimits`].
//!
//! ```no_run
//! use mixwell::net::import::NamedArrays;
//!
//! let file = NamedArrays::read("checkpoint.pth".as_ref())?;
//! let weights = file.select("state_dict")?.strip("module.");
//! for array in weights.iter() {
//!     println!("{} {:?} {}", array.name, array.shape, array.element);
//! }
//! # Ok::<(), mixwell::net::import::ImportError>(())
//! ```

mod array;
mod element;
mod error;
mod guess;
mod limits;
mod load;
mod numpy;
mod onnx;
mod pickle;
mod reader;
mod safetensors;
mod source;
mod spectral_norm;
mod strides;
mod torch;
mod zip;

pub use array::{ArrayValues, NamedArray, NamedArrays, Skipped};
pub use element::ElementType;
pub use error::ImportError;
pub use limits::ImportLimits;
pub use reader::ArrayFileKind;
pub use source::{FoundNetwork, NetworkSource};
