//! A dense layer: `y = W x + b`. Weights are `units x n_in`, row-major, then the biases.

use serde::{Deserialize, Serialize};

use super::spectral_norm::SpectralNorm;
use super::weights::{self, Weights};
use super::{Backward, Layer, Settings, Shape, positive};
use crate::Stream;
use crate::footprint::bytes;
use crate::net::mask::Mask;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::{Init, Scratch, grow};
use mixwell_vector::Real;
use mixwell_vector::matmul::{self, Finish, Panels};

/// Settings of a dense layer; it takes vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Outputs.
    pub units: usize,
    /// Whether there are biases.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The weights that exist, `units x n_in`; all of them where there is no mask. The others count as zero, start at zero and
    /// stay there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Vec<bool>>,
    /// Whether the layer works with its weights divided by their largest singular value, which a step of the power iteration follows.
    #[serde(default)]
    pub spectral_norm: bool,
    /// The name of its arrays in files of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

pub(super) fn yes() -> bool {
    true
}

impl Dense {
    /// A layer with biases.
    pub fn new(units: usize) -> Self {
        Self { units, bias: true, mask: None, spectral_norm: false, name: None }
    }
}

impl Settings for Dense {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        positive("units", self.units)?;
        if !input.is_vector() {
            return Err(format!("it takes vectors, not {input}; put a layer `flatten` before it"));
        }
        if let Some(mask) = &self.mask
            && mask.len() != self.units * input.channels
        {
            return Err(format!(
                "the mask has {} entries, not {} x {}",
                mask.len(),
                self.units,
                input.channels
            ));
        }
        Shape::from_sizes(&[self.units])
    }

    fn arrays(&self) -> &'static [&'static str] {
        weights::names_with(self.bias, self.spectral_norm)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn bytes(&self, input: Shape, output: Shape) -> u64 {
        // The parameters, and what is packed of them both ways.
        bytes(64, &[output.channels, input.channels + 2])
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, offset: usize) -> Box<dyn Layer<T>> {
        let (n_in, n_out) = (input.channels, output.channels);
        let n_biases = if self.bias { n_out } else { 0 };
        let spectral = self.spectral_norm.then(|| SpectralNorm::new(&[n_out, n_in], 0));
        Box::new(Product {
            n_in,
            n_out,
            weights: Weights { shape: vec![n_out, n_in], n_biases, offset, fan_in: n_in, spectral },
            forward: Panels::new(n_in, n_out).with_columns(),
            backward: Panels::new(n_out, n_in).with_columns(),
            bias: self.bias.then(|| vec![T::ZERO; n_out]),
            mask: self.mask.clone().map(Mask::new),
        })
    }
}

#[derive(Clone, Debug)]
struct Product<T> {
    n_in: usize,
    n_out: usize,
    weights: Weights<T>,
    forward: Panels<T>,
    backward: Panels<T>,
    bias: Option<Vec<T>>,
    mask: Option<Mask<T>>,
}

impl<T: Real> Layer<T> for Product<T> {
    fn n_in(&self) -> usize {
        self.n_in
    }

    fn n_out(&self) -> usize {
        self.n_out
    }

    fn n_params(&self) -> usize {
        self.weights.len()
    }

    fn work(&self) -> usize {
        self.n_in * self.n_out
    }

    fn finishes(&self) -> bool {
        true
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        self.weights.layout(name)
    }

    fn initialise(&self, params: &mut [T], init: Init, last: bool, stream: &mut Stream) {
        self.weights.initialise(params, init, last, stream);
        if let Some(mask) = &self.mask {
            mask.clear(self.weights.of_mut(params).0);
        }
    }

    fn pack(&mut self, params: &[T]) {
        let (weights, biases) = self.weights.of(params);
        let weights = self.mask.as_mut().map_or(weights, |mask| mask.select(weights));
        let weights = self.weights.fold(weights, params);
        self.forward.pack(weights, self.n_in, 1);
        self.backward.pack(weights, 1, self.n_in);
        if let Some(bias) = &mut self.bias {
            bias.copy_from_slice(biases);
        }
    }

    fn advance(&self, gradient: &mut [T]) {
        self.weights.advance(gradient);
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], finish: Finish<'_, T>, rows: usize) {
        matmul::product(&self.forward, self.bias.as_deref(), x, finish, y, rows);
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        matmul::product(&self.forward, None, x, Finish::Keep, y, rows);
    }

    fn backward(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { x, dy, dx, gradient, is_tangent, rows, .. } = pass;
        if let Some(gradient) = gradient {
            let Scratch { turned, weights, .. } = scratch;
            grow(turned, matmul::outer_scratch(self.n_in, self.n_out, rows));
            self.weights.add_gradient(gradient, is_tangent, weights, |weights, bias| {
                matmul::outer((dy, self.n_out), (x, self.n_in), rows, weights, bias, turned);
            });
            if let Some(mask) = &self.mask {
                mask.clear(self.weights.of_mut(gradient).0);
            }
        }
        if let Some((dx, finish)) = dx {
            matmul::product(&self.backward, None, dy, finish, dx, rows);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
