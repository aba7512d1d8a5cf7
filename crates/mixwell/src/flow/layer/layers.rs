//! `Layers`: the layers of a flow while it is built, each with its place in the flat parameter vector.

use super::bijection::Bijection;
use crate::net::ArraySpec;
use mixwell_vector::Real;

/// Layers one after the other, the first of them next to the latents.
#[derive(Debug)]
pub(crate) struct Layers<T> {
    pub layers: Vec<Box<dyn Bijection<T>>>,
    /// The arrays of all of them.
    pub layout: Vec<ArraySpec>,
}

impl<T> Default for Layers<T> {
    fn default() -> Self {
        Self { layers: Vec::new(), layout: Vec::new() }
    }
}

impl<T: Real> Layers<T> {
    /// Adds the layer that `make` gives for the place in the flat vector where its parameters begin. Its arrays are stored
    /// under `name`.
    pub fn push<L: Bijection<T>>(&mut self, name: &str, make: impl FnOnce(usize) -> L) {
        let mut layer = make(self.n_params());
        layer.each_part(&mut |part, parameters| {
            self.layout.extend(parameters.layout(&format!("{name}{part}")));
        });
        self.layers.push(Box::new(layer));
    }

    /// Number of parameters so far.
    pub fn n_params(&self) -> usize {
        self.layout.last().map_or(0, ArraySpec::end)
    }
}
