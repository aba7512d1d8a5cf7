//! Swaps between neighbouring temperatures: the ratio, and the order in which pairs are tried.
//!
//! Replicas `i` (colder) and `i + 1` (hotter) with heights `L` (the untempered log-density, over the reference if there is
//! one) exchange their points with probability `min(1, exp((1/T_{i+1} - 1/T_i)(L_i - L_{i+1})))`. A hotter replica that is
//! higher up always hands its point down.

use serde::{Deserialize, Serialize};

/// Which pairs of neighbours a sweep tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// All pairs, from the coldest to the hottest.
    #[default]
    Sequential,
    /// Every second pair, the others in the next sweep: points travel further (Okabe et al. 2001; Syed et al. 2022).
    EvenOdd,
}

impl Sweep {
    /// The pairs that sweep number `sweep` tries, out of `n_pairs`; pair `i` is temperatures `i` and `i + 1`.
    pub(super) fn pairs(self, n_pairs: usize, sweep: u64) -> impl Iterator<Item = usize> {
        let (first, by) = match self {
            Sweep::Sequential => (0, 1),
            Sweep::EvenOdd => ((sweep % 2) as usize, 2),
        };
        (first..n_pairs).step_by(by)
    }
}

/// The log of the acceptance ratio of a swap: inverse temperatures and heights of the colder and the hotter replica.
pub(super) fn log_ratio([beta_cold, beta_hot]: [f64; 2], [cold, hot]: [f64; 2]) -> f64 {
    (beta_hot - beta_cold) * (cold - hot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hotter_replica_that_is_higher_up_always_swaps() {
        assert!(log_ratio([1.0, 0.5], [-3.0, -1.0]) > 0.0);
        // T = 1 and 2, heights 0 and -2: ln of (1/2 - 1)(0 + 2) = -1.
        assert_eq!(log_ratio([1.0, 0.5], [0.0, -2.0]), -1.0);
    }

    #[test]
    fn even_and_odd_pairs_take_turns() {
        let pairs = |sweep: Sweep, n| sweep.pairs(4, n).collect::<Vec<_>>();
        assert_eq!(pairs(Sweep::Sequential, 7), [0, 1, 2, 3]);
        assert_eq!((pairs(Sweep::EvenOdd, 0), pairs(Sweep::EvenOdd, 1)), (vec![0, 2], vec![1, 3]));
        // With a single pair every second sweep is empty.
        assert_eq!(Sweep::EvenOdd.pairs(1, 1).count(), 0);
    }

    /// The transition matrix of a swap on two replicas with two states each, states numbered `2 cold + hot`.
    fn transition(
        ratio: impl Fn([f64; 2], [f64; 2]) -> f64,
        betas: [f64; 2],
        height: [f64; 2],
    ) -> [[f64; 4]; 4] {
        let mut matrix = [[0.0; 4]; 4];
        for (cold, hot) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let accept = ratio(betas, [height[cold], height[hot]]).min(0.0).exp();
            matrix[2 * cold + hot][2 * hot + cold] += accept;
            matrix[2 * cold + hot][2 * cold + hot] += 1.0 - accept;
        }
        matrix
    }

    /// Largest violation of detailed balance under `pi_cold x pi_hot`.
    fn imbalance(ratio: impl Fn([f64; 2], [f64; 2]) -> f64) -> f64 {
        let (betas, height) = ([1.0, 0.3], [0.7f64, -1.1]);
        let law = |cold: usize, hot: usize| (betas[0] * height[cold] + betas[1] * height[hot]).exp();
        let matrix = transition(ratio, betas, height);
        let mut worst: f64 = 0.0;
        for (i, row) in matrix.iter().enumerate() {
            for (j, there) in row.iter().enumerate() {
                let back = matrix[j][i];
                worst = worst.max((law(i / 2, i % 2) * there - law(j / 2, j % 2) * back).abs());
            }
        }
        worst
    }

    #[test]
    fn detailed_balance_on_two_states_and_none_with_the_wrong_sign() {
        assert!(imbalance(log_ratio) < 1e-15);
        assert!(imbalance(|betas, heights| -log_ratio(betas, heights)) > 0.1);
    }
}
