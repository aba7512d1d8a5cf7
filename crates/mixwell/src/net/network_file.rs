//! Files that describe the network they hold: written as safetensors with the description in their metadata, and read without any
//! other word.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use super::export::{Tensor, safetensors};
use super::import::{ImportError, ImportLimits, NamedArrays};
use super::model::Model;
use super::network::Network;
use super::network_spec::NetworkSpec;
use super::sequential::Init;
use super::values::Stored;
use super::weights::{FORMAT, FORMAT_KEY, NETWORK_KEY};
use crate::Stream;
use crate::io::{IoError, atomic_write, excerpt};

impl<T: Stored> Network<T> {
    /// The network as a safetensors file with its description inside, in its own precision. The same network gives the same bytes.
    ///
    /// Arrays have the names of the description where every array has one and no two are the same, and else those of
    /// [`Model::layout`]; then the description in the file has no names.
    pub fn to_safetensors(&self) -> Vec<u8> {
        let given: Option<Vec<String>> = self.spec().array_names().into_iter().collect();
        let given = given.filter(|names| names.iter().collect::<HashSet<_>>().len() == names.len());
        let mut description = serde_json::to_value(self.spec()).expect("a description is plain data");
        if given.is_none() {
            remove_names(&mut description);
        }
        let names = given.unwrap_or_else(|| self.layout().iter().map(|a| a.name.clone()).collect());
        let arrays = self.layout().iter().zip(&names).map(|(array, name)| Tensor {
            name,
            shape: &array.shape,
            values: T::params(&self.params()[array.offset..array.end()]),
        });
        let metadata = [(FORMAT_KEY, FORMAT.to_owned()), (NETWORK_KEY, description.to_string())];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
        safetensors(&arrays.collect::<Vec<_>>(), &metadata)
    }

    /// Writes [`to_safetensors`](Self::to_safetensors) to a file, all or nothing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), IoError> {
        atomic_write(path, &self.to_safetensors())
    }

    /// Reads a network from a file of [`write`](Self::write). Numbers of another precision are converted: of `f64` those of an
    /// `f32` network are rounded, of `f32` nothing is lost.
    ///
    /// # Errors
    /// When the file cannot be read, describes no network, or its arrays are not those of its description; and when the network
    /// would take more memory than a file of this size may ([`ImportLimits::for_file`], and what is free).
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let arrays = NamedArrays::read(path)?;
        let limits = ImportLimits::for_file(std::fs::metadata(path).map_or(0, |m| m.len()));
        Self::described(&arrays, &limits)
            .map_err(|error| ImportError::InFile { path: path.to_path_buf(), error: Box::new(error) })
    }

    /// The same from a file that is in memory.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImportError> {
        Self::from_bytes_within(bytes, &ImportLimits::for_file(bytes.len() as u64))
    }

    /// The same within other limits; what the network holds counts as arrays once more.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes_within(bytes: &[u8], limits: &ImportLimits) -> Result<Self, ImportError> {
        Self::described(&NamedArrays::from_bytes_within(bytes, limits)?, limits)
    }

    /// The network that these arrays belong to.
    fn described(arrays: &NamedArrays, limits: &ImportLimits) -> Result<Self, ImportError> {
        let wrong = |reason: String| ImportError::network(&reason);
        let spec = arrays.network().ok_or_else(|| ImportError::Missing {
            name: NETWORK_KEY.into(),
            has: "no description of a network in the file, only arrays; give a description".into(),
        })?;
        if spec.bytes().map_err(|e| wrong(e.to_string()))? > limits.arrays {
            return Err(ImportError::Limit { what: "network", most: limits.arrays });
        }
        let (network, unused) = Self::with_arrays(spec, arrays)?;
        match unused.first() {
            None => Ok(network),
            Some(name) => Err(wrong(format!("nothing in it asks for the array `{}`", excerpt(name)))),
        }
    }

    /// The network of this description with these parameters, see [`load`](Self::load), and the names of arrays that nothing asked
    /// for.
    ///
    /// # Errors
    /// When the description cannot be used ([`Network::new`]), or the arrays are not those that it needs.
    pub fn with_arrays(spec: &NetworkSpec, arrays: &NamedArrays) -> Result<(Self, Vec<String>), ImportError> {
        // All weights are still to come.
        let network = Self::new(spec, Init::ZeroLast, &mut Stream::new(0, 0));
        let mut network = network.map_err(|e| ImportError::network(&e.to_string()))?;
        let unused = network.load(arrays)?;
        Ok((network, unused))
    }
}

/// Takes the names from all layers of a description.
fn remove_names(description: &mut Value) {
    match description {
        Value::Object(entries) => {
            entries.remove("name");
            entries.values_mut().for_each(remove_names);
        }
        Value::Array(list) => list.iter_mut().for_each(remove_names),
        _ => {}
    }
}
