//! Gradients without writing them: a model states its log-density once, over any [`Number`], and gets its gradient by forward derivatives.
//!
//! The function is called with plain `f64`s for the value alone, and with dual numbers (`dual.rs`) for value and gradient: numbers that
//! carry the derivatives along several directions, up to thirty-two in one pass. A model of more parameters takes several passes, so the cost of a
//! gradient grows with their number; a model of thousands is better off with a gradient by hand.
//!
//! ```
//! use mixwell::density::{Constraint, Parameter, auto};
//! use mixwell::density::auto::Number;
//!
//! /// Normal data of unknown mean and scale, under a flat prior.
//! struct NormalModel(Vec<f64>);
//!
//! impl auto::Density for NormalModel {
//!     fn parameters(&self) -> Vec<Parameter> {
//!         vec![Parameter::new("mean", &[], Constraint::Real), Parameter::new("scale", &[], Constraint::Positive)]
//!     }
//!
//!     #[inline(always)] // compiled under the best instructions of the machine
//!     fn log_density<N: Number>(&self, x: &[N]) -> N {
//!         let (mean, scale) = (x[0], x[1]);
//!         let mut sum = N::from(0.0);
//!         for y in &self.0 {
//!             let z = (mean - *y) / scale;
//!             sum -= z * z * 0.5 + scale.ln();
//!         }
//!         sum
//!     }
//! }
//!
//! let target = auto::target(NormalModel(vec![1.2, 0.7, 2.1]))?; // ready for the sampler
//! # Ok::<(), mixwell::ConfigError>(())
//! ```

mod dual;
mod gradient;
mod number;

pub use number::Number;

use super::{Constrained, Model, Parameter, PointError, Pointwise, Variable};
use crate::ConfigError;

/// A log-density over named, possibly constrained parameters, stated once for every kind of number.
pub trait Density: Send + Sync {
    /// The parameters, in the order in which a point holds them.
    fn parameters(&self) -> Vec<Parameter>;

    /// The log-density at a point in the natural scale, which holds every parameter's numbers; NaN where it has no value.
    ///
    /// Branches may depend on values (`a < b`, [`Number::value`]): the derivative is that of the branch taken. Marked
    /// `#[inline(always)]`, it is compiled for the widest vectors of the machine, which is worth a factor of two and more.
    fn log_density<N: Number>(&self, x: &[N]) -> N;

    /// What a draw is reported as: the parameters, unless there is something better to say.
    fn reported(&self) -> Vec<Variable> {
        self.parameters().into_iter().map(|p| p.variable).collect()
    }

    /// Writes the reported values of a point in the natural scale.
    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
    }
}

/// A [`Density`] as a [`Model`], whose gradient it writes.
#[derive(Clone, Debug)]
pub struct Auto<D>(pub D);

/// The target of a density, sampled on all of `R^d`: constrained parameters go through [`Constrained`].
///
/// # Errors
/// When a constraint cannot be met, or there is no parameter.
pub fn target<D: Density>(density: D) -> Result<Pointwise<Constrained<Auto<D>>>, ConfigError> {
    Ok(Pointwise::new(Constrained::new(Auto(density))?))
}

impl<D: Density> Model for Auto<D> {
    fn parameters(&self) -> Vec<Parameter> {
        self.0.parameters()
    }

    #[inline]
    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        Ok(match grad {
            None => self.0.log_density(x),
            Some(grad) => gradient::evaluate(&self.0, x, grad),
        })
    }

    fn reported(&self) -> Vec<Variable> {
        self.0.reported()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        self.0.report(x, out);
    }
}

#[cfg(test)]
mod tests;
