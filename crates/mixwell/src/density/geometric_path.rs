//! The geometric path from a base to a target: `log pi_b = (1 - b) log pi_0 + b log pi`; without a base, `b log pi`.
//!
//! `b` is an inverse temperature: 1 is the target, 0 the base (without one: a flat density, which nobody can sample). With a base
//! every temperature has a proper law even where the target's tails are flat, and only the ratio `pi / pi_0` is tempered, as a
//! likelihood is when `pi_0` is the prior. At `b = 0` only the base is evaluated, at `b = 1` only the target, so an
//! infinite log-density at one end does no harm at the other.
//! References: Swendsen and Wang (1986); Gelman and Meng, Statistical Science 13 (1998).

use super::{BaseLaw, EvaluationError, Target, derived_version};
use crate::proposal::{Differentiable, Proposal};
use crate::scratch::scratch;
use crate::{Batch, BatchMut};

/// A density on the geometric path to `target`: the one at inverse temperature `beta`.
///
/// ```
/// use mixwell::density::{GeometricPath, StandardGaussianConfig, Target};
/// use mixwell::proposal::Gaussian;
/// use mixwell::Batch;
/// // Between N(0, 1) and N(4, 1), half way: a Gaussian around 2.
/// let target = StandardGaussianConfig { dim: 1, mean: 4.0, ..Default::default() }.build()?;
/// let base = Gaussian::standard(1);
/// let mut at = [0.0; 2];
/// GeometricPath::new(&base, &target, 0.5).log_prob(Batch::new(&[1.0, 3.0], 1), &mut at)?;
/// assert!((at[0] - at[1]).abs() < 1e-12);
/// // Without a base: the target at temperature 2.
/// GeometricPath::tempered(&target, 0.5).log_prob(Batch::new(&[4.0, 4.0], 1), &mut at)?;
/// assert_eq!(at[0], 0.5 * target.log_prob_at(&[4.0])?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct GeometricPath<'a> {
    base: Option<&'a dyn Differentiable>,
    target: &'a dyn Target,
    beta: f64,
}

impl<'a> GeometricPath<'a> {
    /// The density at inverse temperature `beta` between `base` and `target`.
    ///
    /// # Panics
    /// When the dimensions differ or `beta` is not in `[0, 1]`.
    pub fn new(base: &'a dyn Differentiable, target: &'a dyn Target, beta: f64) -> Self {
        assert_eq!(base.dim(), target.dim(), "base and target differ in dimension");
        assert!((0.0..=1.0).contains(&beta), "{beta} is no inverse temperature");
        Self { base: Some(base), target, beta }
    }

    /// `target` at inverse temperature `beta`, without a base: `beta log pi`, also for `beta` above 1.
    pub fn tempered(target: &'a dyn Target, beta: f64) -> Self {
        Self { base: None, target, beta }
    }

    /// The log-density here, given those of base and target at the same point; a component of the gradient, given theirs.
    pub(crate) fn mix(&self, base: f64, target: f64) -> f64 {
        if self.beta == 0.0 {
            base
        } else if self.beta == 1.0 {
            target
        } else {
            (1.0 - self.beta) * base + self.beta * target
        }
    }

    /// Turns log-densities of the target (and gradients, if given) at `x` into those of this density, in place.
    pub fn temper(&self, x: Batch<'_>, log_prob: &mut [f64], grad: Option<BatchMut<'_>>) {
        if self.beta != 1.0 {
            self.blend(self.beta, 1.0 - self.beta, x, log_prob, grad);
        }
    }

    /// The inverse of [`GeometricPath::temper`], up to rounding; `beta` must not be zero.
    pub fn untemper(&self, x: Batch<'_>, log_prob: &mut [f64], grad: Option<BatchMut<'_>>) {
        if self.beta != 1.0 {
            self.blend(1.0 / self.beta, (self.beta - 1.0) / self.beta, x, log_prob, grad);
        }
    }

    /// `log_prob <- a log_prob + b log pi_0`, and the same for gradients.
    fn blend(&self, a: f64, b: f64, x: Batch<'_>, log_prob: &mut [f64], grad: Option<BatchMut<'_>>) {
        let Some(base) = self.base else {
            log_prob.iter_mut().for_each(|p| *p *= a);
            if let Some(mut grad) = grad {
                grad.data_mut().iter_mut().for_each(|g| *g *= a);
            }
            return;
        };
        let mut log_base = scratch(x.rows());
        match grad {
            None => base.log_prob(x, &mut log_base),
            Some(mut grad) => {
                let mut base_grad = scratch(x.data().len());
                base.log_prob_and_grad(x, &mut log_base, BatchMut::new(&mut base_grad, x.dim()));
                grad.data_mut().iter_mut().zip(base_grad.iter()).for_each(|(g, r)| *g = a * *g + b * r);
            }
        }
        log_prob.iter_mut().zip(log_base.iter()).for_each(|(p, r)| *p = a * *p + b * r);
    }
}

