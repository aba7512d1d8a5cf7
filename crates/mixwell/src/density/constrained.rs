//! Models in their natural scale, sampled on all of `R^d`.
//!
//! A [`Model`] states its density over named parameters that may be constrained (positive, ordered, on a simplex, ...).
//! [`Constrained`] maps free numbers to them (`transform.rs`), adds the log-determinant of that map, and reports draws
//! in the natural scale. The density on `R^d` is `log_prob(x(u)) + log_det(u)`.
//! Shapes: a natural point holds every parameter's numbers in the order of [`Model::parameters`].

use super::transform::Constraint;
use super::{PointError, PointTarget, Variable, with_scratch};
use crate::ConfigError;

/// A density over named, possibly constrained parameters.
pub trait Model: Send + Sync {
    /// The parameters, in the order in which a natural point holds them.
    fn parameters(&self) -> Vec<Parameter>;

    /// Log-density at a natural point, without any Jacobian; writes its gradient there to `grad`, if wanted, which may hold
    /// anything before. The value must be the same to the last bit with and without gradient.
    ///
    /// # Errors
    /// [`PointError::recoverable`] when this point has no value, [`PointError::fatal`] when the run cannot go on.
    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError>;

    /// [`Model::evaluate`] without gradient.
    ///
    /// # Errors
    /// As there.
    fn log_prob(&self, x: &[f64]) -> Result<f64, PointError> {
        self.evaluate(x, None)
    }

    /// See [`crate::density::Target::has_gradient`].
    fn has_gradient(&self) -> bool {
        true
    }

    /// What a draw is reported as: the parameters, unless the model has something better to say.
    fn reported(&self) -> Vec<Variable> {
        self.parameters().into_iter().map(|p| p.variable).collect()
    }

    /// Writes the reported values of a natural point.
    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
    }
}

/// A parameter: an array of numbers with a name and a constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name and shape.
    pub variable: Variable,
    /// What its values must obey. Constraints on vectors apply along the last axis.
    pub constraint: Constraint,
}

impl Parameter {
    /// A parameter of this name, shape (`&[]` for a scalar) and constraint.
    pub fn new(name: impl Into<String>, shape: &[usize], constraint: Constraint) -> Self {
        Self { variable: Variable::new(name, shape), constraint }
    }

    /// Numbers per vector the constraint acts on.
    fn vector_len(&self) -> usize {
        match self.constraint {
            Constraint::Ordered | Constraint::PositiveOrdered | Constraint::Simplex => {
                self.variable.shape.last().copied().unwrap_or(1)
            }
            _ => self.variable.len(),
        }
    }
}

/// A run of numbers under one constraint.
#[derive(Clone, Debug)]
struct Piece {
    constraint: Constraint,
    natural: usize,
    free: usize,
}

/// A [`Model`] as a target on `R^d`.
///
/// ```
/// use mixwell::density::{Constrained, Constraint, Model, Parameter, PointError, Pointwise, Target};
///
/// /// An exponential law of mean 2.
/// struct Wait;
/// impl Model for Wait {
///     fn parameters(&self) -> Vec<Parameter> {
///         vec![Parameter::new("wait", &[], Constraint::Positive)]
///     }
///     fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
///         if let Some(grad) = grad {
///             grad[0] = -0.5;
///         }
///         Ok(-x[0] / 2.0)
///     }
/// }
/// let target = Pointwise::new(Constrained::new(Wait)?); // ready for the sampler
/// // At u = 0 the natural point is exp(0) = 1, and the Jacobian adds u = 0.
/// assert_eq!(target.log_prob_at(&[0.0])?, -0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Constrained<M> {
    model: M,
    pieces: Vec<Piece>,
    natural_dim: usize,
    dim: usize,
}

impl<M: Model> Constrained<M> {
    /// Checks the model's constraints.
    pub fn new(model: M) -> Result<Self, ConfigError> {
        let mut pieces = Vec::new();
        for p in model.parameters() {
            let n = p.vector_len();
            p.constraint.check(n).map_err(|e| e.under(&p.variable.name))?;
            let vectors = p.variable.len().checked_div(n).unwrap_or(0);
            let piece = Piece { constraint: p.constraint, natural: n, free: p.constraint.free_len(n) };
            pieces.extend(std::iter::repeat_n(piece, vectors));
        }
        let natural_dim = pieces.iter().map(|p| p.natural).sum();
        let dim: usize = pieces.iter().map(|p| p.free).sum();
        if dim == 0 {
            return Err(ConfigError::new("parameters", "empty", "at least one free number is needed"));
        }
        Ok(Self { model, pieces, natural_dim, dim })
    }

    /// The model inside.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Numbers of a natural point.
    pub fn natural_dim(&self) -> usize {
        self.natural_dim
    }

    /// Maps a free point to a natural one; returns `log_det`.
    pub fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let mut log_det = 0.0;
        let (mut u, mut x) = (u, x);
        for p in &self.pieces {
            let (head_u, head_x);
            (head_u, u) = u.split_at(p.free);
            (head_x, x) = x.split_at_mut(p.natural);
            log_det += p.constraint.constrain(head_u, head_x);
        }
        log_det
    }

    /// Maps a natural point to a free one, e.g. to start a chain there.
    pub fn unconstrain(&self, x: &[f64], u: &mut [f64]) {
        let (mut u, mut x) = (u, x);
        for p in &self.pieces {
            let (head_u, head_x);
            (head_u, u) = u.split_at_mut(p.free);
            (head_x, x) = x.split_at(p.natural);
            p.constraint.unconstrain(head_x, head_u);
        }
    }
}

