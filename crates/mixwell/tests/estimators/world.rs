//! Targets with a known integral, and the checks that right estimators pass and wrong ones fail.

use mixwell::density::{Target, from_fn_with_grad};
use mixwell::estimate::LogEvidence;

/// `exp(-sum x_k^2 / (2 s_k^2))`: not normalised, `ln Z = sum ln s_k + dim/2 ln(2 pi)`.
pub fn gaussian(scales: &'static [f64]) -> (impl Target, f64) {
    let target = from_fn_with_grad(scales.len(), move |x: &[f64], g: &mut [f64]| {
        let mut log_prob = 0.0;
        for k in 0..scales.len() {
            g[k] = -x[k] / (scales[k] * scales[k]);
            log_prob += 0.5 * x[k] * g[k];
        }
        log_prob
    });
    let log_z = scales.iter().map(|s| s.ln() + 0.5 * std::f64::consts::TAU.ln()).sum();
    (target, log_z)
}

/// How many of 200 estimates have the exact value in their 95 % interval.
pub fn covered(exact: f64, estimate: impl Fn(u64) -> LogEvidence) -> usize {
    (0..200)
        .filter(|seed| {
            let (low, high) = estimate(*seed).interval(0.95);
            low <= exact && exact <= high
        })
        .count()
}

/// Between 90 % and 99 %: what 95 % may look like in 200 tries (three standard deviations of 1.5 %).
pub fn is_honest(covered: usize) -> bool {
    (180..=198).contains(&covered)
}
