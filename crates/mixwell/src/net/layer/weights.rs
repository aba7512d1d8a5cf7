//! `Weights`: where the weights and biases of a layer lie in the flat vector, and how they start.

use super::spectral_norm::{SpectralNorm, normalise};
use crate::Stream;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::Init;
use mixwell_vector::Real;

/// Weights of some shape, and after them biases, where there are any.
#[derive(Clone, Debug)]
pub(super) struct Weights<T> {
    /// Shape of the weights, as in PyTorch.
    pub shape: Vec<usize>,
    /// Biases; none is no array.
    pub n_biases: usize,
    /// Where the weights begin.
    pub offset: usize,
    /// Inputs that an output sums over.
    pub fan_in: usize,
    /// Where the layer works with normalised weights.
    pub spectral: Option<SpectralNorm<T>>,
}

/// The arrays of a layer with weights, in their order.
pub(super) fn names(bias: bool) -> &'static [&'static str] {
    if bias { &["weight", "bias"] } else { &["weight"] }
}

/// The same of one that may have spectral normalisation, whose names are PyTorch's.
pub(super) fn names_with(bias: bool, spectral_norm: bool) -> &'static [&'static str] {
    match (spectral_norm, bias) {
        (false, _) => names(bias),
        (true, true) => &["weight_orig", "bias", "weight_u"],
        (true, false) => &["weight_orig", "weight_u"],
    }
}

impl<T: Real> Weights<T> {
    /// Number of weights and biases.
    pub fn len(&self) -> usize {
        self.n_weights() + self.n_biases + self.spectral.as_ref().map_or(0, SpectralNorm::n_rows)
    }

    /// Number of weights.
    fn n_weights(&self) -> usize {
        self.shape.iter().product()
    }

    /// See [`Layer::layout`](super::Layer::layout).
    pub fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        let u = self.spectral.as_ref().map(|s| vec![s.n_rows()]);
        let biases = (self.n_biases > 0).then(|| vec![self.n_biases]);
        let names = names_with(biases.is_some(), u.is_some());
        let mut offset = self.offset;
        let array = |(array, shape): (&&str, Vec<usize>)| {
            let (name, is_statistic) = (name(array), *array == "weight_u");
            let array = ArraySpec { name, shape, offset, is_statistic };
            offset = array.end();
            array
        };
        names.iter().zip([Some(self.shape.clone()), biases, u].into_iter().flatten()).map(array).collect()
    }

    /// The weights and the biases of a flat vector.
    pub fn of<'a>(&self, flat: &'a [T]) -> (&'a [T], &'a [T]) {
        flat[self.offset..][..self.n_weights() + self.n_biases].split_at(self.n_weights())
    }

    /// The same, to be changed.
    pub fn of_mut<'a>(&self, flat: &'a mut [T]) -> (&'a mut [T], &'a mut [T]) {
        flat[self.offset..][..self.n_weights() + self.n_biases].split_at_mut(self.n_weights())
    }

    /// Where u lies.
    fn places_of_u(&self) -> std::ops::Range<usize> {
        self.offset + self.n_weights() + self.n_biases..self.offset + self.len()
    }

    /// The weights that the layer works with, of those that it has.
    pub fn fold<'a>(&'a mut self, weights: &'a [T], params: &[T]) -> &'a [T] {
        let places = self.places_of_u();
        match &mut self.spectral {
            None => weights,
            Some(norm) => norm.fold(weights, &params[places]),
        }
    }

    /// Calls `add(weights, biases)`, which adds the derivatives in the weights that the layer works with and in the biases, on the
    /// way to a flat gradient. There are no biases along a direction, where what is added does not count. `buffer` is for the
    /// time of the call.
    pub fn add_gradient(
        &self,
        flat: &mut [T],
        is_tangent: bool,
        buffer: &mut Vec<T>,
        add: impl FnOnce(&mut [T], Option<&mut [T]>),
    ) {
        let (weights, biases) = self.of_mut(flat);
        let biases = (self.n_biases > 0 && !is_tangent).then_some(biases);
        match &self.spectral {
            None => add(weights, biases),
            Some(norm) => {
                buffer.clear();
                buffer.resize(weights.len(), T::ZERO);
                add(buffer, biases);
                norm.pull(buffer, weights);
            }
        }
    }

    /// See [`Layer::advance`](super::Layer::advance).
    pub fn advance(&self, gradient: &mut [T]) {
        if let Some(norm) = &self.spectral {
            norm.advance(&mut gradient[self.places_of_u()]);
        }
    }

    /// Writes starting values; `last`: whether it is the last layer with weights.
    pub fn initialise(&self, params: &mut [T], init: Init, last: bool, stream: &mut Stream) {
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
        if self.spectral.is_some() {
            let u = &mut params[self.places_of_u()];
            let mut direction: Vec<f64> = u.iter().map(|_| stream.normal()).collect();
            normalise(&mut direction);
            u.iter_mut().zip(direction).for_each(|(u, value)| *u = T::from_f64(value));
        }
    }
}