impl<M: Model> PointTarget for Constrained<M> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn evaluate(&self, u: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        let Some(grad) = grad else {
            return with_scratch(self.natural_dim, |x| {
                let log_det = self.constrain(u, x);
                Ok(self.model.evaluate(x, None)? + log_det)
            });
        };
        with_scratch(2 * self.natural_dim, |scratch| {
            let (x, grad_x) = scratch.split_at_mut(self.natural_dim);
            let log_det = self.constrain(u, x);
            let value = self.model.evaluate(x, Some(grad_x))?;
            let (mut i, mut j) = (0, 0);
            for p in &self.pieces {
                let (free, natural) = (i..i + p.free, j..j + p.natural);
                let out = &mut grad[free.clone()];
                p.constraint.pull_back(&u[free], &x[natural.clone()], &grad_x[natural], out);
                (i, j) = (i + p.free, j + p.natural);
            }
            Ok(value + log_det)
        })
    }

    fn has_gradient(&self) -> bool {
        self.model.has_gradient()
    }

    fn variables(&self) -> Vec<Variable> {
        self.model.reported()
    }

    fn report(&self, u: &[f64], out: &mut [f64]) {
        with_scratch(self.natural_dim, |x| {
            self.constrain(u, x);
            self.model.report(x, out);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform on a simplex of three, beside a number uniform on (2, 5) and two increasing ones without density.
    struct Uniform;

    impl Model for Uniform {
        fn parameters(&self) -> Vec<Parameter> {
            vec![
                Parameter::new("p", &[3], Constraint::Simplex),
                Parameter::new("t", &[], Constraint::Interval(2.0, 5.0)),
            ]
        }

        fn evaluate(&self, _: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
            if let Some(grad) = grad {
                grad.fill(0.0);
            }
            Ok(0.0)
        }
    }

    #[test]
    fn uniform_densities_integrate_to_the_volume_and_have_the_exact_moments() {
        // Simplex of three: area 1/2, E p = 1/3, E p^2 = 1/6; interval: length 3, mean 3.5. Trapezoid sums on R^3.
        let t = Constrained::new(Uniform).unwrap();
        assert_eq!((t.dim(), t.natural_dim()), (3, 4));
        let (step, half) = (0.25, 80);
        let mut x = [0.0; 4];
        let (mut mass, mut sums) = (0.0, [0.0; 4]);
        for i in -half..half {
            for j in -half..half {
                let u = [f64::from(i) * step, f64::from(j) * step, 0.3];
                let p = t.log_prob(&u).unwrap().exp() * step * step;
                t.constrain(&u, &mut x);
                mass += p;
                (0..3).for_each(|k| sums[k] += p * x[k]);
                sums[3] += p * x[0] * x[2];
            }
        }
        // The interval's factor at u = 0.3, taken out.
        let factor = 3.0 * crate::math::logistic(0.3) * crate::math::logistic(-0.3);
        assert!((mass / factor - 0.5).abs() < 1e-6, "{mass}");
        assert!(sums[..3].iter().all(|s| (s / mass - 1.0 / 3.0).abs() < 1e-6), "{sums:?}");
        assert!((sums[3] / mass - 1.0 / 12.0).abs() < 1e-6);
        let along: f64 = (-400..400)
            .map(|i| {
                (t.log_prob(&[0.0, 0.0, f64::from(i) * 0.1]).unwrap() - t.log_prob(&[0.0; 3]).unwrap()).exp()
                    * 0.1
            })
            .sum();
        // At u = 0 the interval's factor is 3/4, its integral 3.
        assert!((along * 0.75 - 3.0).abs() < 1e-9, "{along}");
    }

    #[test]
    fn pieces_go_back_and_forth() {
        let t = Constrained::new(Uniform).unwrap();
        let (u, mut x, mut back) = ([0.4, -1.0, 2.0], [0.0; 4], [0.0; 3]);
        t.constrain(&u, &mut x);
        t.unconstrain(&x, &mut back);
        assert!(u.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-12));
        let mut grad = [0.0; 3];
        assert_eq!(t.log_prob(&u).unwrap(), t.evaluate(&u, Some(&mut grad)).unwrap());
        assert_eq!(t.variables()[0], Variable::new("p", &[3]));
    }

    #[test]
    fn a_broken_constraint_names_its_parameter() {
        #[derive(Debug)]
        struct Broken;
        impl Model for Broken {
            fn parameters(&self) -> Vec<Parameter> {
                vec![Parameter::new("rate", &[2], Constraint::Interval(3.0, 1.0))]
            }
            fn evaluate(&self, _: &[f64], _: Option<&mut [f64]>) -> Result<f64, PointError> {
                Ok(0.0)
            }
        }
        assert_eq!(Constrained::new(Broken).unwrap_err().key, "rate.constraint");
    }
}
