//! `Mixture`: in each step every chain runs one of the parts, chosen at random with fixed probabilities.
//!
//! The choice is made by one uniform number of the chain's own stream, whatever its position, so the law of the target is kept
//! and the draws depend neither on threads nor on block sizes. Chains with the same choice are brought together by exchanging
//! rows, moved in one batch, and put back.

use serde::{Deserialize, Serialize};

use super::members::{self, Members};
use crate::ConfigError;
use crate::kernel::settings::Settings;
use crate::kernel::{
    Block, Context, Ensemble, Kernel, KernelConfig, KernelState, Law, Leaf, Needs, StateError, Tallies,
    TallySheet, Warmup, independent_mh, mala,
};

const NAME: &str = "mixture";

/// Settings of [`Mixture`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureConfig {
    /// The kernels to choose from.
    pub parts: Vec<KernelConfig>,
    /// Their weights, which need not add up to 1; empty for equal ones.
    pub weights: Vec<f64>,
}

impl Default for MixtureConfig {
    fn default() -> Self {
        Self { parts: vec![independent_mh(), mala()], weights: vec![0.1, 0.9] }
    }
}

impl MixtureConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        members::check(&self.parts, "a mixture needs at least one kernel")?;
        let fits = self.weights.is_empty() || self.weights.len() == self.parts.len();
        if !fits || !self.weights.iter().all(|w| w.is_finite() && *w > 0.0) {
            let reason = format!("{} positive numbers are needed, one per kernel", self.parts.len());
            return Err(ConfigError::new("weights", format!("{:?}", self.weights), reason));
        }
        Ok(())
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Mixture, ConfigError> {
        self.check()?;
        let parts = members::build(&self.parts, dim)?;
        let weights = if self.weights.is_empty() { vec![1.0; parts.len()] } else { self.weights.clone() };
        Ok(Mixture::new(parts, &weights))
    }
}

impl Settings for MixtureConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Law::at_random(self.parts.iter().map(KernelConfig::law))
    }

    fn evaluations(&self) -> f64 {
        self.parts.iter().map(KernelConfig::evaluations).fold(1.0, f64::max)
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        members::adaptation_bytes(&self.parts, chains, dim)
    }
}

/// One of several kernels, at random.
pub struct Mixture {
    parts: Members,
    cumulative: Vec<f64>,
}

impl Mixture {
    /// The kernel that runs each of `parts` with probability proportional to its weight.
    ///
    /// # Panics
    /// When there are none or the numbers of kernels and weights differ.
    pub fn new(parts: Vec<Box<dyn Kernel>>, weights: &[f64]) -> Self {
        assert!(!parts.is_empty() && parts.len() == weights.len(), "one weight per kernel");
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let cumulative = weights
            .iter()
            .map(|w| {
                sum += w / total;
                sum
            })
            .collect();
        Self { parts: Members::new(parts), cumulative }
    }

    fn choose(&self, u: f64) -> usize {
        self.cumulative.iter().position(|c| u < *c).unwrap_or(self.parts.len() - 1)
    }
}

impl Kernel for Mixture {
    fn leaves(&self) -> Vec<Leaf> {
        self.parts.leaves()
    }

    fn law(&self) -> Law {
        Law::at_random(self.parts.laws())
    }

    fn needs(&self) -> Needs {
        self.parts.needs()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let n = block.rows();
        let mut choices: Vec<usize> = (0..n).map(|row| self.choose(block.stream(row).uniform())).collect();
        let mut swaps = Vec::new();
        let mut first = 0;
        for (k, (part, offset)) in self.parts.iter().enumerate() {
            let mut end = first;
            for row in first..n {
                if choices[row] == k {
                    if row != end {
                        choices.swap(row, end);
                        block.swap_rows(row, end);
                        sheet.swap_rows(row, end);
                        swaps.push((row, end));
                    }
                    end += 1;
                }
            }
            if end > first {
                part.step(context, &mut block.sub(first..end), sheet.rows(first..end).part(offset));
            }
            first = end;
        }
        for (i, j) in swaps.into_iter().rev() {
            block.swap_rows(i, j);
            sheet.swap_rows(i, j);
        }
    }

    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        self.parts.adapt(warmup, chains, tallies);
    }

    fn freeze(&mut self) {
        self.parts.freeze();
    }

    fn save(&self) -> KernelState {
        self.parts.save(NAME)
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        self.parts.load(NAME, state)
    }
}
