//! Parameters of a flow at rest: snapshots, checkpoints and safetensors files.
//!
//! A safetensors file holds every array under its own name (`layers.0.net.weight.0`, `n_out x n_in`), the whitening as
//! `whitening.mean` and `whitening.scale` (`f64`), and in its metadata the config as JSON, the dimension, the version of
//! the parameters and the version of this format. A file is checked completely before anything of it is used.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::family::FlowConfig;
use super::flow::{Flow, Inner, each};
use super::layer::Whitening;
use crate::net::{ArraySpec, Values};
use crate::{ConfigError, Stream};

/// Version of the file format.
const FORMAT: &str = "1";
/// Layers a file may ask for at most, so that a broken one cannot make us allocate without end.
const MAX_LAYERS: usize = 10_000;

/// Why stored parameters cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// Something has another size than the flow needs.
    #[error("{what} holds {found} numbers (or another precision), but the flow needs {expected}")]
    Shape {
        /// What it is.
        what: String,
        /// Numbers needed.
        expected: usize,
        /// Numbers found.
        found: usize,
    },
    /// A number is NaN or infinite.
    #[error("{what} holds a number that is not finite")]
    NotFinite {
        /// Where.
        what: String,
    },
    /// Not a safetensors file, or a damaged one.
    #[error("the file is not a readable safetensors file: {0}")]
    Format(String),
    /// The metadata does not describe a flow.
    #[error("the file's metadata does not describe a flow: {0}")]
    Metadata(String),
    /// The config inside cannot be used.
    #[error("the config in the file cannot be used: {0}")]
    Config(#[from] ConfigError),
}

/// Parameters and whitening at one moment, e.g. of the best epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub(super) params: Values,
    pub(super) whitening: Whitening,
}

/// Everything a checkpoint needs, to the last bit (in a binary format; text formats may round).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowState {
    snapshot: Snapshot,
    version: u64,
}

impl Flow {
    /// Parameters and whitening as they are now.
    pub fn snapshot(&self) -> Snapshot {
        match &self.inner {
            Inner::F32(s) => {
                Snapshot { params: Values::F32(s.params.clone()), whitening: s.whitening.clone() }
            }
            Inner::F64(s) => {
                Snapshot { params: Values::F64(s.params.clone()), whitening: s.whitening.clone() }
            }
        }
    }

