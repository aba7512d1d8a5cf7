//! The temperatures, and how they settle during warm-up until every pair swaps equally often.
//!
//! With `A_i` the share of swaps accepted between temperatures `i` and `i + 1`, the log-gaps `S_i = ln(T_{i+1} - T_i)` of all
//! but the last pair move by `k_t (A_i - A_{i+1})`, `k_t = rate lag / (t + lag)`; then all gaps are scaled so that the hottest
//! temperature stays. A pair that swaps too often is drawn apart. The order of temperatures cannot be lost.
//! Reference: after Vousden, Farr and Mandel, MNRAS 455 (2016). Differs: acceptance probabilities averaged over all chains
//! drive it, and it ends with the warm-up.

use serde::{Deserialize, Serialize};

/// How the temperatures between the coldest and the hottest are adapted during warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LadderRule {
    /// Until all pairs swap equally often.
    EqualSwaps {
        /// Change of a log-gap per step and unit of difference in acceptance, at first.
        #[serde(default = "default_rate")]
        rate: f64,
        /// Steps after which that has halved.
        #[serde(default = "default_lag")]
        lag: f64,
    },
    /// Not at all.
    Fixed,
}

fn default_rate() -> f64 {
    0.1
}

fn default_lag() -> f64 {
    100.0
}

impl Default for LadderRule {
    fn default() -> Self {
        Self::EqualSwaps { rate: default_rate(), lag: default_lag() }
    }
}

/// Temperatures in ascending order, the first one 1.
pub(super) struct Ladder {
    rule: LadderRule,
    state: LadderState,
}

/// What a checkpoint keeps of a [`Ladder`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LadderState {
    temperatures: Vec<f64>,
    /// The last acceptance of every pair; a sweep may leave pairs out.
    accept: Vec<Option<f64>>,
    updates: u64,
    frozen: bool,
}

impl Ladder {
    pub(super) fn new(temperatures: Vec<f64>, rule: LadderRule) -> Self {
        let accept = vec![None; temperatures.len() - 1];
        Self { rule, state: LadderState { temperatures, accept, updates: 0, frozen: false } }
    }

    pub(super) fn temperatures(&self) -> &[f64] {
        &self.state.temperatures
    }

    /// Learns from one sweep: the mean acceptance of every pair that was tried.
    pub(super) fn adapt(&mut self, accept: impl Iterator<Item = Option<f64>>) {
        let LadderState { temperatures, accept: last, updates, frozen } = &mut self.state;
        let LadderRule::EqualSwaps { rate, lag } = self.rule else { return };
        if *frozen {
            return;
        }
        for (last, new) in last.iter_mut().zip(accept) {
            *last = new.or(*last);
        }
        let Some(accept) = last.iter().copied().collect::<Option<Vec<f64>>>() else { return };
        let pace = rate * lag / (*updates as f64 + lag);
        *updates += 1;
        let mut gaps: Vec<f64> = temperatures.windows(2).map(|t| t[1] - t[0]).collect();
        let total: f64 = gaps.iter().sum();
        for (gap, a) in gaps.iter_mut().zip(accept.windows(2)) {
            *gap *= (pace * (a[0] - a[1])).exp();
        }
        let scale = total / gaps.iter().sum::<f64>();
        for (i, gap) in gaps.iter().enumerate() {
            temperatures[i + 1] = temperatures[i] + scale * gap;
        }
    }

    pub(super) fn freeze(&mut self) {
        self.state.frozen = true;
    }

    pub(super) fn state(&self) -> &LadderState {
        &self.state
    }

    pub(super) fn restore(&mut self, state: LadderState) {
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    const RULE: LadderRule = LadderRule::EqualSwaps { rate: 0.1, lag: 100.0 };

    #[test]
    fn one_update_by_hand() {
        // Gaps 1, 1, 2; A = .6, .4, .5; k_0 = .1: gaps exp(.02), exp(-.01), 2, scaled to add up to 4.
        let mut ladder = Ladder::new(vec![1.0, 2.0, 3.0, 5.0], RULE);
        ladder.adapt([Some(0.6), Some(0.4), Some(0.5)].into_iter());
        let gaps = [0.02f64.exp(), (-0.01f64).exp(), 2.0];
        let scale = 4.0 / gaps.iter().sum::<f64>();
        let t = ladder.temperatures();
        assert!(
            (t[1] - 1.0 - scale * gaps[0]).abs() < 1e-15 && (t[2] - t[1] - scale * gaps[1]).abs() < 1e-15
        );
        assert!((t[3] - 5.0).abs() < 1e-14);
    }

    #[test]
    fn whatever_happens_the_order_and_the_ends_stay() {
        let mut ladder = Ladder::new(vec![1.0, 1.5, 2.0, 4.0, 9.0], RULE);
        let mut s = Stream::new(1, 0);
        for _ in 0..5000 {
            let accept: Vec<_> = (0..4).map(|_| (s.uniform() > 0.1).then(|| s.uniform().powi(4))).collect();
            ladder.adapt(accept.into_iter());
        }
        let t = ladder.temperatures();
        assert!(t[0] == 1.0 && (t[4] - 9.0).abs() < 1e-9 && t.windows(2).all(|t| t[1] > t[0]), "{t:?}");
    }

    #[test]
    fn a_gaussian_settles_at_equal_ratios() {
        // On a Gaussian the swap rate depends on T_{i+1} / T_i alone: equal rates mean a geometric ladder. Here the rate is
        // given as a function of the ratio that falls from 1 to 0.
        let mut ladder =
            Ladder::new(vec![1.0, 2.0, 3.0, 4.0, 16.0], LadderRule::EqualSwaps { rate: 0.5, lag: 1000.0 });
        for _ in 0..5000 {
            let rates: Vec<_> = ladder.temperatures().windows(2).map(|t| Some(t[0] / t[1])).collect();
            ladder.adapt(rates.into_iter());
        }
        for (t, expected) in ladder.temperatures().iter().zip([1.0, 2.0, 4.0, 8.0, 16.0]) {
            assert!((t - expected).abs() < 0.01 * expected, "{:?}", ladder.temperatures());
        }
        ladder.freeze();
        let before = ladder.temperatures().to_vec();
        ladder.adapt([Some(1.0), Some(0.0), Some(1.0), Some(0.0)].into_iter());
        assert_eq!(ladder.temperatures(), before);
    }
}
