//! `NetworkSpec`: a network as data, and the check that its layers fit onto each other.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::layer::{Dense, LayerSpec, Shape};
use crate::ConfigError;

/// A network: what goes in, and the layers one after the other. In TOML:
///
/// ```
/// let spec: mixwell::net::NetworkSpec = toml::from_str(
///     r#"
///     input = [1, 28, 28]
///     [[layers]]
///     kind = "convolution"
///     channels = 16
///     kernel = 5
///     stride = 2
///     [[layers]]
///     kind = "activation"
///     function = "swish"
///     [[layers]]
///     kind = "flatten"
///     [[layers]]
///     kind = "dense"
///     units = 1
///     "#,
/// )?;
/// assert_eq!(spec.output()?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The shape of a row: `[n]` or `[channels, height, width]`.
    pub input: Vec<usize>,
    /// The layers.
    pub layers: Vec<LayerSpec>,
}

/// Layers that a network has at most, those inside of others included.
const MOST_LAYERS: usize = 10_000;

/// Blocks within blocks at most.
const DEEPEST: usize = 16;

impl NetworkSpec {
    /// A network without layers on rows of this shape.
    pub fn new(input: &[usize]) -> Self {
        Self { input: input.to_vec(), layers: vec![] }
    }

    /// A dense network with this many inputs, hidden units and outputs, one activation between its layers, and none at its end.
    pub fn dense(n_in: usize, hidden: &[usize], n_out: usize, activation: Activation) -> Self {
        let mut spec = Self::new(&[n_in]);
        for units in hidden {
            spec = spec.with(Dense::new(*units)).with(activation);
        }
        spec.with(Dense::new(n_out))
    }

    /// The same network with one more layer (a layer or an [`Activation`]).
    pub fn with(mut self, layer: impl Into<LayerSpec>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The same network with masks for its dense layers, in order, see [`made_masks`](super::made_masks).
    ///
    /// # Panics
    /// When there are more or fewer masks than dense layers.
    pub fn with_masks(mut self, masks: Vec<Vec<bool>>) -> Self {
        let dense =
            self.layers.iter_mut().filter_map(|l| if let LayerSpec::Dense(d) = l { Some(d) } else { None });
        let mut masks = masks.into_iter();
        dense.for_each(|layer| layer.mask = Some(masks.next().expect("one mask per layer")));
        assert!(masks.next().is_none(), "one mask per layer");
        self
    }

    /// This network and then another, on what comes out of it: a critic of what a generator makes.
    ///
    /// # Errors
    /// When the other takes another number of numbers.
    pub fn then(mut self, next: &Self) -> Result<Self, ConfigError> {
        let (output, input) = (self.output()?, next.input_shape()?);
        if output.len() != input.len() {
            let why = format!("the network before gives {output}");
            return Err(ConfigError::new("input", format!("{:?}", next.input), why));
        }
        if output != input {
            self = self.with(super::layer::Reshape { shape: next.input.clone() });
        }
        self.layers.extend(next.layers.iter().cloned());
        Ok(self)
    }

    /// The first `n_layers` layers alone: what comes out of them are features.
    ///
    /// # Errors
    /// When there are none, or not as many.
    pub fn until(&self, n_layers: usize) -> Result<Self, ConfigError> {
        if n_layers == 0 || n_layers > self.layers.len() {
            let why = format!("the network has {} layers, at least one must stay", self.layers.len());
            return Err(ConfigError::new("n_layers", n_layers, why));
        }
        Ok(Self { input: self.input.clone(), layers: self.layers[..n_layers].to_vec() })
    }

    /// The name of each of its arrays in files of others, in the order of the layout; `None` where a layer has no name.
    pub(super) fn array_names(&self) -> Vec<Option<String>> {
        array_names(&self.layers)
    }

    /// The shape of a row.
    ///
    /// # Errors
    /// When it is none.
    pub fn input_shape(&self) -> Result<Shape, ConfigError> {
        Shape::from_sizes(&self.input)
            .map_err(|why| ConfigError::new("input", format!("{:?}", self.input), why))
    }

    /// Bytes that the network holds at most when it is built, its parameters included; not what a pass over rows takes.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn bytes(&self) -> Result<u64, ConfigError> {
        self.output()?;
        Ok(bytes(&self.layers, self.input_shape()?))
    }

    /// The shape that comes out; every layer is checked on the way, and nothing is allocated.
    ///
    /// # Errors
    /// The first layer that does not fit onto what comes before it, with its place, its kind and both shapes.
    pub fn output(&self) -> Result<Shape, ConfigError> {
        let input = self.input_shape()?;
        let (n_layers, depth) = size(&self.layers);
        if n_layers > MOST_LAYERS || depth > DEEPEST {
            let why =
                format!("a network has at most {MOST_LAYERS} layers, and blocks lie at most {DEEPEST} deep");
            return Err(ConfigError::new("layers", format!("{n_layers} layers, {depth} deep"), why));
        }
        output("layers", &self.layers, input)
            .map_err(|why| ConfigError::new("layers", self.layers.len(), why))
    }
}

/// Bytes that these layers hold at most when they are built; they were found to fit.
pub(super) fn bytes(layers: &[LayerSpec], input: Shape) -> u64 {
    let add = |(sum, shape): (u64, Option<Shape>), layer: &LayerSpec| {
        let output = shape.and_then(|shape| layer.output(shape).ok());
        let own = shape.zip(output).map_or(0, |(shape, output)| layer.bytes(shape, output));
        (sum.saturating_add(own), output)
    };
    layers.iter().fold((0, Some(input)), add).0
}

fn array_names(layers: &[LayerSpec]) -> Vec<Option<String>> {
    let names = |layer: &LayerSpec| match layer {
        LayerSpec::Residual(block) => [array_names(&block.main), array_names(&block.skip)].concat(),
        _ => {
            let name = layer.name();
            layer.arrays().iter().map(|array| name.map(|name| format!("{name}.{array}"))).collect()
        }
    };
    layers.iter().flat_map(names).collect()
}

/// Layers, those inside of others included, and how deep they lie.
fn size(layers: &[LayerSpec]) -> (usize, usize) {
    layers.iter().fold((layers.len(), 1), |(n, depth), layer| match layer {
        LayerSpec::Residual(block) => {
            let ((a, b), (c, d)) = (size(&block.main), size(&block.skip));
            (n + a + c, depth.max(1 + b.max(d)))
        }
        _ => (n, depth),
    })
}

/// The shape that comes out of these layers.
pub(super) fn output(key: &str, layers: &[LayerSpec], input: Shape) -> Result<Shape, String> {
    if layers.is_empty() && key != "skip" {
        return Err(format!("`{key}` has no layer"));
    }
    layers.iter().enumerate().try_fold(input, |input, (i, layer)| {
        layer.output(input).map_err(|why| format!("{key}[{i}] ({}, input {input}): {why}", layer.kind()))
    })
}
