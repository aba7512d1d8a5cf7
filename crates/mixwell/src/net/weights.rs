//! Weights of any model as a safetensors file: every array under its own name, what is not trained beside them (`f64`), and
//! what kind of model it is in the metadata. A file is checked completely before anything of it is used.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::model::Model;
use super::values::{Params, Values};
use crate::ConfigError;

/// Version of the file format.
const FORMAT: &str = "1";
/// Where the metadata says so.
const FORMAT_KEY: &str = "mixwell.format";

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
    let wide = |v: &[f64]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let (bytes, size, dtype): (Vec<u8>, usize, Dtype) = match model.params() {
        Params::F32(v) => (v.iter().flat_map(|x| x.to_le_bytes()).collect(), 4, Dtype::F32),
        Params::F64(v) => (wide(v), 8, Dtype::F64),
    };
    let buffer_bytes: Vec<Vec<u8>> = buffers.iter().map(|b| wide(b.values)).collect();
    let view = |dtype, shape: &[usize], data| {
        TensorView::new(dtype, shape.to_vec(), data).expect("shapes are those of the numbers")
    };
    let own = model.layout().iter().map(|a| {
        let data = &bytes[a.offset * size..a.end() * size];
        (a.name.clone(), view(dtype, &a.shape, data))
    });
    let beside = buffers
        .iter()
        .zip(&buffer_bytes)
        .map(|(b, bytes)| (b.name.to_string(), view(Dtype::F64, &b.shape, bytes)));
    let mut entries = HashMap::from([(FORMAT_KEY.to_string(), FORMAT.to_string())]);
    entries.extend(metadata.iter().map(|(key, value)| (key.to_string(), value.clone())));
    let tensors: Vec<_> = own.chain(beside).collect();
    let bytes =
        safetensors::serialize(tensors, Some(entries)).expect("names are unique and shapes are right");
    with_sorted_header(&bytes)
}

/// The same file with the entries of its header in the order of their names: the same model gives the same bytes.
fn with_sorted_header(bytes: &[u8]) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let (header, numbers) = bytes[8..].split_at(length);
    let header: serde_json::Value = serde_json::from_slice(header).expect("a header is JSON");
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), numbers].concat()
}

/// A safetensors file that has been opened.
#[derive(Debug)]
pub struct WeightsFile<'a> {
    tensors: SafeTensors<'a>,
    metadata: HashMap<String, String>,
}

fn format(e: safetensors::SafeTensorError) -> WeightsError {
    WeightsError::Format(e.to_string())
}

impl<'a> WeightsFile<'a> {
    /// Reads the header and checks that it fits the file.
    ///
    /// # Errors
    /// When it does not, or when the format is of another version.
    pub fn open(bytes: &'a [u8]) -> Result<Self, WeightsError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(format)?;
        let file = Self { tensors, metadata: header.metadata().clone().unwrap_or_default() };
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
        let found = self.metadata.get(key).map(String::as_str);
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
        self.tensors.tensor(name).is_ok()
    }

    /// The parameters of a model like this one.
    ///
    /// # Errors
    /// When an array is missing or has another shape or precision.
    pub fn params(&self, model: &dyn Model) -> Result<Values, WeightsError> {
        let mut params = model.params().zeros();
        for array in model.layout() {
            let found = self.tensors.tensor(&array.name).map_err(format)?;
            let shape_error = WeightsError::Shape {
                what: format!("`{}`", array.name),
                expected: array.n_numbers(),
                found: found.shape().iter().product(),
            };
            if found.shape() != array.shape {
                return Err(shape_error);
            }
            let at = array.offset..array.end();
            match (&mut params, found.dtype()) {
                (Values::F32(p), Dtype::F32) => {
                    for (to, from) in p[at].iter_mut().zip(found.data().chunks_exact(4)) {
                        *to = f32::from_le_bytes(from.try_into().expect("four bytes"));
                    }
                }
                (Values::F64(p), Dtype::F64) => p[at].copy_from_slice(&doubles(found.data())),
                _ => return Err(shape_error),
            }
        }
        Ok(params)
    }

    /// The numbers of a [`Buffer`].
    ///
    /// # Errors
    /// When it is missing or not in double precision.
    pub fn buffer(&self, name: &str) -> Result<Vec<f64>, WeightsError> {
        let found = self.tensors.tensor(name).map_err(format)?;
        if found.dtype() != Dtype::F64 {
            let expected = found.shape().iter().product();
            return Err(WeightsError::Shape { what: format!("`{name}`"), expected, found: 0 });
        }
        Ok(doubles(found.data()))
    }
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes"))).collect()
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
