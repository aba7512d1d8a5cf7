//! Dual averaging of the logarithm of a step size towards a target acceptance.
//!
//! With acceptance `a_t`, target `d`, `gamma = 0.05`, `t0 = 10`, `kappa = 0.75`, `mu = ln(10 step_0)`:
//!
//! ```text
//! Hbar_t        = (1 - 1/(t + t0)) Hbar_{t-1} + (d - a_t) / (t + t0)
//! ln step_t     = mu - sqrt(t) / gamma * Hbar_t
//! ln stepbar_t  = t^-kappa ln step_t + (1 - t^-kappa) ln stepbar_{t-1}
//! ```
//!
//! Reference: Hoffman and Gelman, "The No-U-Turn Sampler", JMLR 15 (2014), section 3.2. Here `a_t` is the mean over all chains.

use serde::{Deserialize, Serialize};

const GAMMA: f64 = 0.05;
const T0: f64 = 10.0;
const KAPPA: f64 = 0.75;

/// The state of the recursion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DualAveraging {
    mu: f64,
    t: u64,
    h_bar: f64,
    log_step_bar: f64,
}

impl DualAveraging {
    pub(super) fn new(step: f64) -> Self {
        Self { mu: (10.0 * step).ln(), t: 0, h_bar: 0.0, log_step_bar: step.ln() }
    }

    /// Takes in one acceptance and returns the step to try next.
    pub(super) fn update(&mut self, accept: f64, target: f64) -> f64 {
        self.t += 1;
        let t = self.t as f64;
        let weight = 1.0 / (t + T0);
        self.h_bar = (1.0 - weight) * self.h_bar + weight * (target - accept);
        let log_step = self.mu - t.sqrt() / GAMMA * self.h_bar;
        let weight = t.powf(-KAPPA);
        self.log_step_bar = weight * log_step + (1.0 - weight) * self.log_step_bar;
        log_step.exp()
    }

    /// The averaged step, to be used when adaptation ends.
    pub(super) fn averaged(&self) -> f64 {
        self.log_step_bar.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_update_by_hand() {
        // a = 1, d = .8: Hbar = -.2/11, ln step = ln 10 + .2/11/.05 = 2.302585 + .363636; the average equals it at t = 1.
        let mut da = DualAveraging::new(1.0);
        let step = da.update(1.0, 0.8);
        assert!((step.ln() - (10f64.ln() + 0.2 / 11.0 / 0.05)).abs() < 1e-14);
        assert!((da.averaged() - step).abs() < 1e-12);
    }

    #[test]
    fn reaches_the_target() {
        // Acceptance exp(-step) equals 0.8 at step = 0.2231, from a start a hundred times too large or too small.
        for start in [2e-3, 20.0] {
            let (mut da, mut step) = (DualAveraging::new(start), start);
            for _ in 0..2000 {
                step = da.update((-step).exp(), 0.8);
            }
            assert!((da.averaged() / -0.8f64.ln() - 1.0).abs() < 0.05, "from {start}: {}", da.averaged());
        }
    }
}
