//! Random-walk Metropolis: `y = x + sigma L xi`, `xi ~ N(0, I)`, accepted with `min(1, pi(y) / pi(x))`.
//!
//! Keeps the target's law. Cost: one log-density per chain and step, no gradient. `L` is the metric (identity unless one is
//! learnt in warm-up). The step size is `sigma`, a standard deviation.
//! Reference: Metropolis et al. (1953); target acceptance 0.234, Roberts, Gelman and Gilks, Ann. Appl. Probab. 7 (1997).

use serde::{Deserialize, Serialize};

use super::accept::{accept, usable};
use super::adapt::{AcceptanceOver, MetricKind, StepRule, Tuner, TunerConfig};
use super::extent::metric_bytes;
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Role, StepSize, TallySheet};
use crate::range::positive;
use crate::scratch::scratch;
use crate::{Batch, ConfigError};

const NAME: &str = "random_walk";

/// Settings of [`RandomWalk`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RandomWalkConfig {
    /// Standard deviation of a proposal in every coordinate.
    pub step_size: f64,
    /// How the step size is adapted during warm-up.
    pub adapt: StepRule,
    /// Acceptance that adaptation aims at.
    pub target_accept: f64,
    /// Metric learnt during warm-up: `unit`, `diagonal` or `dense`.
    pub metric: MetricKind,
}

impl Default for RandomWalkConfig {
    fn default() -> Self {
        Self { step_size: 0.1, adapt: StepRule::default(), target_accept: 0.234, metric: MetricKind::Unit }
    }
}

impl RandomWalkConfig {
    const LAW: Law = Law::reversible();

    fn tuner(&self) -> TunerConfig {
        TunerConfig {
            step: self.step_size,
            power: 1,
            rule: self.adapt,
            target_accept: self.target_accept,
            acceptance: AcceptanceOver::Tries,
            metric: self.metric,
        }
    }

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        positive("step_size", self.step_size)?;
        self.tuner().check()
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<RandomWalk, ConfigError> {
        self.check()?;
        Ok(RandomWalk { tuner: Tuner::new(&self.tuner(), dim) })
    }
}

impl Settings for RandomWalkConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }

    fn set_step_size(&mut self, step: StepSize) {
        self.step_size = step.length();
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        metric_bytes(self.metric, chains, dim)
    }
}

/// Random-walk Metropolis.
pub struct RandomWalk {
    tuner: Tuner,
}

impl Kernel for RandomWalk {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf { step_size: Some(self.tuner.step()), ..Leaf::new(NAME, Role::Local) }]
    }

    fn law(&self) -> Law {
        RandomWalkConfig::LAW
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let (n, dim) = (block.rows(), block.dim());
        let (mut y, mut log_prob, mut noise) = (scratch(n * dim), scratch(n), scratch(dim));
        let parts = block.parts();
        for ((y, x), stream) in y.chunks_exact_mut(dim).zip(parts.x.iter()).zip(parts.streams) {
            stream.fill_normal(&mut noise);
            y.copy_from_slice(x);
            self.tuner.scale().add(self.tuner.step(), &noise, y);
        }
        context.target.log_prob(Batch::new(&y, dim), &mut log_prob);
        for (row, y) in y.chunks_exact(dim).enumerate() {
            let tally = sheet.tally(row);
            let ratio = if usable(log_prob[row], &[], tally) {
                log_prob[row] - block.log_prob()[row]
            } else {
                f64::NEG_INFINITY
            };
            if accept(ratio, block.stream(row), tally) {
                block.move_to(row, y, log_prob[row], None);
            }
        }
    }

    fn tuner(&self) -> Option<&Tuner> {
        Some(&self.tuner)
    }

    fn tuner_mut(&mut self) -> Option<&mut Tuner> {
        Some(&mut self.tuner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: RandomWalkConfig| c.check().unwrap_err().key;
        assert_eq!(bad(RandomWalkConfig { step_size: f64::NAN, ..Default::default() }), "step_size");
        assert_eq!(bad(RandomWalkConfig { target_accept: 1.0, ..Default::default() }), "target_accept");
    }
}
