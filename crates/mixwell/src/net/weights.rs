//! Weights of any model as a safetensors file: every array under its own name, what is not trained beside them (`f64`), and
//! what kind of model it is in the metadata. A file is checked completely before anything of it is used.

use std::collections::BTreeMap;

use super::export::{Tensor, safetensors};
use super::import::{ArrayFileKind, ArrayValues, ImportError, NamedArray, NamedArrays};
use super::model::Model;
use super::values::{Params, Values};
use crate::ConfigError;

/// Version of the file format.
pub(super) const FORMAT: &str = "1";
/// Where the metadata says so.
pub(super) const FORMAT_KEY: &str = "mixwell.format";
/// Where it describes a network, as JSON.
pub(super) const NETWORK_KEY: &str = "mixwell.network";

/// Why stored parameters cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Something has another size than the model needs.
    #[error("{what} holds {found} numbers (or another precision), but the model needs {expected}")]
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
    /// The metadata does not describe a model of the kind that is read.
    #[error("the file's metadata cannot be used: {0}")]
    Metadata(String),
    /// The config inside cannot be used.
    #[error("the config in the file cannot be used: {0}")]
    Config(#[from] ConfigError),
}

/// Numbers of a model that are not trained but belong to it, such as a whitening.
#[derive(Clone, Debug)]
pub struct Buffer<'a> {
    /// Its name in a file.
    pub name: &'a str,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: &'a [f64],
}

