//! A model whose log-density and gradient are one formula, compiled once with and once without the gradient.

use super::PointError;

/// A formula for one point.
pub(crate) trait Formula {
    /// The log-density at `x`. Fills `grad` when `GRAD` is set; otherwise it is empty.
    fn formula<const GRAD: bool>(&self, x: &[f64], grad: &mut [f64]) -> f64;
}

/// The formula's value at `x`, and its gradient if wanted. It never fails.
#[inline(always)]
pub(crate) fn evaluate<F: Formula>(
    formula: &F,
    x: &[f64],
    grad: Option<&mut [f64]>,
) -> Result<f64, PointError> {
    Ok(match grad {
        None => formula.formula::<false>(x, &mut []),
        Some(grad) => formula.formula::<true>(x, grad),
    })
}
