//! `NetworkSource`: where a network comes from: one file that describes itself, or a description and a file of arrays.

use std::path::{Path, PathBuf};

use super::array::{ArrayValues, NamedArrays};
use super::error::ImportError;
use crate::io::{CONFIG_BYTES, read_text};
use crate::net::layer::LayerSpec;
use crate::net::{Network, NetworkSpec, Stored, named_network};

/// Where a network comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkSource {
    /// The file of its arrays: of any kind that is read.
    pub weights: PathBuf,
    /// What it is made of: a TOML or JSON file, or a name of [`named_networks`](crate::net::named_networks). Files that describe themselves
    /// (ours, ONNX) need none.
    pub description: Option<PathBuf>,
    /// Take the arrays below this key only, e.g. `state_dict`.
    pub key: Option<String>,
    /// Take these prefixes from names that all have them, e.g. `module.`.
    pub strip: Vec<String>,
}

/// A description and the arrays that are to be its parameters.
#[derive(Clone, Debug)]
pub struct FoundNetwork {
    /// The description.
    pub spec: NetworkSpec,
    /// The arrays.
    pub arrays: NamedArrays,
}

impl NetworkSource {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read or used, or there is no description.
    pub fn read(&self) -> Result<FoundNetwork, ImportError> {
        let mut arrays = NamedArrays::read(&self.weights)?;
        let in_file = |error| ImportError::InFile { path: self.weights.clone(), error: Box::new(error) };
        let spec = match (&self.description, arrays.network()) {
            (Some(description), _) => described(description)?,
            (None, Some(spec)) => spec.clone(),
            (None, None) => return Err(in_file(ImportError::Undescribed { kind: arrays.kind() })),
        };
        if let Some(key) = &self.key {
            arrays = arrays.select(key).map_err(in_file)?;
        }
        for prefix in &self.strip {
            arrays = arrays.strip(prefix);
        }
        // Where the description has the norm itself, its arrays are wanted as they are.
        if !has_spectral_norm(&spec.layers) {
            let names = transposed(&spec.layers);
            arrays = arrays.fold_spectral_norm(|layer| names.contains(&layer)).map_err(in_file)?;
        }
        Ok(FoundNetwork { spec, arrays })
    }

    /// The network.
    ///
    /// # Errors
    /// When a file cannot be read or used, or arrays are not those of the description.
    pub fn network<T: Stored>(&self) -> Result<Network<T>, ImportError> {
        let in_file = |error| ImportError::InFile { path: self.weights.clone(), error: Box::new(error) };
        let (network, unused) = self.read()?.network().map_err(in_file)?;
        match unused.first() {
            None => Ok(network),
            Some(name) => {
                let shown = crate::io::excerpt(name);
                let reason = format!("nothing in it asks for the array `{shown}`; choose a part of the file");
                Err(in_file(ImportError::network(&reason)))
            }
        }
    }
}

impl FoundNetwork {
    /// Whether an array has more digits than single precision.
    pub fn is_double(&self) -> bool {
        self.arrays.iter().any(|a| matches!(a.values, ArrayValues::F64(_)))
    }

    /// The network, and the names of arrays that nothing asked for.
    ///
    /// # Errors
    /// When the arrays are not those of the description.
    pub fn network<T: Stored>(&self) -> Result<(Network<T>, Vec<String>), ImportError> {
        Network::with_arrays(&self.spec, &self.arrays)
    }
}

/// Names of transposed convolutions, those in blocks included.
fn transposed(layers: &[LayerSpec]) -> Vec<&str> {
    let mut names = vec![];
    for layer in layers {
        match layer {
            LayerSpec::TransposedConvolution(l) => names.extend(l.name.as_deref()),
            LayerSpec::Residual(block) => {
                names.extend([transposed(&block.main), transposed(&block.skip)].concat());
            }
            _ => {}
        }
    }
    names
}

/// Whether a layer works with weights divided by their spectral norm.
fn has_spectral_norm(layers: &[LayerSpec]) -> bool {
    layers.iter().any(|layer| match layer {
        LayerSpec::Dense(l) => l.spectral_norm,
        LayerSpec::Convolution(l) => l.spectral_norm,
        LayerSpec::TransposedConvolution(l) => l.spectral_norm,
        LayerSpec::Residual(block) => has_spectral_norm(&block.main) || has_spectral_norm(&block.skip),
        _ => false,
    })
}

/// A description by its file, or by its name in the catalogue.
fn described(path: &Path) -> Result<NetworkSpec, ImportError> {
    if let Some(spec) = path.to_str().filter(|_| !path.exists()).and_then(named_network) {
        return Ok(spec);
    }
    let refused = |reason: String| ImportError::Description { path: path.to_path_buf(), reason };
    let text = read_text(path, CONFIG_BYTES)
        .map_err(|e| refused(format!("{e}; check the path, or `mixwell list networks`")))?;
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let read: Result<NetworkSpec, String> = if is_json {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    } else {
        toml::from_str(&text).map_err(|e| e.to_string())
    };
    let spec = read.map_err(refused)?;
    spec.output().map_err(|e| refused(e.to_string()))?;
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Activation, Init};
    use crate::{Points, Stream};

    #[test]
    fn one_file_or_two_give_the_same_network() {
        let folder = tempfile::tempdir().unwrap();
        let spec = NetworkSpec::dense(2, &[5], 1, Activation::Tanh);
        let network = Network::<f32>::new(&spec, Init::Uniform, &mut Stream::new(1, 0)).unwrap();
        let weights = folder.path().join("n.safetensors");
        network.write(&weights).unwrap();
        let description = folder.path().join("n.toml");
        std::fs::write(&description, spec.to_toml()).unwrap();
        let alone = NetworkSource { weights: weights.clone(), ..NetworkSource::default() };
        let both = NetworkSource { description: Some(description), ..alone.clone() };
        let x = Points::from_rows(&[[0.3, -1.0]]);
        let value = |source: &NetworkSource| {
            let mut y = [0.0];
            source.network::<f32>().unwrap().energy(x.as_batch(), &mut y);
            y
        };
        assert_eq!(value(&alone), value(&both));
        let error = |source: NetworkSource| source.network::<f32>().unwrap_err().to_string();
        let wrong = NetworkSource { description: Some("lenet5".into()), ..alone.clone() };
        assert!(error(wrong).contains("n.safetensors"));
        let missing = NetworkSource { description: Some("no.toml".into()), ..alone };
        assert!(error(missing).contains("`no.toml`"));
    }
}
