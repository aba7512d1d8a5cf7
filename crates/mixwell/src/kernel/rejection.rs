//! Rejection sampling with a learned bound; for a GAN, discriminator rejection sampling.
//!
//! Candidates come from `q`, with `r = ln pi - ln q` (for a GAN with its prior as `q`: `kappa d`). With `M` the largest `r` of the warm-up,
//! `D = r - M` and `F = D - ln(1 - e^(D - eps)) - gamma`, a candidate is accepted with probability `sigmoid(F)`: at `gamma = 0` that is
//! `e^D`, rejection sampling with the bound `M`; `gamma` above zero accepts less and below more, and is a percentile of `F` among the
//! candidates looked at together where it is given so. The first one accepted is the draw, whatever the current point; if none is,
//! it is the one of largest `r`.
//! Draws are independent, but biased: by a bound that is too small, by `gamma`, and by what is taken for want of an accepted one.
//! What each step fell short by is counted (`fallbacks`): none accepted, or a weight above the bound.
//! Cost: `batch` log-densities a step or a multiple of it.
//! Reference: Azadi et al., Discriminator rejection sampling, ICLR 2019. There the bound also rises after the pilot; here it is fixed
//! then, since draws would depend on the order of the chains.

use serde::{Deserialize, Serialize};

use super::accept::draw_weight;
use super::candidates::{Candidates, Kept};
use super::choice::{ProposalChoice, ProposalConfig};
use super::settings::Settings;
use super::state::{KernelState, StateError};
use super::{Block, Context, Ensemble, Kernel, Law, Leaf, Needs, Role, Tallies, TallySheet, Warmup};
use crate::math::logistic;
use crate::proposal::Proposal;
use crate::scratch::scratch;
use crate::{ConfigError, range};

const NAME: &str = "rejection";
/// Keeps the odds of the best candidate finite.
const EPSILON: f64 = 1e-6;

/// What is subtracted from the log-odds of acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Gamma {
    /// This percentile of the log-odds in each batch, from 0 to 100.
    Percentile(f64),
    /// A number; 0 gives rejection sampling.
    Fixed(f64),
}

/// Settings of [`Rejection`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RejectionConfig {
    /// Where candidates come from: `base` (the prior of a GAN's latents), `flow`, `gaussian`.
    pub proposal: ProposalConfig,
    /// Candidates that are looked at together.
    pub batch: usize,
    /// Candidates after which a step gives up and takes the best.
    pub candidates: usize,
    /// What is subtracted from the log-odds: `{ fixed = 0.0 }` for rejection sampling, `{ percentile = 95.0 }` as published for GANs.
    pub gamma: Gamma,
    /// The bound `M`, where it is known; else it is learned in the warm-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bound: Option<f64>,
}

impl Default for RejectionConfig {
    fn default() -> Self {
        Self {
            proposal: ProposalConfig::Base,
            batch: 64,
            candidates: 640,
            gamma: Gamma::Fixed(0.0),
            log_bound: None,
        }
    }
}

impl RejectionConfig {
    const LAW: Law = Law::biased();

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.proposal.check()?;
        range::at_least("batch", self.batch, 1)?;
        range::at_least("candidates", self.candidates, 1)?;
        super::check_work("candidates", self.candidates, self.evaluations())?;
        match self.gamma {
            Gamma::Percentile(p) => range::within("gamma.percentile", p, 0.0, 100.0)?,
            Gamma::Fixed(gamma) => range::finite("gamma.fixed", gamma)?,
        }
        self.log_bound.map_or(Ok(()), |bound| range::finite("log_bound", bound))
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Rejection, ConfigError> {
        self.check()?;
        let bound = self.log_bound.unwrap_or(f64::NEG_INFINITY);
        Ok(Rejection {
            proposal: self.proposal.build(dim)?,
            batch: self.batch,
            batches: self.candidates.div_ceil(self.batch),
            gamma: self.gamma,
            learns: self.log_bound.is_none(),
            bound,
        })
    }

    fn evaluations(&self) -> f64 {
        self.batch as f64 * self.candidates.div_ceil(self.batch.max(1)) as f64
    }
}

impl Settings for RejectionConfig {
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
        self.evaluations()
    }
}

/// Rejection sampling.
pub struct Rejection {
    proposal: ProposalChoice,
    batch: usize,
    batches: usize,
    gamma: Gamma,
    learns: bool,
    bound: f64,
}

impl Rejection {
    /// The bound `M` on the log-weights; `-inf` before anything is learned.
    pub fn log_bound(&self) -> f64 {
        self.bound
    }

    /// The log-odds of acceptance of these log-weights, `gamma` left out. Before there is a bound, the batch gives its own.
    fn log_odds(&self, weights: &[f64], odds: &mut [f64]) {
        let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let bound = if self.bound == f64::NEG_INFINITY { largest } else { self.bound };
        for (odds, w) in odds.iter_mut().zip(weights) {
            let d = w - bound;
            // Above the bound there is nothing to lose.
            let d = d.min(0.0);
            *odds = d - (-(d - EPSILON).exp_m1()).ln();
        }
    }

