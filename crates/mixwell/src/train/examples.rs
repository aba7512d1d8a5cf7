//! The data of a training call besides past draws: the target, positions of the chains, particles.

use crate::Batch;
use crate::density::Guarded;

/// What a training call can learn from besides past draws. An objective takes from it what it needs.
#[derive(Clone, Copy)]
pub struct Examples<'a> {
    /// The target, for reverse KL and the weights of a tempered target.
    pub target: Guarded<'a>,
    /// Current positions of all chains.
    pub chains: Option<Batch<'a>>,
    /// Particles of the last i-SIR step.
    pub particles: Option<Particles<'a>>,
}

/// Weighted points, as many for every chain.
#[derive(Clone, Copy, Debug)]
pub struct Particles<'a> {
    /// The points, one chain's after the other's.
    pub x: Batch<'a>,
    /// Their unnormalised log-weights.
    pub log_weights: &'a [f64],
    /// Points a chain.
    pub per_chain: usize,
}

impl<'a> Examples<'a> {
    /// The target alone.
    pub fn of(target: Guarded<'a>) -> Self {
        Self { target, chains: None, particles: None }
    }

    /// The same with positions of chains.
    pub fn with_chains(self, x: Batch<'a>) -> Self {
        Self { chains: Some(x), ..self }
    }

    /// The same with particles, when there are any.
    pub fn with_particles(self, particles: Option<Particles<'a>>) -> Self {
        Self { particles, ..self }
    }
}
