//! A network from its files: one that describes itself, or a description and arrays.

use std::path::Path;

use mixwell::io::{CONFIG_BYTES, read_text};
use mixwell::net::import::{ArrayValues, ImportError, NamedArrays};
use mixwell::net::{LayerSpec, Network, NetworkSpec, Stored, named_network};

use super::printable;
use crate::cli::WeightsArgs;
use crate::exit::bad_input;

/// A description and the arrays that are to be its parameters.
pub struct Source {
    pub spec: NetworkSpec,
    pub arrays: NamedArrays,
}

/// An error of a file: its fault, or the machine's.
pub fn import_error(e: ImportError) -> anyhow::Error {
    if e.is_input() { bad_input(printable(&e.to_string())) } else { e.into() }
}

impl Source {
    /// Reads the files.
    pub fn read(description: Option<&Path>, weights: &Path, args: &WeightsArgs) -> anyhow::Result<Self> {
        let mut arrays = NamedArrays::read(weights).map_err(import_error)?;
        let spec = match (description, arrays.network()) {
            (Some(path), _) => described(path)?,
            (None, Some(spec)) => spec.clone(),
            (None, None) => {
                let shown = weights.display();
                return Err(bad_input(format!(
                    "`{shown}` ({}) holds arrays and no description; give one before it: a TOML or JSON file, or a name of `mixwell list networks`",
                    arrays.kind()
                )));
            }
        };
        if let Some(key) = &args.key {
            arrays = arrays.select(key).map_err(import_error)?;
        }
        for prefix in &args.strip {
            arrays = arrays.strip(prefix);
        }
        // Where the description has the norm itself, its arrays are wanted as they are.
        if !has_spectral_norm(&spec.layers) {
            let names = transposed(&spec.layers);
            arrays = arrays.fold_spectral_norm(|layer| names.contains(&layer)).map_err(import_error)?;
        }
        Ok(Self { spec, arrays })
    }

    /// Whether an array has more digits than single precision.
    pub fn is_double(&self) -> bool {
        self.arrays.iter().any(|a| matches!(a.values, ArrayValues::F64(_)))
    }

    /// The network, and the arrays that nothing asked for.
    pub fn network<T: Stored>(&self) -> anyhow::Result<(Network<T>, Vec<String>)> {
        Network::with_arrays(&self.spec, &self.arrays).map_err(import_error)
    }
}

/// Names of transposed convolutions, those in blocks included.
fn transposed(layers: &[LayerSpec]) -> Vec<&str> {
    let mut names = vec![];
    for layer in layers {
        match layer {
            LayerSpec::TransposedConvolution(l) => names.extend(l.name.as_deref()),
            LayerSpec::Residual(block) => {
                names.extend([transposed(&block.main), transposed(&block.skip)].concat())
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
fn described(path: &Path) -> anyhow::Result<NetworkSpec> {
    let shown = path.display();
    if let Some(spec) = path.to_str().filter(|_| !path.exists()).and_then(named_network) {
        return Ok(spec);
    }
    let text = read_text(path, CONFIG_BYTES).map_err(|e| {
        bad_input(format!(
            "cannot read the description `{shown}`: {e}; check the path, or `mixwell list networks`"
        ))
    })?;
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let read: Result<NetworkSpec, String> = if is_json {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    } else {
        toml::from_str(&text).map_err(|e| e.to_string())
    };
    let spec = read.map_err(|e| bad_input(format!("the description `{shown}` cannot be used: {e}")))?;
    spec.output().map_err(|e| bad_input(format!("the description `{shown}` cannot be used: {e}")))?;
    Ok(spec)
}
