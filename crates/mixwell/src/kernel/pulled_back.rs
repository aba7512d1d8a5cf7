//! A target seen through a transport: `log pi_z(z) = log pi(T(z)) + ln|det dT/dz|`.
//!
//! Sampling `z` from it and mapping by `T` samples the target. If the target is the transport's own density, `pi_z` is
//! `N(0, I)` exactly, whatever the transport. The gradient runs back through the map.
//! Reference: Hoffman et al., "NeuTra-lizing bad geometry in HMC" (2019), section 2.

use super::scratch::scratch;
use crate::proposal::Transport;
use crate::target::Target;
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

    fn log_prob(&self, z: Batch<'_>, log_prob: &mut [f64]) {
        let (n, dim) = (z.rows(), z.dim());
        let (mut x, mut log_det) = (scratch(n * dim), scratch(n));
        self.map.forward(z, BatchMut::new(&mut x, dim), &mut log_det);
        self.target.log_prob(Batch::new(&x, dim), log_prob);
        log_prob.iter_mut().zip(log_det.iter()).for_each(|(p, ld)| *p += ld);
    }

    fn log_prob_and_grad(&self, z: Batch<'_>, log_prob: &mut [f64], grad: BatchMut<'_>) {
        let target = self.target;
        self.map.forward_pullback(
            z,
            &mut |rows, x, log_det, dx, d_log_det| {
                let log_prob = &mut log_prob[rows];
                target.log_prob_and_grad(x, log_prob, dx);
                log_prob.iter_mut().zip(log_det).for_each(|(p, ld)| *p += ld);
                d_log_det.fill(1.0);
            },
            grad,
        );
    }

    fn has_gradient(&self) -> bool {
        self.target.has_gradient()
    }
}
