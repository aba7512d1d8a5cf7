//! Stored parameters of a flow: snapshots, checkpoints and safetensors files.
//!
//! A safetensors file holds every array under its own name (`layers.0.net.weight.0`, `n_out x n_in`), the whitening as
//! `whitening.mean` and `whitening.scale` (`f64`), and in its metadata the config as JSON, the dimension, the version of
//! the parameters and the version of this format. A file is checked completely before anything of it is used.

use serde::{Deserialize, Serialize};

use super::family::FlowConfig;
use super::flow::Flow;
use super::layer::Whitening;
use crate::Stream;
use crate::net::{Buffer, Model, Values, WeightsError, WeightsFile, to_safetensors};

/// Layers a file may ask for at most, so that a broken one cannot make us allocate without end.
const MAX_LAYERS: usize = 10_000;

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
        Snapshot { params: self.params().to_values(), whitening: self.whitening().clone() }
    }

    /// Goes back to a snapshot of this flow; gets a new version.
    ///
    /// # Panics
    /// When the snapshot is of a flow of another size or precision.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        let version = self.version;
        self.accept(snapshot).expect("a snapshot of this flow");
        self.version = version;
        self.changed();
    }

    /// The state, for a checkpoint.
    pub fn save_state(&self) -> FlowState {
        FlowState { snapshot: self.snapshot(), version: self.version }
    }

    /// Goes on from a state: same parameters, same version.
    pub fn load_state(&mut self, state: &FlowState) -> Result<(), WeightsError> {
        if state.version == 0 {
            return Err(WeightsError::Metadata("the version of the parameters is 0".into()));
        }
        self.accept(&state.snapshot)?;
        self.version = state.version;
        Ok(())
    }

    fn accept(&mut self, snapshot: &Snapshot) -> Result<(), WeightsError> {
        let Snapshot { params, whitening } = snapshot;
        if whitening.dim() != self.dim || !whitening.is_whole() {
            let what = "the whitening".to_string();
            return Err(WeightsError::Shape { what, expected: self.dim, found: whitening.dim() });
        }
        self.set_params(params)?;
        self.set_whitening(whitening.clone());
        Ok(())
    }

    /// The flow as a safetensors file.
    pub fn to_safetensors(&self) -> Vec<u8> {
        let (whitening, dim) = (self.whitening(), self.dim);
        let buffer = |name, shape, values| Buffer { name, shape, values };
        let scale = whitening.scale();
        let scale_shape = if scale.len() == dim { vec![dim] } else { vec![dim, dim] };
        let mut buffers = vec![
            buffer("whitening.mean", vec![dim], whitening.mean()),
            buffer("whitening.scale", scale_shape, scale),
        ];
        buffers.extend(whitening.axes().map(|axes| buffer("whitening.axes", vec![dim, dim], axes)));
        let config = serde_json::to_string(&self.config).expect("a config is plain data");
        let metadata = [
            ("mixwell.flow", config),
            ("mixwell.dim", dim.to_string()),
            ("mixwell.version", self.version.to_string()),
        ];
        to_safetensors(self, &buffers, &metadata)
    }

    /// Reads a flow from a safetensors file.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, WeightsError> {
        let file = WeightsFile::open(bytes)?;
        let config: FlowConfig = serde_json::from_str(file.entry("mixwell.flow")?)
            .map_err(|e| WeightsError::Metadata(e.to_string()))?;
        let (dim, version) = (file.number("mixwell.dim")? as usize, file.number("mixwell.version")?);
        config.check(dim)?;
        // A flow is at least as large as its file says it is small: a short file cannot ask for a large flow.
        if config.depth() > MAX_LAYERS
            || dim > bytes.len()
            || config.size_estimate(dim) > 2.0 * bytes.len() as f64
        {
            return Err(WeightsError::Metadata("the config describes a flow larger than the file".into()));
        }
        let mut flow = Self::new(&config, dim, &mut Stream::new(0, 0))?;
        let params = file.params(&flow)?;
        let (mean, scale) = (file.buffer("whitening.mean")?, file.buffer("whitening.scale")?);
        if mean.len() != dim {
            return Err(WeightsError::Shape {
                what: "`whitening.mean`".into(),
                expected: dim,
                found: mean.len(),
            });
        }
        let found = scale.len();
        let whitening = if file.has("whitening.axes") {
            Whitening::principal(mean, scale, file.buffer("whitening.axes")?)
        } else if found == dim {
            Whitening::diagonal(mean, scale)
        } else {
            Whitening::full(mean, scale)
        };
        let whitening = whitening.ok_or_else(|| {
            if found == dim || found == dim * dim {
                WeightsError::NotFinite {
                    what: "the whitening (or a scale is not positive, or axes are not orthonormal)".into(),
                }
            } else {
                WeightsError::Shape { what: "`whitening.scale`".into(), expected: dim, found }
            }
        })?;
        flow.load_state(&FlowState { snapshot: Snapshot { params, whitening }, version })?;
        Ok(flow)
    }
}
