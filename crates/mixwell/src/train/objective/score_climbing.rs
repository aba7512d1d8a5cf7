//! Markovian score climbing: a step of the forward KL at the chains' new states. Reference: [naesseth2020markovian].

use super::super::{LossValue, weights};
use super::{FlowLoss, Sources, example_loss, shares};
use crate::flow::Flow;
use crate::net::Gradient;

/// The loss.
pub(super) struct ScoreClimbing;

impl FlowLoss for ScoreClimbing {
    fn evaluate(&self, flow: &Flow, from: &mut Sources<'_>, gradient: &mut Gradient) -> LossValue {
        let chains = from.examples.chains.expect("chains to learn from");
        let shares = shares(weights::of_draws(from.examples.target, chains, from.beta));
        example_loss(flow, (chains, &shares), from.stream, gradient)
    }
}
