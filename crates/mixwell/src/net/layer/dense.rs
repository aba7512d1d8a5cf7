//! A dense layer: `y = W x + b`. Weights are `units x n_in`, row-major, then the biases.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Settings, Shape, positive, start_bias, start_weight, weight_arrays};
use crate::Stream;
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
        Self { units, bias: true, mask: None, name: None }
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
        weight_arrays(self.bias)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn build<T: Real>(&self, input: Shape, offset: usize) -> Box<dyn Layer<T>> {
        let (n_in, n_out) = (input.channels, self.units);
        Box::new(Product {
            n_in,
            n_out,
            offset,
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
    offset: usize,
    forward: Panels<T>,
    backward: Panels<T>,
    bias: Option<Vec<T>>,
    mask: Option<Mask<T>>,
}

impl<T: Real> Product<T> {
    fn n_weights(&self) -> usize {
        self.n_in * self.n_out
    }

    /// Its own weights and biases of a flat vector.
    fn own<'a>(&self, flat: &'a mut [T]) -> (&'a mut [T], &'a mut [T]) {
        flat[self.offset..self.offset + self.n_params()].split_at_mut(self.n_weights())
    }
}

impl<T: Real> Layer<T> for Product<T> {
    fn n_in(&self) -> usize {
        self.n_in
    }

    fn n_out(&self) -> usize {
        self.n_out
    }

    fn n_params(&self) -> usize {
        self.n_weights() + self.bias.as_ref().map_or(0, Vec::len)
    }

    fn work(&self) -> usize {
        self.n_weights()
    }

    fn finishes(&self) -> bool {
        true
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        let shape = vec![self.n_out, self.n_in];
        let mut arrays = vec![ArraySpec { name: name("weight"), shape, offset: self.offset }];
        if self.bias.is_some() {
            let (shape, offset) = (vec![self.n_out], self.offset + self.n_weights());
            arrays.push(ArraySpec { name: name("bias"), shape, offset });
        }
        arrays
    }

    fn initialise(&self, params: &mut [T], init: Init, last: bool, stream: &mut Stream) {
        let (weights, biases) = self.own(params);
        let fan_in = self.n_in.max(1) as f64;
        weights.iter_mut().for_each(|w| *w = start_weight(init, last, fan_in, stream));
        if let Some(mask) = &self.mask {
            mask.clear(weights);
        }
        biases.iter_mut().for_each(|b| *b = start_bias(init, fan_in, stream));
    }

    fn pack(&mut self, params: &[T]) {
        let own = &params[self.offset..self.offset + self.n_params()];
        let (weights, biases) = own.split_at(self.n_weights());
        let weights = self.mask.as_mut().map_or(weights, |mask| mask.select(weights));
        self.forward.pack(weights, self.n_in, 1);
        self.backward.pack(weights, 1, self.n_in);
        if let Some(bias) = &mut self.bias {
            bias.copy_from_slice(biases);
        }
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
            let (weights, bias) = self.own(gradient);
            let bias = (self.bias.is_some() && !is_tangent).then_some(bias);
            grow(&mut scratch.turned, matmul::outer_scratch(self.n_in, self.n_out, rows));
            matmul::outer((dy, self.n_out), (x, self.n_in), rows, weights, bias, &mut scratch.turned);
            if let Some(mask) = &self.mask {
                mask.clear(weights);
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
