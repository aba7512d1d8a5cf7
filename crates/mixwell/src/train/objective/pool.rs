//! Self-normalised forward KL over the particles of the last i-SIR step, mixed with reverse KL (FlEx2MCMC).

use super::super::{LossValue, weights};
use super::mix::mixture;
use super::{FlowLoss, MixSchedule, Sources, example_loss};
use crate::ConfigError;
use crate::flow::Flow;
use crate::net::Gradient;

/// The mixture.
pub(super) struct Pool {
    pub mix: MixSchedule,
}

/// Its forward part.
struct Particles;

impl FlowLoss for Particles {
    fn evaluate(&self, flow: &Flow, from: &mut Sources<'_>, gradient: &mut Gradient) -> LossValue {
        let particles = from.examples.particles.expect("particles to learn from");
        let weights = weights::of_particles(from.examples.target, particles, from.beta);
        example_loss(flow, (particles.x, &weights), from.stream, gradient)
    }
}

impl FlowLoss for Pool {
    fn evaluate(&self, flow: &Flow, from: &mut Sources<'_>, gradient: &mut Gradient) -> LossValue {
        mixture(self.mix, &Particles, flow, from, gradient)
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.mix.check()
    }

    fn uses_target(&self) -> bool {
        self.mix.has_reverse()
    }

    fn uses_particles(&self) -> bool {
        true
    }
}
