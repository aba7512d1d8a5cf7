//! Effective sample size as the Ex2MCMC paper computes it; provided only for comparison with the figures of that paper.
//!
//! Per chain: centre, divide by the standard deviation (plus 1e-7), `A_t` = mean of the `n - t` overlapping products,
//! `ESS = 1 / (1 + 2 sum of A_t over t = 1..148 with A_t > 0.05)`: a number in (0, 1] (Samsonov et al. 2022).
//! It is biased: independent draws pass the bar of 0.05 by chance and get about `1/(1 + 296 s phi(0.05/s))`,
//! `s = n^(-1/2)`, `phi` the normal density: 0.48 for n = 1000, 0.82 for n = 2000. Report [`ess_bulk`](super::ess_bulk)
//! beside it.
//! Differs: a chain that never moves gets NaN; the original gives it 1, the best score there is.

use super::Draws;
use super::moments::{is_constant, mean, squares_about};

/// Number of lags looked at, with lag zero.
const LAGS: usize = 149;
/// Autocorrelations up to here count as none.
const BAR: f64 = 0.05;

/// The estimate for one scalar, averaged over chains; average over coordinates for a vector. NaN if a draw is NaN or a
/// chain never moves.
pub fn ex2_ess(draws: Draws<'_>) -> f64 {
    let mut buffer = Vec::new();
    let sum: f64 = draws.chains().map(|chain| chain_ess(chain, &mut buffer)).sum();
    sum / draws.n_chains() as f64
}

fn chain_ess(chain: &[f64], centred: &mut Vec<f64>) -> f64 {
    let n = chain.len();
    if is_constant(chain) {
        return f64::NAN;
    }
    let mean = mean(chain);
    let scale = 1.0 / ((squares_about(chain, mean) / n as f64).sqrt() + 1e-7);
    centred.clear();
    centred.extend(chain.iter().map(|v| (v - mean) * scale));
    if centred.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let excess: f64 = (1..LAGS.min(n))
        .map(|t| centred.iter().zip(&centred[t..]).map(|(a, b)| a * b).sum::<f64>() / (n - t) as f64)
        .filter(|a| *a > BAR)
        .sum();
    1.0 / (1.0 + 2.0 * excess)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn mean_over_seeds(n: usize) -> f64 {
        let mut x = vec![0.0; 200 * n];
        Stream::new(n as u64, 0).fill_normal(&mut x);
        ex2_ess(Draws::new(&x, 200))
    }

    #[test]
    fn independent_draws_get_the_known_bias() {
        // The formula of the header gives 0.26, 0.48, 0.82, 0.997 for 500, 1000, 2000, 5000 draws; it uses the mean of the
        // excess, the estimate a mean of reciprocals, so allow 0.03 at 200 chains.
        for (n, expected) in [(500, 0.26), (1000, 0.48), (2000, 0.82), (5000, 0.997)] {
            let got = mean_over_seeds(n);
            assert!((got - expected).abs() < 0.03, "n = {n}: {got} against {expected}");
        }
    }

    #[test]
    fn a_short_chain_by_hand() {
        // 1, 1, -1, -1: sd 1, A_1 = (1 - 1 + 1)/3, A_2 = (-1 - 1)/2, A_3 = -1: 1/(1 + 2/3) = 0.6.
        assert!((ex2_ess(Draws::new(&[1.0, 1.0, -1.0, -1.0], 1)) - 0.6).abs() < 1e-6);
    }

    #[test]
    fn nothing_to_estimate_is_nan() {
        assert!(ex2_ess(Draws::new(&[2.0; 10], 1)).is_nan());
        assert!(ex2_ess(Draws::new(&[2.0, f64::NAN, 1.0], 1)).is_nan());
        assert!(ex2_ess(Draws::new(&[], 1)).is_nan());
    }
}