    /// Goes back to a snapshot of this flow; gets a new version.
    ///
    /// # Panics
    /// When the snapshot is of a flow of another size or precision.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.accept(snapshot).expect("a snapshot of this flow");
        self.changed();
    }

    /// The state, for a checkpoint.
    pub fn save_state(&self) -> FlowState {
        FlowState { snapshot: self.snapshot(), version: self.version }
    }

    /// Goes on from a state: same parameters, same version.
    pub fn load_state(&mut self, state: &FlowState) -> Result<(), FlowError> {
        if state.version == 0 {
            return Err(FlowError::Metadata("the version of the parameters is 0".into()));
        }
        self.accept(&state.snapshot)?;
        self.version = state.version;
        Ok(())
    }

    fn accept(&mut self, snapshot: &Snapshot) -> Result<(), FlowError> {
        let (n_params, dim) = (self.n_params(), self.dim);
        let shape =
            |what: &str, expected, found| Err(FlowError::Shape { what: what.into(), expected, found });
        let Snapshot { params, whitening } = snapshot;
        if params.len() != n_params {
            return shape("the parameter vector", n_params, params.len());
        }
        if whitening.dim() != dim || !whitening.is_whole() {
            return shape("the whitening", dim, whitening.dim());
        }
        if !params.is_finite() {
            return Err(FlowError::NotFinite { what: "the parameter vector".into() });
        }
        match (&mut self.inner, params) {
            (Inner::F32(s), Values::F32(p)) => {
                s.params.copy_from_slice(p);
                s.whitening = whitening.clone();
                s.pack();
            }
            (Inner::F64(s), Values::F64(p)) => {
                s.params.copy_from_slice(p);
                s.whitening = whitening.clone();
                s.pack();
            }
            _ => return shape("the parameter vector", n_params, params.len()),
        }
        Ok(())
    }

    /// The arrays in the flat parameter vector: names, shapes, offsets.
    pub fn layout(&self) -> &[ArraySpec] {
        each!(&self.inner, s => &s.layout)
    }

    /// The flow as a safetensors file.
    pub fn to_safetensors(&self) -> Vec<u8> {
        let Snapshot { params, whitening } = self.snapshot();
        let (bytes, size, dtype): (Vec<u8>, usize, Dtype) = match &params {
            Values::F32(v) => (v.iter().flat_map(|x| x.to_le_bytes()).collect(), 4, Dtype::F32),
            Values::F64(v) => (v.iter().flat_map(|x| x.to_le_bytes()).collect(), 8, Dtype::F64),
        };
        let wide = |v: &[f64]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let (mean, scale) = (wide(whitening.mean()), wide(whitening.scale()));
        let scale_shape =
            if whitening.scale().len() == self.dim { vec![self.dim] } else { vec![self.dim, self.dim] };
        let layout = self.layout();
        let mut tensors: Vec<(String, TensorView<'_>)> = layout
            .iter()
            .map(|a| {
                let n: usize = a.shape.iter().product();
                let data = &bytes[a.offset * size..(a.offset + n) * size];
                let view =
                    TensorView::new(dtype, a.shape.clone(), data).expect("shapes follow from the layout");
                (a.name.clone(), view)
            })
            .collect();
        let view =
            |shape, data| TensorView::new(Dtype::F64, shape, data).expect("shapes follow from the dimension");
        tensors.push(("whitening.mean".into(), view(vec![self.dim], &mean)));
        tensors.push(("whitening.scale".into(), view(scale_shape, &scale)));
        let axes = whitening.axes().map(wide);
        if let Some(axes) = &axes {
            tensors.push(("whitening.axes".into(), view(vec![self.dim, self.dim], axes)));
        }
        let config = serde_json::to_string(&self.config).expect("a config is plain data");
        let metadata = HashMap::from([
            ("mixwell.format".to_string(), FORMAT.to_string()),
            ("mixwell.flow".to_string(), config),
            ("mixwell.dim".to_string(), self.dim.to_string()),
            ("mixwell.version".to_string(), self.version.to_string()),
        ]);
        safetensors::serialize(tensors, Some(metadata)).expect("names are unique and shapes are right")
    }

    /// Reads a flow from a safetensors file.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, FlowError> {
        let format = |e: safetensors::SafeTensorError| FlowError::Format(e.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let file = SafeTensors::deserialize(bytes).map_err(format)?;
        let metadata = header.metadata().as_ref();
        let entry = |key: &str| {
            let found = metadata.and_then(|m| m.get(key));
            found.ok_or_else(|| FlowError::Metadata(format!("`{key}` is missing")))
        };
        let number = |key: &str| {
            let text = entry(key)?;
            text.parse::<u64>()
                .map_err(|_| FlowError::Metadata(format!("`{key}` is `{text}`, not a whole number")))
        };
        if entry("mixwell.format")? != FORMAT {
            let found = entry("mixwell.format")?;
            return Err(FlowError::Metadata(format!(
                "format {found} is not known; this version reads {FORMAT}"
            )));
        }
        let config: FlowConfig =
            serde_json::from_str(entry("mixwell.flow")?).map_err(|e| FlowError::Metadata(e.to_string()))?;
        let (dim, version) = (number("mixwell.dim")? as usize, number("mixwell.version")?);
        config.check(dim)?;
        // A flow is at least as large as its file says it is small: a short file cannot ask for a large flow.
        if config.depth() > MAX_LAYERS
            || dim > bytes.len()
            || config.size_estimate(dim) > 2.0 * bytes.len() as f64
        {
            return Err(FlowError::Metadata("the config describes a flow larger than the file".into()));
        }
        let mut flow = Self::new(&config, dim, &mut Stream::new(0, 0))?;
        let mut params = match &flow.inner {
            Inner::F32(s) => Values::F32(s.params.clone()),
            Inner::F64(s) => Values::F64(s.params.clone()),
        };
        for array in flow.layout() {
            let found = file.tensor(&array.name).map_err(format)?;
            let n: usize = array.shape.iter().product();
            let shape_error = FlowError::Shape {
                what: format!("`{}`", array.name),
                expected: n,
                found: found.shape().iter().product(),
            };
            if found.shape() != array.shape {
                return Err(shape_error);
            }
            match (&mut params, found.dtype()) {
                (Values::F32(p), Dtype::F32) => {
                    for (to, from) in
                        p[array.offset..array.offset + n].iter_mut().zip(found.data().chunks_exact(4))
                    {
                        *to = f32::from_le_bytes(from.try_into().expect("four bytes"));
                    }
                }
                (Values::F64(p), Dtype::F64) => {
                    for (to, from) in
                        p[array.offset..array.offset + n].iter_mut().zip(found.data().chunks_exact(8))
                    {
                        *to = f64::from_le_bytes(from.try_into().expect("eight bytes"));
                    }
                }
                _ => return Err(shape_error),
            }
        }
        let wide = |name: &str| -> Result<Vec<f64>, FlowError> {
            let found = file.tensor(name).map_err(format)?;
            if found.dtype() != Dtype::F64 {
                return Err(FlowError::Shape { what: format!("`{name}`"), expected: dim, found: 0 });
            }
            Ok(found
                .data()
                .chunks_exact(8)
                .map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes")))
                .collect())
        };
        let (mean, scale) = (wide("whitening.mean")?, wide("whitening.scale")?);
        if mean.len() != dim {
            return Err(FlowError::Shape {
                what: "`whitening.mean`".into(),
                expected: dim,
                found: mean.len(),
            });
        }
        let found = scale.len();
        let whitening = if file.tensor("whitening.axes").is_ok() {
            Whitening::principal(mean, scale, wide("whitening.axes")?)
        } else if found == dim {
            Whitening::diagonal(mean, scale)
        } else {
            Whitening::full(mean, scale)
        };
        let whitening = whitening.ok_or_else(|| {
            if found == dim || found == dim * dim {
                FlowError::NotFinite {
                    what: "the whitening (or a scale is not positive, or axes are not orthonormal)".into(),
                }
            } else {
                FlowError::Shape { what: "`whitening.scale`".into(), expected: dim, found }
            }
        })?;
        flow.load_state(&FlowState { snapshot: Snapshot { params, whitening }, version })?;
        Ok(flow)
    }
}
