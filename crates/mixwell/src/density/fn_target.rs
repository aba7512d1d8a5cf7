//! Closures as targets: the shortest way from a formula to a chain.

use super::{PointTarget, Variable};
use crate::ConfigError;

/// What the closure of [`FnTarget::with_gradient`] looks like: writes the gradient, returns the log-density.
type Slope = dyn Fn(&[f64], &mut [f64]) -> f64 + Send + Sync;
/// What the closure of [`FnTarget::new`] looks like.
type Value = dyn Fn(&[f64]) -> f64 + Send + Sync;

enum Formula {
    Value(Box<Value>),
    Slope(Box<Slope>),
}

/// A log-density given as a closure; [`crate::density::Pointwise`] makes a [`crate::density::Target`] of it.
///
/// ```
/// use mixwell::density::{FnTarget, PointTarget, Pointwise};
/// let normal = FnTarget::with_gradient(2, |x, grad| {
///     grad[0] = -x[0];
///     grad[1] = -x[1];
///     -0.5 * (x[0] * x[0] + x[1] * x[1])
/// });
/// assert_eq!(normal.log_prob(&[1.0, 1.0]), -1.0);
/// let target = Pointwise(normal); // ready for the sampler
/// ```
pub struct FnTarget {
    dim: usize,
    formula: Formula,
    variables: Option<Vec<Variable>>,
}

impl std::fmt::Debug for FnTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FnTarget")
            .field("dim", &self.dim)
            .field("has_gradient", &self.has_gradient())
            .finish()
    }
}

impl FnTarget {
    /// A log-density without gradient: good for kernels that need none.
    pub fn new(dim: usize, f: impl Fn(&[f64]) -> f64 + Send + Sync + 'static) -> Self {
        Self { dim, formula: Formula::Value(Box::new(f)), variables: None }
    }

    /// A log-density whose closure also writes the gradient, `f(x, grad) -> log_prob`.
    ///
    /// The closure is used for both kinds of evaluation, so that they agree to the last bit.
    pub fn with_gradient(dim: usize, f: impl Fn(&[f64], &mut [f64]) -> f64 + Send + Sync + 'static) -> Self {
        Self { dim, formula: Formula::Slope(Box::new(f)), variables: None }
    }

    /// Names the coordinates. The sizes of the variables must add up to the dimension.
    pub fn named(mut self, variables: Vec<Variable>) -> Result<Self, ConfigError> {
        let total: usize = variables.iter().map(Variable::len).sum();
        if total != self.dim {
            let reason = format!("the variables must hold {} numbers in all", self.dim);
            return Err(ConfigError::new("variables", total, reason));
        }
        self.variables = Some(variables);
        Ok(self)
    }
}

impl PointTarget for FnTarget {
    fn dim(&self) -> usize {
        self.dim
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        match &self.formula {
            Formula::Value(f) => f(x),
            Formula::Slope(f) => super::with_scratch(self.dim, |grad| f(x, grad)),
        }
    }

    /// # Panics
    /// When the closure gives no gradient; [`PointTarget::has_gradient`] says so beforehand.
    fn log_prob_and_grad(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        match &self.formula {
            Formula::Value(_) => panic!("the gradient of a target without one was asked for"),
            Formula::Slope(f) => f(x, grad),
        }
    }

    fn has_gradient(&self) -> bool {
        matches!(self.formula, Formula::Slope(_))
    }

    fn variables(&self) -> Vec<Variable> {
        self.variables.clone().unwrap_or_else(|| vec![Variable::new("x", &[self.dim])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_without_gradient_says_so() {
        let f = FnTarget::new(1, |x| -x[0].abs());
        assert!(!f.has_gradient());
        assert_eq!(f.log_prob(&[-2.0]), -2.0);
    }

    #[test]
    fn both_evaluations_are_the_same_closure() {
        let f = FnTarget::with_gradient(1, |x, g| {
            g[0] = x[0].cos();
            x[0].sin()
        });
        let mut g = [9.0];
        assert_eq!(f.log_prob(&[0.3]), f.log_prob_and_grad(&[0.3], &mut g));
        assert_eq!(g[0], 0.3f64.cos());
    }

    #[test]
    fn names_must_cover_every_coordinate() {
        let f = || FnTarget::new(3, |_| 0.0);
        let named = f().named(vec![Variable::new("mu", &[]), Variable::new("b", &[2])]).unwrap();
        assert_eq!(named.variables().len(), 2);
        let e = f().named(vec![Variable::new("mu", &[])]).unwrap_err();
        assert_eq!(e.to_string(), "`variables` is 1, but the variables must hold 3 numbers in all");
    }
}