impl Target for GeometricPath<'_> {
    fn dim(&self) -> usize {
        self.target.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        mut grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        if let (Some(base), 0.0) = (self.base, self.beta) {
            match grad {
                None => base.log_prob(x, log_prob),
                Some(grad) => base.log_prob_and_grad(x, log_prob, grad),
            }
            return Ok(());
        }
        self.target.evaluate(x, log_prob, grad.as_mut().map(BatchMut::reborrow))?;
        self.temper(x, log_prob, grad);
        Ok(())
    }

    fn base(&self) -> Option<BaseLaw<'_>> {
        self.target.base()
    }

    fn version(&self) -> u64 {
        let base = self.base.map_or(0, Proposal::version);
        derived_version(derived_version(self.target.version(), base), self.beta.to_bits())
    }

    fn batch_rows(&self) -> Option<usize> {
        self.target.batch_rows()
    }

    fn has_gradient(&self) -> bool {
        self.target.has_gradient()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::density::{from_fn, from_fn_with_grad};
    use crate::proposal::{Gaussian, Scale};

    /// A Gumbel law, `log pi = -x - exp(-x)`: skewed and not quadratic.
    fn gumbel() -> impl Target {
        from_fn_with_grad(1, |x: &[f64], g: &mut [f64]| {
            g[0] = (-x[0]).exp() - 1.0;
            -x[0] - (-x[0]).exp()
        })
    }

    #[test]
    fn density_and_gradient_by_hand() {
        // Base N(0, 4) at 2: -1/2 - ln 2 - ln(2 pi)/2, slope -1/2. Target -x^4: -16, slope -32. A quarter of the way.
        let target = from_fn_with_grad(1, |x: &[f64], g: &mut [f64]| {
            g[0] = -4.0 * x[0].powi(3);
            -x[0].powi(4)
        });
        let base = Gaussian::new(vec![0.0], Scale::Diagonal(vec![2.0]));
        let path = GeometricPath::new(&base, &target, 0.25);
        let x = Points::from_rows(&[[2.0]]);
        let (mut p, mut alone, mut g) = ([0.0], [0.0], [0.0]);
        path.log_prob_and_grad(x.as_batch(), &mut p, BatchMut::new(&mut g, 1)).unwrap();
        path.log_prob(x.as_batch(), &mut alone).unwrap();
        let base_log_prob = -0.5 - 2f64.ln() - 0.5 * std::f64::consts::TAU.ln();
        assert!((p[0] - (0.75 * base_log_prob - 4.0)).abs() < 1e-14 && p == alone);
        assert!((g[0] + 0.75 * 0.5 + 8.0).abs() < 1e-14);
        GeometricPath::new(&base, &target, 1.0)
            .log_prob_and_grad(x.as_batch(), &mut p, BatchMut::new(&mut g, 1))
            .unwrap();
        assert_eq!((p[0], g[0]), (-16.0, -32.0));
    }

    #[test]
    fn the_ends_do_not_disturb_each_other() {
        let nowhere = from_fn(1, |_: &[f64]| f64::NEG_INFINITY);
        let base = Gaussian::standard(1);
        let mut p = [0.0];
        GeometricPath::new(&base, &nowhere, 0.0).log_prob(Batch::new(&[0.0], 1), &mut p).unwrap();
        assert!(p[0].is_finite());
        GeometricPath::new(&base, &nowhere, 1e-9).log_prob(Batch::new(&[0.0], 1), &mut p).unwrap();
        assert_eq!(p[0], f64::NEG_INFINITY);
    }

    #[test]
    fn with_and_without_a_base_by_hand_and_back() {
        // Gumbel at 0.5: log pi = -0.5 - exp(-0.5), gradient exp(-0.5) - 1. N(1, 4) there: -ln(2 sqrt(2 pi)) - 1/32, gradient 1/8.
        let target = gumbel();
        let reference = Gaussian::new(vec![1.0], Scale::Diagonal(vec![2.0]));
        let x = Points::from_rows(&[[0.5]]);
        let (log_pi, d_pi) = (-0.5 - (-0.5f64).exp(), (-0.5f64).exp() - 1.0);
        let (log_r, d_r) = (-(2.0 * std::f64::consts::TAU.sqrt()).ln() - 1.0 / 32.0, 0.125);
        let check = |tempered: GeometricPath<'_>, value: f64, slope: f64| {
            let (mut p, mut again, mut grad) = ([0.0], [0.0], Points::zeros(1, 1));
            tempered.log_prob(x.as_batch(), &mut p).unwrap();
            tempered.log_prob_and_grad(x.as_batch(), &mut again, grad.as_batch_mut()).unwrap();
            assert_eq!(p, again);
            assert!((p[0] - value).abs() < 1e-15 && (grad.row(0)[0] - slope).abs() < 1e-15, "{p:?} {grad:?}");
            tempered.untemper(x.as_batch(), &mut p, Some(grad.as_batch_mut()));
            assert!((p[0] - log_pi).abs() < 1e-14 && (grad.row(0)[0] - d_pi).abs() < 1e-14);
        };
        check(GeometricPath::tempered(&target, 0.25), 0.25 * log_pi, 0.25 * d_pi);
        check(
            GeometricPath::new(&reference, &target, 0.25),
            0.75 * log_r + 0.25 * log_pi,
            0.75 * d_r + 0.25 * d_pi,
        );
    }

    #[test]
    fn the_path_ends_at_target_and_reference() {
        let (target, reference) = (gumbel(), Gaussian::standard(1));
        let x = Points::from_rows(&[[0.5], [-2.0]]);
        let value = |t: &dyn Target| {
            let mut p = [0.0; 2];
            t.log_prob(x.as_batch(), &mut p).unwrap();
            p
        };
        let mut log_r = [0.0; 2];
        reference.log_prob(x.as_batch(), &mut log_r);
        assert_eq!(value(&GeometricPath::new(&reference, &target, 1.0)), value(&target));
        assert_eq!(value(&GeometricPath::new(&reference, &target, 0.0)), log_r);
        assert_eq!(value(&GeometricPath::tempered(&target, 1.0)), value(&target));
    }
}
