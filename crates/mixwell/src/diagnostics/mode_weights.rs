//! Mode weights: which share of the draws lies in each mode, how certain that is, and whether chains change mode.
//!
//! A draw belongs to the nearest centre ([`Modes`](crate::density::Modes) finds it). With `w_k` the known weights, the error of the
//! estimates is `MSE = 1/K sum_k (w_hat_k - w_k)^2`. The standard error of a weight is that of the mean of its indicator,
//! `sqrt(w (1 - w) / ESS)`. Hops are changes of mode from one draw to the next, per 1000 steps of a chain.
//! Labels are one per draw, `n_chains` chains one after the other.

use serde::Serialize;

use super::{Draws, mcse_mean};

/// How often chains were in each mode, and how they moved between modes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModeOccupancy {
    /// Share of all draws in each mode.
    pub weights: Vec<f64>,
    /// Monte Carlo standard error of each weight. NaN for a mode that holds no draw or all of them: the draws cannot
    /// say how wrong that is.
    pub weight_errors: Vec<f64>,
    /// Changes of mode per 1000 steps, for each chain.
    pub hops_per_1000: Vec<f64>,
    /// Share of chains that were in every mode at least once.
    pub chains_in_all_modes: f64,
    /// Modes that no chain was ever in.
    pub unvisited: Vec<usize>,
    /// Number of chains that stayed in one mode from first draw to last.
    pub chains_without_hop: usize,
}

impl ModeOccupancy {
    /// Counts the labels of `n_chains` chains among `n_modes` modes.
    ///
    /// ```
    /// use mixwell::diagnostics::ModeOccupancy;
    /// let modes = ModeOccupancy::count(&[0, 0, 1, 1, 0, 0, 0, 0, 0, 0], 2, 2);
    /// assert_eq!(modes.weights, [0.8, 0.2]);
    /// assert_eq!((modes.hops_per_1000[0], modes.chains_without_hop), (500.0, 1)); // two changes in four steps
    /// ```
    ///
    /// # Panics
    /// When `n_chains` is zero or does not divide the number of labels, or a label is not below `n_modes`.
    pub fn count(labels: &[usize], n_chains: usize, n_modes: usize) -> Self {
        assert!(
            n_chains > 0 && labels.len().is_multiple_of(n_chains),
            "{} labels do not form {n_chains} chains of equal length",
            labels.len()
        );
        assert!(labels.iter().all(|k| *k < n_modes), "a label is not below {n_modes}");
        let n = labels.len() / n_chains;
        let chains: Vec<&[usize]> = (0..n_chains).map(|c| &labels[c * n..(c + 1) * n]).collect();
        let mut counts = vec![0usize; n_modes];
        for k in labels {
            counts[*k] += 1;
        }
        let hops: Vec<usize> =
            chains.iter().map(|chain| chain.windows(2).filter(|w| w[0] != w[1]).count()).collect();
        let complete = chains
            .iter()
            .filter(|chain| {
                let mut seen = vec![false; n_modes];
                chain.iter().for_each(|k| seen[*k] = true);
                seen.into_iter().all(|s| s)
            })
            .count();
        Self {
            weights: counts.iter().map(|c| *c as f64 / labels.len() as f64).collect(),
            weight_errors: (0..n_modes)
                .map(|k| match counts[k] {
                    0 => f64::NAN,
                    c if c == labels.len() => f64::NAN,
                    _ => indicator_error(labels, n_chains, k),
                })
                .collect(),
            hops_per_1000: hops.iter().map(|h| *h as f64 * 1000.0 / n.saturating_sub(1) as f64).collect(),
            chains_in_all_modes: complete as f64 / n_chains as f64,
            unvisited: (0..n_modes).filter(|k| counts[*k] == 0).collect(),
            chains_without_hop: hops.iter().filter(|h| **h == 0).count(),
        }
    }
}

fn indicator_error(labels: &[usize], n_chains: usize, mode: usize) -> f64 {
    let indicator: Vec<f64> = labels.iter().map(|k| f64::from(u8::from(*k == mode))).collect();
    mcse_mean(Draws::new(&indicator, n_chains))
}

/// Mean over modes of the squared error of the weights.
///
/// # Panics
/// When the two differ in length.
pub fn mode_weight_mse(weights: &[f64], exact: &[f64]) -> f64 {
    assert_eq!(weights.len(), exact.len(), "one exact weight per mode");
    weights.iter().zip(exact).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / weights.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn independent_labels_have_binomial_errors() {
        // P(mode 1) = 0.3, 40 000 labels: standard error sqrt(0.21 / 40 000) = 0.0023; half of it all hops
        // (2 * 0.3 * 0.7 = 0.42 of the steps).
        let mut stream = Stream::new(1, 0);
        let labels: Vec<usize> = (0..40_000).map(|_| usize::from(stream.uniform() < 0.3)).collect();
        let modes = ModeOccupancy::count(&labels, 4, 2);
        let error = (0.21f64 / 40_000.0).sqrt();
        assert!((modes.weights[1] - 0.3).abs() < 5.0 * error);
        assert!((modes.weight_errors[1] / error - 1.0).abs() < 0.1);
        assert_eq!(modes.chains_in_all_modes, 1.0);
        let hops = modes.hops_per_1000.iter().sum::<f64>() / 4.0;
        assert!((hops - 420.0).abs() < 5.0 * 1000.0 * (0.42f64 * 0.58 / 40_000.0).sqrt() * 1.5, "{hops}");
        assert!(mode_weight_mse(&modes.weights, &[0.7, 0.3]) < 25.0 * error * error);
    }

    #[test]
    fn chains_frozen_in_their_modes() {
        let labels: Vec<usize> = (0..400).map(|i| i / 100).map(|c| if c == 3 { 0 } else { c }).collect();
        let modes = ModeOccupancy::count(&labels, 4, 4);
        assert_eq!(modes.weights, [0.5, 0.25, 0.25, 0.0]);
        assert_eq!((modes.chains_without_hop, modes.chains_in_all_modes), (4, 0.0));
        assert_eq!(modes.unvisited, [3]);
        // Four chains that never moved know a weight no better than four draws would: sqrt(.5 * .5 / 4) = 0.25.
        assert!(modes.weight_errors[0] > 0.15, "{:?}", modes.weight_errors);
        assert!(modes.weight_errors[3].is_nan());
    }

    #[test]
    fn error_of_weights_by_hand() {
        assert!((mode_weight_mse(&[0.5, 0.5], &[0.6, 0.4]) - 0.01).abs() < 1e-15);
    }
}
