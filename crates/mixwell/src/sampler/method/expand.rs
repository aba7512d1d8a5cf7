//! [`Expand`]: what a named method provides: the kernels in its settings, the kernels that move chains, and the schedule.

use std::sync::Arc;

use crate::ConfigError;
use crate::footprint::MOST_COUNT;
use crate::kernel::{
    IsirConfig, KernelConfig, MalaConfig, MetricKind, RepeatConfig, SequenceConfig, check_work,
};
use crate::proposal::Proposal;
use crate::range::at_most;
use crate::sampler::plan::Plan;
use crate::sampler::schedule::Schedule;

/// Settings that expand into kernels and a schedule.
pub(in crate::sampler) trait Expand {
    /// The kernels that the settings hold, each with the key it is under.
    fn parts(&self) -> Vec<(String, KernelConfig)>;

    /// The kernels that move the chains, by the names that the schedule uses.
    fn kernels(&self) -> Vec<(String, KernelConfig)>;

    /// Stages of the warm-up, then the production cycle.
    fn schedule(&self) -> Schedule;

    /// Numbers of rounds and steps, each with the key it is under.
    fn counts(&self) -> Vec<(&'static str, usize)>;

    /// Local steps in one round, under the key `local_steps`, where a round is one step of a kernel.
    fn local_steps_of_round(&self) -> Option<(usize, &KernelConfig)> {
        None
    }

    /// The proposal of the global kernel, where it is fixed and worth a report.
    fn fixed_proposal(&self, _dim: usize) -> Result<Option<Arc<dyn Proposal>>, ConfigError> {
        Ok(None)
    }

    /// Refuses settings that cannot be used, whatever the target.
    fn check(&self) -> Result<(), ConfigError> {
        for (key, kernel) in self.parts() {
            kernel.check().map_err(|e| e.under(&key))?;
        }
        for (key, count) in self.counts() {
            at_most(key, count, MOST_COUNT)?;
        }
        if let Some((steps, local)) = self.local_steps_of_round() {
            check_work("local_steps", steps, steps as f64 * local.evaluations())?;
        }
        let kernels = self.kernels();
        let names: Vec<&str> = kernels.iter().map(|(name, _)| name.as_str()).collect();
        self.schedule().check(&names)
    }

    /// Kernels and schedule for a target of `dim` coordinates.
    ///
    /// # Errors
    /// When a kernel's settings cannot be used in this dimension, or the schedule names no such kernel.
    fn plan(&self, dim: usize) -> Result<Plan, ConfigError> {
        let build = |(name, config): (String, KernelConfig)| Ok((name, config.build(dim)?));
        let kernels = self.kernels().into_iter().map(build).collect::<Result<_, ConfigError>>();
        let mut plan = Plan::new(kernels?, self.schedule())?;
        plan.settings = self.kernels().into_iter().map(|(_, config)| config).collect();
        plan.proposal = self.fixed_proposal(dim)?;
        Ok(plan)
    }
}

/// The local kernel of methods that are told none: MALA with a diagonal metric.
pub(super) fn default_local() -> KernelConfig {
    KernelConfig::Mala(MalaConfig { metric: MetricKind::Diagonal, ..MalaConfig::default() })
}

/// One round of Ex2: the global move, then local steps.
pub(super) fn round(global: &IsirConfig, local: &KernelConfig, local_steps: usize) -> KernelConfig {
    let global = KernelConfig::Isir(global.clone());
    let local = match local_steps {
        0 => return global,
        1 => local.clone(),
        n_steps => KernelConfig::Repeat(RepeatConfig { n_steps, kernel: Box::new(local.clone()) }),
    };
    KernelConfig::Sequence(SequenceConfig { parts: vec![global, local] })
}
