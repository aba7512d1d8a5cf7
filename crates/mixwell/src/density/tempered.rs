//! A target at an inverse temperature: `log pi_beta(x) = beta log pi(x)`, or, around a Gaussian reference `r`,
//! `log pi_beta(x) = (1 - beta) log r(x) + beta log pi(x)`.
//!
//! `beta = 1` is the target, `beta = 0` the reference (without one: a flat density, which nobody can sample). With a
//! reference every temperature has a proper law even where the target's tails are flat, and only the ratio `pi / r` is
//! tempered, as a likelihood is when `r` is the prior.
//! Reference: Swendsen and Wang (1986); Gelman and Meng, Statistical Science 13 (1998), for the geometric path.

use super::{EvaluationError, Target, derived_version};
use crate::proposal::{Gaussian, Proposal};
use crate::scratch::scratch;
use crate::{Batch, BatchMut};

/// `target` at inverse temperature `beta`.
///
/// ```
/// use mixwell::density::{BananaConfig, Target, Tempered};
/// use mixwell::Points;
/// let banana = BananaConfig { dim: 2, ..Default::default() }.build()?;
/// let x = Points::from_rows(&[[1.0, 2.0]]);
/// let (mut cold, mut warm) = ([0.0], [0.0]);
/// banana.log_prob(x.as_batch(), &mut cold)?;
/// Tempered::new(&banana, None, 0.5).log_prob(x.as_batch(), &mut warm)?;
/// assert_eq!(warm[0], 0.5 * cold[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Tempered<'a> {
    target: &'a dyn Target,
    reference: Option<&'a Gaussian>,
    beta: f64,
}

impl<'a> Tempered<'a> {
    /// `target` at inverse temperature `beta`, on the path from `reference` if there is one.
    pub fn new(target: &'a dyn Target, reference: Option<&'a Gaussian>, beta: f64) -> Self {
        Self { target, reference, beta }
    }

    /// Turns log-densities of the target (and gradients, if given) at `x` into tempered ones, in place.
    pub fn temper(&self, x: Batch<'_>, log_prob: &mut [f64], grad: Option<BatchMut<'_>>) {
        self.blend(self.beta, 1.0 - self.beta, x, log_prob, grad);
    }

    /// The inverse of [`Tempered::temper`], up to rounding.
    pub fn untemper(&self, x: Batch<'_>, log_prob: &mut [f64], grad: Option<BatchMut<'_>>) {
        self.blend(1.0 / self.beta, (self.beta - 1.0) / self.beta, x, log_prob, grad);
    }

    /// `log_prob <- a log_prob + b log r`, and the same for gradients.
    fn blend(&self, a: f64, b: f64, x: Batch<'_>, log_prob: &mut [f64], grad: Option<BatchMut<'_>>) {
        log_prob.iter_mut().for_each(|p| *p *= a);
        let Some(reference) = self.reference else {
            if let Some(mut grad) = grad {
                grad.data_mut().iter_mut().for_each(|g| *g *= a);
            }
            return;
        };
        let mut log_r = scratch(x.rows());
        reference.log_prob(x, &mut log_r);
        log_prob.iter_mut().zip(log_r.iter()).for_each(|(p, r)| *p += b * r);
        if let Some(mut grad) = grad {
            let mut grad_r = scratch(x.data().len());
            reference.log_prob_and_grad(x, &mut log_r, BatchMut::new(&mut grad_r, x.dim()));
            grad.data_mut().iter_mut().zip(grad_r.iter()).for_each(|(g, r)| *g = a * *g + b * r);
        }
    }
}

impl Target for Tempered<'_> {
    fn dim(&self) -> usize {
        self.target.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        mut grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.target.evaluate(x, log_prob, grad.as_mut().map(BatchMut::reborrow))?;
        self.temper(x, log_prob, grad);
        Ok(())
    }

    fn version(&self) -> u64 {
        let reference = self.reference.map_or(0, Proposal::version);
        derived_version(derived_version(self.target.version(), reference), self.beta.to_bits())
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
    use crate::kernel::tests::Gumbel;
    use crate::proposal::GaussianConfig;

    #[test]
    fn values_and_gradients_by_hand() {
        // Gumbel at 0.5: log pi = -0.5 - exp(-0.5), gradient exp(-0.5) - 1. N(1, 4) there: -ln(2 sqrt(2 pi)) - 1/32, gradient 1/8.
        let target = Gumbel(1);
        let reference =
            GaussianConfig { mean: vec![1.0], sd: vec![2.0], ..Default::default() }.build(1).unwrap();
        let x = Points::from_rows(&[[0.5]]);
        let (log_pi, d_pi) = (-0.5 - (-0.5f64).exp(), (-0.5f64).exp() - 1.0);
        let (log_r, d_r) = (-(2.0 * std::f64::consts::TAU.sqrt()).ln() - 1.0 / 32.0, 0.125);
        let check = |reference, value: f64, slope: f64| {
            let tempered = Tempered::new(&target, reference, 0.25);
            let (mut p, mut again, mut grad) = ([0.0], [0.0], Points::zeros(1, 1));
            tempered.log_prob(x.as_batch(), &mut p).unwrap();
            tempered.log_prob_and_grad(x.as_batch(), &mut again, grad.as_batch_mut()).unwrap();
            assert_eq!(p, again);
            assert!((p[0] - value).abs() < 1e-15 && (grad.row(0)[0] - slope).abs() < 1e-15, "{p:?} {grad:?}");
            tempered.untemper(x.as_batch(), &mut p, Some(grad.as_batch_mut()));
            assert!((p[0] - log_pi).abs() < 1e-14 && (grad.row(0)[0] - d_pi).abs() < 1e-14);
        };
        check(None, 0.25 * log_pi, 0.25 * d_pi);
        check(Some(&reference), 0.75 * log_r + 0.25 * log_pi, 0.75 * d_r + 0.25 * d_pi);
    }

    #[test]
    fn the_path_ends_at_target_and_reference() {
        let (target, reference) = (Gumbel(1), Gaussian::standard(1));
        let x = Points::from_rows(&[[0.5], [-2.0]]);
        let value = |t: &dyn Target| {
            let mut p = [0.0; 2];
            t.log_prob(x.as_batch(), &mut p).unwrap();
            p
        };
        let mut log_r = [0.0; 2];
        reference.log_prob(x.as_batch(), &mut log_r);
        assert_eq!(value(&Tempered::new(&target, Some(&reference), 1.0)), value(&target));
        assert_eq!(value(&Tempered::new(&target, Some(&reference), 0.0)), log_r);
        assert_eq!(value(&Tempered::new(&target, None, 1.0)), value(&target));
    }
}
