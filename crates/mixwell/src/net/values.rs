//! `Values`: a flat vector of `f32` or `f64`, for what is stored or passed on without caring which.

use serde::{Deserialize, Serialize};

use mixwell_vector::Real;

/// A flat vector of either precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

impl Values {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number `i`, widened.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Self::F32(v) => f64::from(v[i]),
            Self::F64(v) => v[i],
        }
    }

    /// Whether all are finite.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::F32(v) => v.iter().all(|x| x.is_finite()),
            Self::F64(v) => v.iter().all(|x| x.is_finite()),
        }
    }

    /// As many zeros, of the same precision.
    pub fn zeros_like(&self) -> Self {
        match self {
            Self::F32(v) => Self::F32(vec![0.0; v.len()]),
            Self::F64(v) => Self::F64(vec![0.0; v.len()]),
        }
    }

    /// Whether the other has the same length and precision.
    pub fn matches(&self, other: &Self) -> bool {
        self.len() == other.len()
            && matches!((self, other), (Self::F32(_), Self::F32(_)) | (Self::F64(_), Self::F64(_)))
    }
}

/// A [`Real`] that [`Values`] can hold.
pub trait Stored: Real {
    /// Wraps a vector.
    fn wrap(values: Vec<Self>) -> Values;
    /// The numbers, when they are of this type.
    fn slice(values: &Values) -> Option<&[Self]>;
    /// The numbers, writable, when they are of this type.
    fn slice_mut(values: &mut Values) -> Option<&mut [Self]>;
}

impl Stored for f32 {
    fn wrap(values: Vec<Self>) -> Values {
        Values::F32(values)
    }
    fn slice(values: &Values) -> Option<&[Self]> {
        if let Values::F32(v) = values { Some(v) } else { None }
    }
    fn slice_mut(values: &mut Values) -> Option<&mut [Self]> {
        if let Values::F32(v) = values { Some(v) } else { None }
    }
}

impl Stored for f64 {
    fn wrap(values: Vec<Self>) -> Values {
        Values::F64(values)
    }
    fn slice(values: &Values) -> Option<&[Self]> {
        if let Values::F64(v) = values { Some(v) } else { None }
    }
    fn slice_mut(values: &mut Values) -> Option<&mut [Self]> {
        if let Values::F64(v) = values { Some(v) } else { None }
    }
}