/// The model as a safetensors file.
///
/// # Panics
/// When two arrays have one name or a shape is not that of its numbers.
pub fn to_safetensors(model: &dyn Model, buffers: &[Buffer<'_>], metadata: &[(&str, String)]) -> Vec<u8> {
    let params = model.params();
    let own = model.layout().iter().map(|a| Tensor {
        name: &a.name,
        shape: &a.shape,
        values: match params {
            Params::F32(v) => Params::F32(&v[a.offset..a.end()]),
            Params::F64(v) => Params::F64(&v[a.offset..a.end()]),
        },
    });
    let beside =
        buffers.iter().map(|b| Tensor { name: b.name, shape: &b.shape, values: Params::F64(b.values) });
    let mut entries = BTreeMap::from([(FORMAT_KEY.to_string(), FORMAT.to_string())]);
    entries.extend(metadata.iter().map(|(key, value)| (key.to_string(), value.clone())));
    safetensors(&own.chain(beside).collect::<Vec<_>>(), &entries)
}

/// A safetensors file that has been opened.
#[derive(Debug)]
pub struct WeightsFile {
    arrays: NamedArrays,
}

fn format(e: ImportError) -> WeightsError {
    WeightsError::Format(e.to_string())
}

impl WeightsFile {
    /// Reads the file and checks that its header fits.
    ///
    /// # Errors
    /// When it does not, or when the format is of another version.
    pub fn open(bytes: &[u8]) -> Result<Self, WeightsError> {
        let arrays = NamedArrays::from_bytes(bytes).map_err(format)?;
        if arrays.kind() != ArrayFileKind::Safetensors {
            return Err(WeightsError::Format(format!("it is a file of {}", arrays.kind())));
        }
        let file = Self { arrays };
        match file.entry(FORMAT_KEY)? {
            FORMAT => Ok(file),
            found => Err(WeightsError::Metadata(format!(
                "format {found} is not known; this version reads {FORMAT}"
            ))),
        }
    }

    /// What the metadata says under this key.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn entry(&self, key: &str) -> Result<&str, WeightsError> {
        let found = self.arrays.metadata().get(key).map(String::as_str);
        found.ok_or_else(|| WeightsError::Metadata(format!("`{key}` is missing")))
    }

    /// The same as a whole number.
    ///
    /// # Errors
    /// When there is none.
    pub fn number(&self, key: &str) -> Result<u64, WeightsError> {
        let text = self.entry(key)?;
        text.parse().map_err(|_| WeightsError::Metadata(format!("`{key}` is `{text}`, not a whole number")))
    }

    /// Whether there is an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.arrays.get(name).is_some()
    }

    fn array(&self, name: &str) -> Result<&NamedArray, WeightsError> {
        self.arrays.get(name).ok_or_else(|| WeightsError::Format(format!("there is no array `{name}`")))
    }

    /// The parameters of a model like this one.
    ///
    /// # Errors
    /// When an array is missing or has another shape or precision.
    pub fn params(&self, model: &dyn Model) -> Result<Values, WeightsError> {
        let mut params = model.params().zeros();
        for array in model.layout() {
            let found = self.array(&array.name)?;
            let at = array.offset..array.end();
            match (&mut params, &found.values) {
                (Values::F32(p), ArrayValues::F32(v)) if found.shape == array.shape => {
                    p[at].copy_from_slice(v);
                }
                (Values::F64(p), ArrayValues::F64(v)) if found.shape == array.shape => {
                    p[at].copy_from_slice(v);
                }
                _ => {
                    return Err(WeightsError::Shape {
                        what: format!("`{}`", array.name),
                        expected: array.n_numbers(),
                        found: found.values.len(),
                    });
                }
            }
        }
        Ok(params)
    }

    /// The numbers of a [`Buffer`].
    ///
    /// # Errors
    /// When it is missing or not in double precision.
    pub fn buffer(&self, name: &str) -> Result<Vec<f64>, WeightsError> {
        match &self.array(name)?.values {
            ArrayValues::F64(v) => Ok(v.clone()),
            other => Err(WeightsError::Shape { what: format!("`{name}`"), expected: other.len(), found: 0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::net::{Activation, Init, Network, NetworkSpec};

    fn net(seed: u64) -> Network<f32> {
        let spec = NetworkSpec::dense(2, &[3], 1, Activation::Tanh);
        Network::new(&spec, Init::Uniform, &mut Stream::new(seed, 0)).unwrap()
    }

    #[test]
    fn an_energy_comes_back_from_its_file() {
        let beside = [0.5, -2.0];
        let buffers = [Buffer { name: "mean", shape: vec![2], values: &beside }];
        let bytes = to_safetensors(&net(1), &buffers, &[("kind", "energy".into()), ("dim", "2".into())]);
        let file = WeightsFile::open(&bytes).unwrap();
        assert_eq!((file.entry("kind").unwrap(), file.number("dim").unwrap()), ("energy", 2));
        assert_eq!((file.buffer("mean").unwrap(), file.has("variance")), (beside.to_vec(), false));
        let mut other = net(2);
        assert_ne!(other.params(), net(1).params());
        let params = file.params(&other).unwrap();
        other.set_params(&params).unwrap();
        assert_eq!(other.params(), net(1).params());
    }

    #[test]
    fn the_same_model_gives_the_same_bytes() {
        let metadata: Vec<(String, String)> = (0..20).map(|i| (format!("key {i}"), "x".into())).collect();
        let metadata: Vec<(&str, String)> = metadata.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        let bytes = to_safetensors(&net(1), &[], &metadata);
        assert_eq!(bytes, to_safetensors(&net(1), &[], &metadata));
        WeightsFile::open(&bytes).unwrap();
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let bytes = to_safetensors(&net(1), &[], &[]);
        let file = WeightsFile::open(&bytes).unwrap();
        let double = Network::<f64>::toy(2, Init::Uniform, &mut Stream::new(1, 0));
        assert!(file.params(&double).is_err());
        assert!(matches!(file.entry("kind"), Err(WeightsError::Metadata(_))));
        let mut own = net(3);
        let before = Model::params(&own).to_values();
        let broken = Values::F32(vec![f32::NAN; before.len()]);
        assert!(matches!(own.set_params(&broken), Err(WeightsError::NotFinite { .. })));
        let short = Values::F32(vec![0.0; 3]);
        assert!(matches!(own.set_params(&short), Err(WeightsError::Shape { found: 3, .. })));
        assert_eq!(Model::params(&own).to_values(), before);
    }
}
