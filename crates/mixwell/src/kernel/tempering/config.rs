//! Settings of parallel tempering.

use serde::{Deserialize, Serialize};

use super::ParallelTempering;
use super::ladder::{Ladder, LadderRule};
use super::swap::Sweep;
use crate::ConfigError;
use crate::kernel::extent::{MOST_TEMPERATURES, check_work};
use crate::kernel::settings::Settings;
use crate::kernel::{Kernel, KernelConfig, Law, StepSize, mala};
use crate::proposal::GaussianProposalConfig;
use crate::range::{above, at_least, at_most, positive};

/// Settings of [`ParallelTempering`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParallelTemperingConfig {
    /// The kernel that moves the replicas, each at its temperature.
    pub kernel: Box<KernelConfig>,
    /// Steps of that kernel at every temperature before a sweep of swaps.
    pub n_steps: usize,
    /// Number of temperatures, the chain's own included.
    pub n_temperatures: usize,
    /// The hottest temperature; the chain's own is 1.
    pub max_temperature: f64,
    /// How temperatures are spaced at first: `linear` or `geometric`.
    pub spacing: Spacing,
    /// How the temperatures between the ends are adapted during warm-up.
    pub adapt: LadderRule,
    /// Which pairs of neighbours a sweep tries: `sequential` (all) or `even_odd` (every second).
    pub sweep: Sweep,
    /// A Gaussian that hot replicas are drawn to: `log r + (log_prob - log r) / T`. Without one, `log_prob / T`, which needs
    /// tails light enough to be tempered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<GaussianProposalConfig>,
}

impl Default for ParallelTemperingConfig {
    fn default() -> Self {
        Self {
            kernel: Box::new(mala()),
            n_steps: 5,
            n_temperatures: 5,
            max_temperature: 5.0,
            spacing: Spacing::Linear,
            adapt: LadderRule::default(),
            sweep: Sweep::Sequential,
            reference: None,
        }
    }
}

/// How temperatures are spaced at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Equal differences.
    #[default]
    Linear,
    /// Equal ratios.
    Geometric,
}

impl ParallelTemperingConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("n_steps", self.n_steps, 1)?;
        at_least("n_temperatures", self.n_temperatures, 2)?;
        at_most("n_temperatures", self.n_temperatures, MOST_TEMPERATURES)?;
        // 1 is the temperature of the chain itself.
        above("max_temperature", self.max_temperature, 1.0)?;
        if let LadderRule::EqualSwaps { rate, lag } = self.adapt {
            positive("adapt.rate", rate)?;
            positive("adapt.lag", lag)?;
        }
        if self.kernel.law().keeps_replicas {
            let reason = "replicas cannot have replicas of their own";
            return Err(ConfigError::new("kernel", self.kernel.kind(), reason));
        }
        if let Some(reference) = &self.reference {
            reference.check().map_err(|e| e.under("reference"))?;
        }
        self.kernel.check().map_err(|e| e.under("kernel"))?;
        let steps = self.n_steps as f64 * self.n_temperatures as f64;
        check_work("n_steps", self.n_steps, steps * self.kernel.evaluations())
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<ParallelTempering, ConfigError> {
        self.check()?;
        let level = |_| self.kernel.build(dim).map_err(|e| e.under("kernel"));
        let levels = (0..self.n_temperatures).map(level).collect::<Result<Vec<_>, _>>()?;
        if levels[0].needs().symmetry {
            let reason = "a reference need not have the symmetries of the target; put `symmetry` behind `parallel_tempering` in a sequence";
            return Err(ConfigError::new("kernel", self.kernel.kind(), reason));
        }
        let reference = self.reference.as_ref().map(|r| r.build(dim).map_err(|e| e.under("reference")));
        Ok(ParallelTempering {
            levels,
            ladder: Ladder::new(self.temperatures(), self.adapt),
            reference: reference.transpose()?,
            n_steps: self.n_steps,
            sweep: self.sweep,
        })
    }

    /// The temperatures before any adaptation.
    fn temperatures(&self) -> Vec<f64> {
        let last = (self.n_temperatures - 1) as f64;
        let temperature = |level: usize| match self.spacing {
            Spacing::Linear => 1.0 + (self.max_temperature - 1.0) * level as f64 / last,
            Spacing::Geometric => self.max_temperature.powf(level as f64 / last),
        };
        (0..self.n_temperatures).map(temperature).collect()
    }
}

impl Settings for ParallelTemperingConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        super::law(self.kernel.law())
    }

    fn set_step_size(&mut self, step: StepSize) {
        self.kernel.set_step_size(step);
    }

    fn evaluations(&self) -> f64 {
        self.n_temperatures as f64 * self.n_steps as f64 * self.kernel.evaluations()
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        let (held, moment) = self.kernel.adaptation_bytes(chains, dim);
        (held.saturating_mul(self.n_temperatures as u64), moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::parallel_tempering;

    #[test]
    fn spacings_by_hand() {
        let config =
            ParallelTemperingConfig { n_temperatures: 3, max_temperature: 9.0, ..Default::default() };
        assert_eq!(config.temperatures(), [1.0, 5.0, 9.0]);
        assert_eq!(ParallelTemperingConfig::default().temperatures(), [1.0, 2.0, 3.0, 4.0, 5.0]);
        let t = ParallelTemperingConfig { spacing: Spacing::Geometric, ..config }.temperatures();
        assert!((t[1] - 3.0).abs() < 1e-14 && t[0] == 1.0 && t[2] == 9.0);
    }

    #[test]
    fn every_temperature_above_the_first_is_a_replica() {
        let config = ParallelTemperingConfig { n_temperatures: 4, ..Default::default() };
        let needs = config.build(2).unwrap().needs();
        assert_eq!(needs.replicas, 3);
        assert_eq!(needs.and(needs).replicas, 6);
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: ParallelTemperingConfig| c.build(2).err().unwrap().key;
        let d = ParallelTemperingConfig::default;
        assert_eq!(bad(ParallelTemperingConfig { n_steps: 0, ..d() }), "n_steps");
        assert_eq!(bad(ParallelTemperingConfig { n_temperatures: 1, ..d() }), "n_temperatures");
        assert_eq!(bad(ParallelTemperingConfig { max_temperature: 1.0, ..d() }), "max_temperature");
        assert_eq!(bad(ParallelTemperingConfig { max_temperature: f64::NAN, ..d() }), "max_temperature");
        let adapt = LadderRule::EqualSwaps { rate: f64::NAN, lag: 1.0 };
        assert_eq!(bad(ParallelTemperingConfig { adapt, ..d() }), "adapt.rate");
        let kernel = Box::new(parallel_tempering(mala()).repeat(2));
        assert_eq!(bad(ParallelTemperingConfig { kernel, ..d() }), "kernel");
        let kernel = Box::new(mala().step_size(crate::kernel::StepSize::from_eta(-1.0)));
        assert_eq!(bad(ParallelTemperingConfig { kernel, ..d() }), "kernel.step_size");
        let reference = Some(GaussianProposalConfig { sd: vec![1.0; 3], ..Default::default() });
        assert_eq!(bad(ParallelTemperingConfig { reference, ..d() }), "reference.sd");
    }
}
