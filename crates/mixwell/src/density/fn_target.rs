//! Closures as targets: the shortest way from a formula to a chain.

use super::{PointError, PointTarget, PointValue, Pointwise, Variable};
use crate::ConfigError;

/// What the closure of [`from_fn_with_grad`] looks like: writes the gradient, returns the log-density.
type Slope = dyn Fn(&[f64], &mut [f64]) -> Result<f64, PointError> + Send + Sync;
/// What the closure of [`from_fn`] looks like.
type Value = dyn Fn(&[f64]) -> Result<f64, PointError> + Send + Sync;

enum Formula {
    Value(Box<Value>),
    Slope(Box<Slope>),
}

/// A log-density given as a closure, of one point.
pub struct FnTarget {
    dim: usize,
    formula: Formula,
    variables: Option<Vec<Variable>>,
}

/// A target of `dim` coordinates without gradient, good for kernels that need none: `f(x)` is its log-density, an `f64`, or a
/// `Result<f64, PointError>` where it can fail.
///
/// ```
/// use mixwell::density::{Target, from_fn};
/// let target = from_fn(1, |x: &[f64]| -x[0].abs());
/// assert_eq!(target.log_prob_at(&[-2.0])?, -2.0);
/// # Ok::<(), mixwell::density::EvaluationError>(())
/// ```
pub fn from_fn<V: PointValue>(
    dim: usize,
    f: impl Fn(&[f64]) -> V + Send + Sync + 'static,
) -> Pointwise<FnTarget> {
    let f = move |x: &[f64]| f(x).into_result();
    Pointwise::new(FnTarget { dim, formula: Formula::Value(Box::new(f)), variables: None })
}

/// A target of `dim` coordinates whose closure also writes the gradient, `f(x, grad) -> log_prob`; see [`from_fn`].
///
/// The closure is used for both kinds of evaluation, so that they agree to the last bit.
///
/// ```
/// use mixwell::density::from_fn_with_grad;
/// let normal = from_fn_with_grad(2, |x: &[f64], grad: &mut [f64]| {
///     grad[0] = -x[0];
///     grad[1] = -x[1];
///     -0.5 * (x[0] * x[0] + x[1] * x[1])
/// }); // ready for the sampler
/// ```
pub fn from_fn_with_grad<V: PointValue>(
    dim: usize,
    f: impl Fn(&[f64], &mut [f64]) -> V + Send + Sync + 'static,
) -> Pointwise<FnTarget> {
    let f = move |x: &[f64], grad: &mut [f64]| f(x, grad).into_result();
    Pointwise::new(FnTarget { dim, formula: Formula::Slope(Box::new(f)), variables: None })
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
    pub(super) fn named(mut self, variables: Vec<Variable>) -> Result<Self, ConfigError> {
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

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        match (&self.formula, grad) {
            (Formula::Value(f), None) => f(x),
            (Formula::Slope(f), Some(grad)) => f(x, grad),
            (Formula::Slope(f), None) => super::with_scratch(self.dim, |grad| f(x, grad)),
            (Formula::Value(_), Some(_)) => {
                Err(PointError::fatal("the gradient of a target without one was asked for"))
            }
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
    use crate::density::Target;
    use crate::{Batch, BatchMut};

    #[test]
    fn a_closure_without_gradient_says_so() {
        let f = from_fn(1, |x: &[f64]| -x[0].abs());
        assert!(!f.has_gradient());
        assert_eq!(f.log_prob_at(&[-2.0]).unwrap(), -2.0);
        let asked = f.log_prob_and_grad(Batch::new(&[1.0], 1), &mut [0.0], BatchMut::new(&mut [0.0], 1));
        assert!(asked.unwrap_err().to_string().contains("without one"));
    }

    #[test]
    fn both_evaluations_are_the_same_closure() {
        let f = from_fn_with_grad(1, |x: &[f64], g: &mut [f64]| {
            g[0] = x[0].cos();
            x[0].sin()
        });
        let (mut value, mut g) = ([0.0], [9.0]);
        f.log_prob_and_grad(Batch::new(&[0.3], 1), &mut value, BatchMut::new(&mut g, 1)).unwrap();
        assert_eq!((f.log_prob_at(&[0.3]).unwrap(), g[0]), (value[0], 0.3f64.cos()));
    }

    #[test]
    fn names_must_cover_every_coordinate() {
        let f = || from_fn(3, |_: &[f64]| 0.0);
        let named = f().named(vec![Variable::new("mu", &[]), Variable::new("b", &[2])]).unwrap();
        assert_eq!(named.variables().len(), 2);
        let e = f().named(vec![Variable::new("mu", &[])]).unwrap_err();
        assert_eq!(e.to_string(), "`variables` is 1, but the variables must hold 3 numbers in all");
    }
}
