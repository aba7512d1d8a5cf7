//! A target seen through a transport: `log pi_z(z) = log pi(T(z)) + ln|det dT/dz|`.
//!
//! Sampling `z` from it and mapping by `T` samples the target. If the target is the transport's own density, `pi_z` is
//! `N(0, I)` exactly, whatever the transport. The gradient runs back through the map.
//! Reference: Hoffman et al., "NeuTra-lizing bad geometry in HMC" (2019), section 2.

use super::{EvaluationError, Target, derived_version};
use crate::proposal::Transport;
use crate::scratch::scratch;
use crate::{Batch, BatchMut};

/// The density of the latents of `target` under `map`.
#[derive(Clone, Copy)]
pub struct PulledBack<'a> {
    target: &'a dyn Target,
    map: &'a dyn Transport,
}

impl<'a> PulledBack<'a> {
    /// Pulls `target` back through `map`.
    pub fn new(target: &'a dyn Target, map: &'a dyn Transport) -> Self {
        Self { target, map }
    }
}

impl Target for PulledBack<'_> {
    fn dim(&self) -> usize {
        self.map.dim()
    }

    fn evaluate(
        &self,
        z: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let Some(grad) = grad else {
            let (n, dim) = (z.rows(), z.dim());
            let (mut x, mut log_det) = (scratch(n * dim), scratch(n));
            self.map.forward(z, BatchMut::new(&mut x, dim), &mut log_det);
            self.target.evaluate(Batch::new(&x, dim), log_prob, None)?;
            log_prob.iter_mut().zip(log_det.iter()).for_each(|(p, ld)| *p += ld);
            return Ok(());
        };
        let mut result = Ok(());
        self.map.forward_pullback(
            z,
            &mut |rows, x, log_det, mut dx, d_log_det| {
                d_log_det.fill(1.0);
                let log_prob = &mut log_prob[rows];
                if result.is_ok() {
                    result = self.target.evaluate(x, log_prob, Some(dx.reborrow()));
                }
                if result.is_err() {
                    dx.data_mut().fill(f64::NAN);
                }
                log_prob.iter_mut().zip(log_det).for_each(|(p, ld)| *p += ld);
            },
            grad,
        );
        result
    }

    fn version(&self) -> u64 {
        derived_version(self.target.version(), self.map.version())
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
    use crate::proposal::{Gaussian, GaussianProposalConfig, Proposal};

    /// The density of a Gaussian as a target; its gradient is only needed through the map, so it is found by differences.
    struct Own(Gaussian);

    impl Target for Own {
        fn dim(&self) -> usize {
            self.0.dim()
        }

        fn evaluate(
            &self,
            x: Batch<'_>,
            log_prob: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            self.0.log_prob(x, log_prob);
            let Some(mut grad) = grad else { return Ok(()) };
            for row in 0..x.rows() {
                for k in 0..x.dim() {
                    let at = |h: f64| {
                        let mut moved = x.row(row).to_vec();
                        moved[k] += h;
                        self.log_prob_at(&moved)
                    };
                    grad.row_mut(row)[k] = (at(1e-4)? - at(-1e-4)?) / 2e-4;
                }
            }
            Ok(())
        }
    }

    #[test]
    fn a_transport_pulls_its_own_density_back_to_the_standard_normal() {
        let covariance = vec![vec![4.0, 2.0], vec![2.0, 5.0]];
        let map = GaussianProposalConfig { mean: vec![1.0, -1.0], covariance, ..Default::default() }
            .build(2)
            .unwrap();
        let own = Own(map.clone());
        let pulled = PulledBack::new(&own, &map);
        let z = Points::from_rows(&[[0.3, -1.2], [2.0, 0.7], [0.0, 0.0]]);
        let (mut a, mut b, mut grad) = ([0.0; 3], [0.0; 3], Points::zeros(3, 2));
        pulled.log_prob(z.as_batch(), &mut a).unwrap();
        pulled.log_prob_and_grad(z.as_batch(), &mut b, grad.as_batch_mut()).unwrap();
        assert_eq!(a, b);
        for (i, a) in a.into_iter().enumerate() {
            let expected = crate::math::standard_normal_log_prob(z.row(i));
            assert!((a - expected).abs() < 1e-13, "{a} {expected}");
            // The gradient of N(0, I) is -z; a quadratic is differenced without error but for rounding.
            assert!(grad.row(i).iter().zip(z.row(i)).all(|(g, z)| (g + z).abs() < 1e-8));
        }
    }
}