    /// One step of the row: the batches that it looks at, one after the other.
    fn step_row(
        &self,
        q: &dyn Proposal,
        context: &Context<'_>,
        block: &mut Block<'_>,
        row: usize,
        sheet: &mut TallySheet<'_>,
        candidates: &mut Candidates,
    ) {
        let (mut weights, mut odds) = (scratch(self.batch), scratch(self.batch));
        let mut sorted = scratch(self.batch);
        let mut best = Kept::new(q);
        for _ in 0..self.batches {
            candidates.draw(q, context, block.stream(row), self.batch);
            let tally = sheet.tally(row);
            for (k, weight) in weights.iter_mut().enumerate() {
                let candidate = candidates.get(k);
                *weight = draw_weight(candidate.log_prob, candidate.log_q, tally);
            }
            self.log_odds(&weights, &mut odds);
            let gamma = match self.gamma {
                Gamma::Fixed(gamma) => gamma,
                Gamma::Percentile(p) => {
                    sorted.copy_from_slice(&odds);
                    percentile(&mut sorted, p)
                }
            };
            for (k, weight) in weights.iter().enumerate() {
                let candidate = candidates.get(k);
                let probability = if *weight == f64::NEG_INFINITY { 0.0 } else { logistic(odds[k] - gamma) };
                tally.tries += 1;
                tally.accept_prob += probability;
                tally.see_log_weight(*weight);
                if *weight > self.bound && !self.learns {
                    tally.fallbacks += 1;
                }
                if candidate.uniform < probability {
                    tally.moves += 1;
                    return candidate.take(q, block, row);
                }
                if best.weight.is_none_or(|w| *weight > w) {
                    best.keep(&candidate, *weight);
                }
            }
        }
        let tally = sheet.tally(row);
        tally.fallbacks += 1;
        if best.weight.is_some_and(|w| w > f64::NEG_INFINITY) {
            tally.moves += 1;
            best.candidate().take(q, block, row);
        }
    }
}

/// This percentile of some numbers, which it sorts.
fn percentile(values: &mut [f64], p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = p / 100.0 * (values.len() - 1) as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    let next = values[(below + 1).min(values.len() - 1)];
    // The lowest may be `-inf`: there is nothing between it and a number.
    if values[below] == f64::NEG_INFINITY { next } else { values[below] + share * (next - values[below]) }
}

impl Kernel for Rejection {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new(NAME, Role::Global)]
    }

    fn law(&self) -> Law {
        RejectionConfig::LAW
    }

    fn needs(&self) -> Needs {
        self.proposal.needs()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        self.proposal.with(context, |q: &dyn Proposal| {
            let mut candidates = Candidates::new(q, self.batch);
            for row in 0..block.rows() {
                self.step_row(q, context, block, row, &mut sheet, &mut candidates);
            }
        });
    }

    fn adapt(&mut self, _: Warmup, _: &Ensemble, tallies: Tallies<'_>) {
        if self.learns {
            let seen = tallies.iter().filter_map(|t| t.largest_log_weight);
            self.bound = seen.fold(self.bound, f64::max);
        }
    }

    fn freeze(&mut self) {
        self.learns = false;
    }

    fn save(&self) -> KernelState {
        KernelState::leaf(NAME, &(self.bound.is_finite().then_some(self.bound), self.learns))
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        let (bound, learns): (Option<f64>, bool) = state.read(NAME)?;
        self.bound = bound.unwrap_or(f64::NEG_INFINITY);
        self.learns = learns;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_their_neighbours() {
        assert_eq!(percentile(&mut [3.0, 1.0, 2.0], 50.0), 2.0);
        assert_eq!(percentile(&mut [3.0, 1.0, 2.0], 75.0), 2.5);
        assert_eq!(percentile(&mut [1.0], 95.0), 1.0);
        // Candidates outside the support.
        assert_eq!(percentile(&mut [f64::NEG_INFINITY, 4.0], 0.0), 4.0);
        assert_eq!(percentile(&mut [f64::NEG_INFINITY, 4.0, 6.0], 75.0), 5.0);
    }

    #[test]
    fn odds_of_acceptance_by_hand() {
        let kernel = RejectionConfig { log_bound: Some(2.0), ..RejectionConfig::default() }.build(1).unwrap();
        let mut odds = [0.0; 4];
        kernel.log_odds(&[2.0, 2.0 - 2f64.ln(), 5.0, f64::NEG_INFINITY], &mut odds);
        // At and above the bound: 1 / epsilon to 1; at half the bound: even odds, up to epsilon.
        assert!((odds[0] - 1e6f64.ln()).abs() < 1e-5 && odds[2] == odds[0], "{odds:?}");
        assert!((logistic(odds[1]) - 0.5).abs() < 1e-6 && odds[3] == f64::NEG_INFINITY, "{odds:?}");
    }
}
