//! The geometric path between a normalised base and a target: `log pi_b = (1 - b) log pi_0 + b log pi`.
//!
//! At `b = 0` only the base is evaluated, at `b = 1` only the target, so an infinite log-density at one end does no harm
//! at the other.

use super::{EvaluationError, Target, derived_version};
use crate::proposal::Differentiable;
use crate::scratch::scratch;
use crate::{Batch, BatchMut};

/// A density on the geometric path from `base` to `target`: the one at inverse temperature `beta`.
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
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct GeometricPath<'a> {
    base: &'a dyn Differentiable,
    target: &'a dyn Target,
    beta: f64,
}

impl<'a> GeometricPath<'a> {
    /// The density at inverse temperature `beta`.
    ///
    /// # Panics
    /// When the dimensions differ or `beta` is not in `[0, 1]`.
    pub fn new(base: &'a dyn Differentiable, target: &'a dyn Target, beta: f64) -> Self {
        assert_eq!(base.dim(), target.dim(), "base and target differ in dimension");
        assert!((0.0..=1.0).contains(&beta), "{beta} is no inverse temperature");
        Self { base, target, beta }
    }

    /// The same path at another inverse temperature.
    pub fn at(self, beta: f64) -> Self {
        Self::new(self.base, self.target, beta)
    }

    /// The inverse temperature.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// The density at inverse temperature 0.
    pub fn base(&self) -> &'a dyn Differentiable {
        self.base
    }

    /// The density at inverse temperature 1.
    pub fn target(&self) -> &'a dyn Target {
        self.target
    }

    /// `(1 - b) base + b target`, without what has weight zero. Of log-densities or of components of gradients.
    pub(crate) fn mix(&self, base: f64, target: f64) -> f64 {
        if self.beta == 0.0 {
            base
        } else if self.beta == 1.0 {
            target
        } else {
            (1.0 - self.beta) * base + self.beta * target
        }
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
        if self.beta == 0.0 {
            match grad {
                None => self.base.log_prob(x, log_prob),
                Some(grad) => self.base.log_prob_and_grad(x, log_prob, grad),
            }
            return Ok(());
        }
        self.target.evaluate(x, log_prob, grad.as_mut().map(BatchMut::reborrow))?;
        if self.beta == 1.0 {
            return Ok(());
        }
        let mut base = scratch(x.rows());
        match grad {
            None => self.base.log_prob(x, &mut base),
            Some(mut grad) => {
                let mut base_grad = scratch(x.data().len());
                self.base.log_prob_and_grad(x, &mut base, BatchMut::new(&mut base_grad, x.dim()));
                let ends = grad.data_mut().iter_mut().zip(base_grad.iter());
                ends.for_each(|(g, base)| *g = self.mix(*base, *g));
            }
        }
        log_prob.iter_mut().zip(base.iter()).for_each(|(p, base)| *p = self.mix(*base, *p));
        Ok(())
    }

    fn version(&self) -> u64 {
        derived_version(derived_version(self.target.version(), self.base.version()), self.beta.to_bits())
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
        path.at(1.0).log_prob_and_grad(x.as_batch(), &mut p, BatchMut::new(&mut g, 1)).unwrap();
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
}
