//! Limits on the work of one step of a kernel and on what it holds while it adapts. The settings of each kernel state
//! both amounts (`Settings`).
//!
//! A step cannot be interrupted, so its work is limited: [`MOST_EVALUATIONS`] evaluations of the target per chain.

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

/// Bytes that learning this metric holds for `chains` chains in `dim` dimensions, and more for the moment in which it is
/// computed.
pub(super) fn metric_bytes(metric: MetricKind, chains: usize, dim: usize) -> (u64, u64) {
    let (held, moment) = matrices(metric);
    let means = if metric == MetricKind::Unit { 0 } else { numbers(&[chains, dim]) };
    (means.saturating_add(numbers(&[held, dim, dim])), numbers(&[moment, dim, dim]))
}

#[cfg(test)]
mod tests {
    use super::super::{HmcConfig, KernelConfig, hmc, isir, mala, nuts, parallel_tempering};

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
