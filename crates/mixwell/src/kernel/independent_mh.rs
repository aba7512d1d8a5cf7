//! Independent Metropolis-Hastings: propose `y ~ q` whatever the current point is, accept with `min(1, w(y) / w(x))`,
//! `w = pi / q`.
//!
//! Keeps the target's law for any fixed `q`. `log q(y)` comes from drawing, `log q(x)` from evaluating (for a flow: inverting)
//! or from the state, where it lies with the version of the flow it belongs to. A current point that the proposal cannot weigh
//! stays. Geometrically ergodic only if `pi / q` is bounded; `defensive` sees to that.
//! Cost: one log-density and one draw per chain and step.
//! Reference: Mengersen and Tweedie, Ann. Statist. 24 (1996); with a flow, Gabrie, Rotskoff and Vanden-Eijnden, PNAS 119 (2022).

use serde::{Deserialize, Serialize};

use super::accept::{accept, current_weight, draw_weight};
use super::choice::{ProposalChoice, ProposalConfig};
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, TallySheet};
use crate::proposal::Proposal;
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError};

const NAME: &str = "independent_mh";

/// Settings of [`IndependentMh`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IndependentMhConfig {
    /// What is proposed: `flow`, `gaussian` or `defensive`.
    pub proposal: ProposalConfig,
}

impl IndependentMhConfig {
    const LAW: Law = Law::reversible();

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.proposal.check()
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<IndependentMh, ConfigError> {
        Ok(IndependentMh::new(self.proposal.build(dim)?))
    }
}

impl Settings for IndependentMhConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }
}

/// Independent Metropolis-Hastings.
pub struct IndependentMh {
    proposal: ProposalChoice,
}

impl IndependentMh {
    /// The kernel that proposes from `proposal`.
    pub fn new(proposal: ProposalChoice) -> Self {
        Self { proposal }
    }
}

impl Kernel for IndependentMh {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new(NAME, Role::Global)]
    }

    fn law(&self) -> Law {
        IndependentMhConfig::LAW
    }

    fn needs(&self) -> Needs {
        self.proposal.needs()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        self.proposal.with(context, |q: &dyn Proposal| {
            let (n, dim, noise_dim) = (block.rows(), block.dim(), q.noise_dim());
            let (mut noise, mut y) = (scratch(n * noise_dim), scratch(n * dim));
            let (mut log_q, mut log_prob) = (scratch(n), scratch(n));
            for (row, noise) in noise.chunks_exact_mut(noise_dim).enumerate() {
                block.stream(row).fill_normal(noise);
            }
            q.push(Batch::new(&noise, noise_dim), BatchMut::new(&mut y, dim), &mut log_q);
            context.target.log_prob(Batch::new(&y, dim), &mut log_prob);
            block.log_q(q);
            for (row, y) in y.chunks_exact(dim).enumerate() {
                let tally = sheet.tally(row);
                let parts = block.parts();
                let from = current_weight(parts.log_prob[row], parts.log_q[row]);
                let to = draw_weight(log_prob[row], log_q[row], tally);
                if accept(to - from, &mut parts.streams[row], tally) {
                    let latent = q.as_transport().map(|_| &noise[row * noise_dim..(row + 1) * noise_dim]);
                    block.move_to_proposed(row, y, log_prob[row], latent, log_q[row], q.version());
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::{StandardNormal, mean_accept};
    use crate::proposal::GaussianProposalConfig;

    #[test]
    fn acceptance_between_two_normals() {
        // N(0, 1) as target, N(1, 1) proposed: E min(1, w(y)/w(x)) = 2 Phi(-1/sqrt 2) = 0.4795, the same with roles exchanged.
        let proposal = ProposalConfig::Gaussian(GaussianProposalConfig {
            mean: vec![1.0],
            ..GaussianProposalConfig::default()
        });
        let kernel = IndependentMhConfig { proposal }.build(1).unwrap();
        let (accept, _) = mean_accept(&kernel, &StandardNormal(1), 1000, 50);
        // Standard deviation of an acceptance probability below .5, 1000 independent chains: .016 at most, less by 50 steps.
        assert!((accept - 0.4795).abs() < 5.0 * 0.004, "{accept}");
    }
}
