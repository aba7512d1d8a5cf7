//! A fresh chain of independent proposals in every step; for a GAN, Metropolis-Hastings GAN.
//!
//! With `r = ln pi - ln q` (for a GAN with its prior as `q`: `kappa d`, so `e^r = 1 / (1/D - 1)`), `proposals` draws of `q` are accepted one after the
//! other with `min(1, exp(r' - r))`, beginning at the `r` of a datum that is drawn at random from those the target knows
//! ([`BaseLaw`](crate::density::BaseLaw)), so without burn-in; the last point is the draw. If all are refused, the chain is begun
//! again at its first proposal, and the step counts in `fallbacks`; so it begins, too, where no data are known.
//! Draws are independent, and biased as far as a chain of this length is from its limit.
//! In logarithms, so scores of any size do.
//! Cost: `proposals` log-densities a step.
//! Reference: Turner et al., Metropolis-Hastings generative adversarial networks, ICML 2019.

use serde::{Deserialize, Serialize};

use super::accept::{accept_by, draw_weight};
use super::candidates::{Candidates, Kept};
use super::choice::{ProposalChoice, ProposalConfig};
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, TallySheet};
use crate::proposal::Proposal;
use crate::{ConfigError, range};

const NAME: &str = "independent_chain";
/// Proposals that are evaluated together.
const BATCH: usize = 64;

/// Settings of [`IndependentChain`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IndependentChainConfig {
    /// What is proposed: `base` (the prior of a GAN's latents), `flow`, `gaussian`.
    pub proposal: ProposalConfig,
    /// Proposals of a chain.
    pub proposals: usize,
}

impl Default for IndependentChainConfig {
    fn default() -> Self {
        Self { proposal: ProposalConfig::Base, proposals: 640 }
    }
}

impl IndependentChainConfig {
    const LAW: Law = Law::biased();

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.proposal.check()?;
        range::at_least("proposals", self.proposals, 1)?;
        super::check_work("proposals", self.proposals, self.proposals as f64)
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<IndependentChain, ConfigError> {
        self.check()?;
        Ok(IndependentChain { proposal: self.proposal.build(dim)?, proposals: self.proposals })
    }
}

impl Settings for IndependentChainConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }

    fn evaluations(&self) -> f64 {
        self.proposals as f64
    }
}

/// A fresh chain of independent proposals in every step.
pub struct IndependentChain {
    proposal: ProposalChoice,
    proposals: usize,
}

impl IndependentChain {
    /// A chain that begins at a point of log-weight `start`, or at its first proposal. Whether any proposal was accepted.
    #[allow(clippy::too_many_arguments)]
    fn chain(
        &self,
        q: &dyn Proposal,
        context: &Context<'_>,
        block: &mut Block<'_>,
        row: usize,
        start: Option<f64>,
        sheet: &mut TallySheet<'_>,
        candidates: &mut Candidates,
    ) -> bool {
        let mut current = Kept::new(q);
        let mut weight = start;
        for first in (0..self.proposals).step_by(BATCH) {
            let n = BATCH.min(self.proposals - first);
            candidates.draw(q, context, block.stream(row), n);
            let tally = sheet.tally(row);
            for k in 0..n {
                let candidate = candidates.get(k);
                let to = draw_weight(candidate.log_prob, candidate.log_q, tally);
                // One that can never be chosen is no beginning.
                let ratio = match weight {
                    None if to > f64::NEG_INFINITY => f64::INFINITY,
                    None => f64::NEG_INFINITY,
                    Some(from) => to - from,
                };
                if accept_by(candidate.uniform, ratio, tally) {
                    weight = Some(to);
                    current.keep(&candidate, to);
                }
            }
        }
        let moved = current.weight.is_some();
        if moved {
            current.candidate().take(q, block, row);
        }
        moved
    }
}

impl Kernel for IndependentChain {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new(NAME, Role::Global)]
    }

    fn law(&self) -> Law {
        IndependentChainConfig::LAW
    }

    fn needs(&self) -> Needs {
        self.proposal.needs()
    }

    fn adapts(&self) -> bool {
        false
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let data = context.target.base().map_or(&[][..], |base| base.data_log_weights);
        self.proposal.with(context, |q: &dyn Proposal| {
            let mut candidates = Candidates::new(q, BATCH);
            for row in 0..block.rows() {
                let start = (!data.is_empty()).then(|| {
                    let place = block.stream(row).uniform() * data.len() as f64;
                    data[(place as usize).min(data.len() - 1)]
                });
                if self.chain(q, context, block, row, start, &mut sheet, &mut candidates) {
                    continue;
                }
                sheet.tally(row).fallbacks += 1;
                if start.is_some() {
                    self.chain(q, context, block, row, None, &mut sheet, &mut candidates);
                }
            }
        });
    }
}
