//! `x -> -x`, of all coordinates or of some together.

use serde::{Deserialize, Serialize};

use super::{Symmetry, slant};
use crate::{ConfigError, Stream};

/// Settings of [`SignFlip`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignFlipConfig {
    /// The coordinates that change their sign together, counted from 0; empty for all.
    pub coordinates: Vec<usize>,
}

impl SignFlipConfig {
    /// The symmetry in `dim` dimensions.
    ///
    /// # Errors
    /// When a coordinate does not exist or is named twice.
    pub fn build(&self, dim: usize) -> Result<SignFlip, ConfigError> {
        let mut flipped = vec![self.coordinates.is_empty(); dim];
        for &coordinate in &self.coordinates {
            if coordinate >= dim {
                let reason = format!("there are {dim} coordinates, counted from 0");
                return Err(ConfigError::new("coordinates", coordinate, reason));
            }
            if flipped[coordinate] {
                return Err(ConfigError::new("coordinates", coordinate, "it is named twice"));
            }
            flipped[coordinate] = true;
        }
        Ok(SignFlip { flipped })
    }
}

/// The change of sign of some coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct SignFlip {
    flipped: Vec<bool>,
}

impl SignFlip {
    /// Of all `dim` coordinates.
    pub fn all(dim: usize) -> Self {
        Self { flipped: vec![true; dim] }
    }
}

impl Symmetry for SignFlip {
    fn name(&self) -> String {
        "sign flip".into()
    }

    fn element_len(&self) -> usize {
        1
    }

    fn draw(&self, stream: &mut Stream, element: &mut [f64]) {
        element[0] = if stream.uniform() < 0.5 { -1.0 } else { 1.0 };
    }

    fn apply(&self, element: &[f64], x: &[f64], out: &mut [f64]) {
        for ((out, x), flipped) in out.iter_mut().zip(x).zip(&self.flipped) {
            *out = if *flipped { element[0] * x } else { *x };
        }
    }

    fn order(&self) -> Option<u64> {
        Some(2)
    }

    fn element(&self, index: u64, element: &mut [f64]) {
        element[0] = if index == 0 { 1.0 } else { -1.0 };
    }

    /// To the side where the flipped coordinates, each with its weight, add up to a positive number.
    fn fold(&self, x: &mut [f64]) {
        let sum: f64 = (0..x.len()).filter(|&i| self.flipped[i]).map(|i| slant(i) * x[i]).sum();
        if sum < 0.0 {
            x.iter_mut().zip(&self.flipped).filter(|(_, flipped)| **flipped).for_each(|(x, _)| *x = -*x);
        }
    }

    fn folds(&self) -> bool {
        true
    }
}
