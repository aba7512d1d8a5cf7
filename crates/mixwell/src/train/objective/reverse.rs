//! Reverse KL, `mean[log rho(z) - log_det(z) - beta log pi(T(z))]` over fresh latents.

use super::super::LossValue;
use super::{FlowLoss, Sources};
use crate::flow::Flow;
use crate::net::Gradient;
use crate::proposal::Proposal;
use crate::{Batch, BatchMut, Points};

/// The loss.
pub(super) struct Reverse;

impl FlowLoss for Reverse {
    fn evaluate(&self, flow: &Flow, from: &mut Sources<'_>, gradient: &mut Gradient) -> LossValue {
        let mut z = Points::zeros(from.reverse_draws, flow.dim());
        from.stream.fill_normal(z.data_mut());
        let target = from.examples.target;
        let evaluate = |x: Batch<'_>, log_prob: &mut [f64], grad: BatchMut<'_>| {
            target.log_prob_and_grad(x, log_prob, grad);
        };
        let found = flow.reverse_kl(z.as_batch(), &evaluate, from.beta, gradient);
        LossValue { value: found.loss, non_finite_rows: found.non_finite }
    }

    fn uses_target(&self) -> bool {
        true
    }
}
