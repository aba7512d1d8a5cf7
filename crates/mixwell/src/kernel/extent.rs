//! How much work one step of a kernel is, and what a kernel holds while it adapts, told from its settings.
//!
//! A step cannot be interrupted, so its work is limited: [`MOST_EVALUATIONS`] evaluations of the target per chain.

use super::KernelConfig;
use super::adapt::{MetricKind, matrices};
use crate::ConfigError;
use crate::footprint::numbers;

/// Evaluations of the target that one step of one chain may take at most.
pub(super) const MOST_EVALUATIONS: f64 = 1e6;
/// Temperatures that a ladder may have at most.
pub(super) const MOST_TEMPERATURES: usize = 10_000;

/// Refuses a step of more than [`MOST_EVALUATIONS`] evaluations, of which `key` with this value decides the number.
pub(crate) fn check_work(key: &str, value: usize, evaluations: f64) -> Result<(), ConfigError> {
    if evaluations <= MOST_EVALUATIONS {
        return Ok(());
    }
    let reason = "one step of a chain may take at most 1000000 evaluations, because an interruption waits for it; use more draws instead";
    Err(ConfigError::new(key, value, reason))
}

impl KernelConfig {
    /// Evaluations of the target in one step of one chain. A trajectory of NUTS, whose length is found out on the way, counts
    /// as one.
    pub(crate) fn evaluations(&self) -> f64 {
        match self {
            Self::Hmc(c) => c.n_leapfrog as f64,
            Self::Isir(c) => c.n_particles as f64,
            Self::Neutra(c) => c.kernel.evaluations(),
            Self::ParallelTempering(c) => c.n_temperatures as f64 * c.n_steps as f64 * c.kernel.evaluations(),
            Self::Repeat(c) => c.n_steps as f64 * c.kernel.evaluations(),
            Self::Sequence(c) => c.parts.iter().map(Self::evaluations).sum(),
            Self::Mixture(c) => c.parts.iter().map(Self::evaluations).fold(1.0, f64::max),
            _ => 1.0,
        }
    }

    /// Bytes that its adaptation holds for `chains` chains in `dim` dimensions, and more for the moment in which a metric is
    /// computed.
    pub(crate) fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        let of = |metric: &MetricKind| {
            let (held, moment) = matrices(*metric);
            let means = if *metric == MetricKind::Unit { 0 } else { numbers(&[chains, dim]) };
            (means.saturating_add(numbers(&[held, dim, dim])), numbers(&[moment, dim, dim]))
        };
        let both = |parts: &[Self]| {
            parts
                .iter()
                .map(|p| p.adaptation_bytes(chains, dim))
                .fold((0u64, 0u64), |(held, moment), (h, m)| (held.saturating_add(h), moment.max(m)))
        };
        match self {
            Self::RandomWalk(c) => of(&c.metric),
            Self::Mala(c) => of(&c.metric),
            Self::Hmc(c) => of(&c.metric),
            Self::Nuts(c) => of(&c.metric),
            Self::Neutra(c) => c.kernel.adaptation_bytes(chains, dim),
            Self::Repeat(c) => c.kernel.adaptation_bytes(chains, dim),
            Self::ParallelTempering(c) => {
                let (held, moment) = c.kernel.adaptation_bytes(chains, dim);
                (held.saturating_mul(c.n_temperatures as u64), moment)
            }
            Self::Sequence(c) => both(&c.parts),
            Self::Mixture(c) => both(&c.parts),
            _ => (0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HmcConfig, hmc, isir, mala, nuts, parallel_tempering};
    use super::*;

    #[test]
    fn steps_without_end_are_refused_however_they_are_nested() {
        for huge in [300_000_000, 3_000_000_000, 1 << 62, (1 << 63) - 1] {
            assert_eq!(hmc(huge).check().unwrap_err().key, "n_leapfrog");
            assert_eq!(mala().repeat(huge).check().unwrap_err().key, "n_steps");
            assert_eq!(isir(huge).check().unwrap_err().key, "n_particles");
            let mut ladder =
                super::super::ParallelTemperingConfig { n_temperatures: huge, ..Default::default() };
            assert_eq!(
                KernelConfig::ParallelTempering(ladder.clone()).check().unwrap_err().key,
                "n_temperatures"
            );
            (ladder.n_temperatures, ladder.n_steps) = (3, huge);
            assert_eq!(KernelConfig::ParallelTempering(ladder).check().unwrap_err().key, "n_steps");
        }
        assert_eq!(mala().repeat(2000).repeat(2000).check().unwrap_err().key, "n_steps");
        parallel_tempering(nuts().repeat(100)).check().unwrap();
        KernelConfig::Hmc(HmcConfig { n_leapfrog: 10_000, ..Default::default() }).check().unwrap();
    }
}
