//! What has trained parameters: they lie in one flat vector of the whole model, and every part knows where its own begin.

use super::Init;
use crate::Stream;
use mixwell_vector::Real;

/// One array within a flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArraySpec {
    /// Its name, e.g. `layers.0.scale.weight.1`.
    pub name: String,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
    /// Where it begins in the flat vector.
    pub offset: usize,
    /// Whether it is no parameter but a statistic of the data, such as the running mean of a batch normalisation. Its entry in
    /// a gradient is what is to be taken away from it: optimisers subtract that as it is, without a rate, moments or decay,
    /// and no norm counts it.
    pub is_statistic: bool,
}

impl ArraySpec {
    /// How many numbers it holds.
    pub fn n_numbers(&self) -> usize {
        self.shape.iter().product()
    }

    /// The place after its last number.
    pub fn end(&self) -> usize {
        self.offset + self.n_numbers()
    }
}

/// A part of a model with parameters of its own, such as a network.
pub trait Parameters<T: Real> {
    /// Its arrays within the flat vector, named under `prefix`.
    fn layout(&self, prefix: &str) -> Vec<ArraySpec>;

    /// Writes starting values to the flat vector.
    fn initialise(&self, params: &mut [T], init: Init, stream: &mut Stream);

    /// Takes over changed parameters from the flat vector.
    fn pack(&mut self, params: &[T]);
}
