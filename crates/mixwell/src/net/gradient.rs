//! The gradient of a loss in the parameters of a model.

use super::norm;
use super::values::{Stored, Values};

/// A flat gradient, in the model's precision. Losses add to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    values: Values,
}

impl Gradient {
    /// A gradient of zeros for parameters like these.
    pub fn zeros(like: super::Params<'_>) -> Self {
        Self { values: like.zeros() }
    }

    /// The numbers.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The numbers, writable, when they are of this type.
    pub fn slice_mut<T: Stored>(&mut self) -> Option<&mut [T]> {
        T::slice_mut(&mut self.values)
    }

    /// Sets it to zero.
    pub fn clear(&mut self) {
        match &mut self.values {
            Values::F32(v) => v.fill(0.0),
            Values::F64(v) => v.fill(0.0),
        }
    }

    /// Adds another.
    ///
    /// # Panics
    /// When the other belongs to a model of another size or precision.
    pub fn add(&mut self, other: &Gradient) {
        assert!(self.values.matches(&other.values), "gradients of different models");
        match (&mut self.values, &other.values) {
            (Values::F32(a), Values::F32(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
            (Values::F64(a), Values::F64(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
            _ => unreachable!("same precision, just checked"),
        }
    }

    /// Multiplies it.
    pub fn scale(&mut self, factor: f64) {
        match &mut self.values {
            Values::F32(v) => v.iter_mut().for_each(|a| *a *= factor as f32),
            Values::F64(v) => v.iter_mut().for_each(|a| *a *= factor),
        }
    }

    /// Euclidean norm.
    pub fn norm(&self) -> f64 {
        match &self.values {
            Values::F32(v) => norm(v),
            Values::F64(v) => norm(v),
        }
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.values.is_finite()
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The derivative in parameter `i`.
    pub fn get(&self, i: usize) -> f64 {
        self.values.get(i)
    }
}
