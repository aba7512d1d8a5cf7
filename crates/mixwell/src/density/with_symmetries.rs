//! A target with symmetries that it does not state itself.

use std::sync::Arc;

use super::pointer::{forward_all_but_symmetries, forward_evaluation};
use super::{BaseLaw, EvaluationError, ExactSampler, Facts, Target, Variable};
use crate::symmetry::{Symmetry, SymmetryConfig};
use crate::{Batch, BatchMut, ConfigError};

/// A target, with what its user knows of its symmetries. [`check_symmetries`](super::check_symmetries) looks whether that is so.
///
/// ```
/// use mixwell::density::{Target, WithSymmetries, from_fn};
/// use mixwell::symmetry::SymmetryConfig;
/// let wells = from_fn(2, |x: &[f64]| -(x[0] * x[0] - 4.0).powi(2) - x[1] * x[1]);
/// let wells = WithSymmetries::new(wells, &[SymmetryConfig::SignFlip(Default::default())])?;
/// assert_eq!(wells.symmetries()[0].name(), "sign flip");
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
pub struct WithSymmetries<T> {
    inner: T,
    symmetries: Vec<Arc<dyn Symmetry>>,
}

impl<T: Target> WithSymmetries<T> {
    /// `inner` with these symmetries beside those it states.
    ///
    /// # Errors
    /// When one does not fit its dimension.
    pub fn new(inner: T, symmetries: &[SymmetryConfig]) -> Result<Self, ConfigError> {
        let dim = inner.dim();
        let mut all = inner.symmetries().to_vec();
        for (i, symmetry) in symmetries.iter().enumerate() {
            all.push(symmetry.build(dim).map_err(|e| e.under(&format!("symmetries[{i}]")))?);
        }
        Ok(Self { inner, symmetries: all })
    }
}

/// `target` with these symmetries beside those it states.
///
/// # Errors
/// When one does not fit its dimension.
pub(crate) fn with_symmetries(
    target: Arc<dyn Target>,
    symmetries: &[SymmetryConfig],
) -> Result<Arc<dyn Target>, ConfigError> {
    if symmetries.is_empty() {
        return Ok(target);
    }
    Ok(Arc::new(WithSymmetries::new(target, symmetries)?))
}

impl<T: Target> Target for WithSymmetries<T> {
    forward_evaluation!(self => self.inner);
    forward_all_but_symmetries!(self => self.inner);

    fn symmetries(&self) -> &[Arc<dyn Symmetry>] {
        &self.symmetries
    }
}
