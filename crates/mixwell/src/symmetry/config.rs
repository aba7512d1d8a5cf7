//! Any symmetry by name, as written in a config.
//!
//! To add one: a file in this folder, and a row here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{LatticeConfig, MapsConfig, PermutationsConfig, RotationsConfig, SignFlipConfig, Symmetry};
use crate::ConfigError;

/// A symmetry of a target.
///
/// ```
/// use mixwell::symmetry::SymmetryConfig;
/// let flip: SymmetryConfig = serde_json::from_str(r#"{"kind": "sign_flip"}"#)?;
/// assert_eq!(flip.build(3)?.order(), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SymmetryConfig {
    /// `x -> -x`, of all coordinates or of some together.
    SignFlip(SignFlipConfig),
    /// All orders of things that cannot be told apart: particles, components of a mixture.
    Permutations(PermutationsConfig),
    /// Rotations about the origin of all vectors that a point is made of.
    Rotations(RotationsConfig),
    /// Shifts, mirror images and exchanges of axes of a lattice of sites.
    Lattice(LatticeConfig),
    /// Any maps `x -> A x + b` that keep volume, with their inverses.
    Maps(MapsConfig),
}

impl SymmetryConfig {
    /// Checks what does not depend on the dimension.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::SignFlip(_) => Ok(()),
            Self::Permutations(c) => c.check(),
            Self::Rotations(c) => c.check(),
            Self::Lattice(c) => c.check(),
            Self::Maps(c) => c.check(),
        }
    }

    /// The symmetry in `dim` dimensions.
    ///
    /// # Errors
    /// When it does not fit into them.
    pub fn build(&self, dim: usize) -> Result<Arc<dyn Symmetry>, ConfigError> {
        Ok(match self {
            Self::SignFlip(c) => Arc::new(c.build(dim)?),
            Self::Permutations(c) => Arc::new(c.build(dim)?),
            Self::Rotations(c) => Arc::new(c.build(dim)?),
            Self::Lattice(c) => Arc::new(c.build(dim)?),
            Self::Maps(c) => Arc::new(c.build(dim)?),
        })
    }
}
