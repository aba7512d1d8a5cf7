//! `Weights`: where the weights and biases of a layer lie in the flat vector, and how they start.

use crate::Stream;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::Init;
use mixwell_vector::Real;

/// Weights of some shape, and after them biases, where there are any.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// Shape of the weights, as in PyTorch.
    pub shape: Vec<usize>,
    /// Biases; none is no array.
    pub n_biases: usize,
    /// Where the weights begin.
    pub offset: usize,
    /// Inputs that an output sums over.
    pub fan_in: usize,
}

/// The arrays of a layer with weights, in their order.
pub(super) fn names(bias: bool) -> &'static [&'static str] {
    if bias { &["weight", "bias"] } else { &["weight"] }
}

impl Weights {
    /// Number of weights and biases.
    pub fn len(&self) -> usize {
        self.n_weights() + self.n_biases
    }

    /// Number of weights.
    fn n_weights(&self) -> usize {
        self.shape.iter().product()
    }

    /// See [`Layer::layout`](super::Layer::layout).
    pub fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        let shapes = [self.shape.clone(), vec![self.n_biases]];
        let offsets = [self.offset, self.offset + self.n_weights()];
        let arrays = names(self.n_biases > 0).iter().zip(shapes).zip(offsets);
        arrays
            .map(|((array, shape), offset)| ArraySpec {
                name: name(array),
                shape,
                offset,
                is_statistic: false,
            })
            .collect()
    }

    /// The weights and the biases of a flat vector.
    pub fn of<'a, T>(&self, flat: &'a [T]) -> (&'a [T], &'a [T]) {
        flat[self.offset..self.offset + self.len()].split_at(self.n_weights())
    }

    /// The same, to be changed.
    pub fn of_mut<'a, T>(&self, flat: &'a mut [T]) -> (&'a mut [T], &'a mut [T]) {
        flat[self.offset..self.offset + self.len()].split_at_mut(self.n_weights())
    }

    /// The weights and the biases of a gradient; no biases along a direction, where what is added does not count.
    pub fn of_gradient<'a, T>(
        &self,
        flat: &'a mut [T],
        is_tangent: bool,
    ) -> (&'a mut [T], Option<&'a mut [T]>) {
        let (weights, biases) = self.of_mut(flat);
        (weights, (self.n_biases > 0 && !is_tangent).then_some(biases))
    }

    /// Writes starting values; `last`: whether it is the last layer with weights.
    pub fn initialise<T: Real>(&self, params: &mut [T], init: Init, last: bool, stream: &mut Stream) {
        let (weights, biases) = self.of_mut(params);
        let fan_in = self.fan_in.max(1) as f64;
        for w in weights {
            *w = T::from_f64(match init {
                Init::ZeroLast if last => 0.0,
                Init::ZeroLast => stream.normal() * (2.0 / fan_in).sqrt(),
                Init::Normal(scale) => stream.normal() * scale / fan_in.sqrt(),
                Init::Uniform => (2.0 * stream.uniform() - 1.0) / fan_in.sqrt(),
            });
        }
        for b in biases {
            *b = match init {
                Init::Uniform => T::from_f64((2.0 * stream.uniform() - 1.0) / fan_in.sqrt()),
                _ => T::ZERO,
            };
        }
    }
}
