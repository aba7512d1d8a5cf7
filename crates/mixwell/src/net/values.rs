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
    /// A flat vector without its type.
    fn params(values: &[Self]) -> Params<'_>;
    /// The same, to be changed.
    fn params_mut(values: &mut [Self]) -> ParamsMut<'_>;
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
    fn params(values: &[Self]) -> Params<'_> {
        Params::F32(values)
    }
    fn params_mut(values: &mut [Self]) -> ParamsMut<'_> {
        ParamsMut::F32(values)
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
    fn params(values: &[Self]) -> Params<'_> {
        Params::F64(values)
    }
    fn params_mut(values: &mut [Self]) -> ParamsMut<'_> {
        ParamsMut::F64(values)
    }
}

/// A flat vector of either precision that belongs to someone else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Params<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

impl Params<'_> {
    /// How many numbers.
    pub fn len(self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A copy.
    pub fn to_values(self) -> Values {
        match self {
            Self::F32(v) => Values::F32(v.to_vec()),
            Self::F64(v) => Values::F64(v.to_vec()),
        }
    }

    /// As many zeros, of the same precision.
    pub fn zeros(self) -> Values {
        match self {
            Self::F32(v) => Values::F32(vec![0.0; v.len()]),
            Self::F64(v) => Values::F64(vec![0.0; v.len()]),
        }
    }
}

/// The same, to be changed.
#[derive(Debug, PartialEq)]
pub enum ParamsMut<'a> {
    /// Single precision.
    F32(&'a mut [f32]),
    /// Double precision.
    F64(&'a mut [f64]),
}

impl ParamsMut<'_> {
    /// Takes these numbers. False, and nothing changed, when they are of another number or precision.
    pub fn copy_from(self, values: &Values) -> bool {
        match (self, values) {
            (Self::F32(to), Values::F32(from)) if to.len() == from.len() => to.copy_from_slice(from),
            (Self::F64(to), Values::F64(from)) if to.len() == from.len() => to.copy_from_slice(from),
            _ => return false,
        }
        true
    }

    /// Sets every number by a function of its index and present value.
    pub fn map(self, mut f: impl FnMut(usize, f64) -> f64) {
        match self {
            Self::F32(v) => v.iter_mut().enumerate().for_each(|(i, p)| *p = f(i, f64::from(*p)) as f32),
            Self::F64(v) => v.iter_mut().enumerate().for_each(|(i, p)| *p = f(i, *p)),
        }
    }
}
