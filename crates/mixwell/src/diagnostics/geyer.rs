//! Effective sample size of series by Geyer's initial monotone sequence; the formula stands in `ess.rs`.
//! Reference: Geyer, Statistical Science 7 (1992).

use super::autocovariance::Autocovariance;
use super::indicator::Indicator;
use super::moments::{is_constant, mean, variance};

/// ESS of the series of length `n >= 2` that `series` consists of.
pub(super) fn effective_size(
    series: &[f64],
    n: usize,
    engine: &mut Autocovariance,
    acov: &mut Vec<f64>,
) -> f64 {
    let total = series.len() as f64;
    if is_constant(series) {
        return total;
    }
    let variance_of_means =
        if series.len() > n { variance(&series.chunks_exact(n).map(mean).collect::<Vec<_>>()) } else { 0.0 };
    // Chains that mix need few lags, and few lags take half the time.
    for lags in [(64 + n / 32).min(n), n] {
        engine.averaged(series, n, lags, acov);
        let variance_plus = acov[0] + variance_of_means;
        if !(variance_plus.is_finite() && variance_plus > 0.0) {
            return f64::NAN;
        }
        if let Some(tau) = geyer_time(acov.iter().copied(), n, variance_plus) {
            return size_of_time(total, tau);
        }
    }
    f64::NAN
}

/// ESS of the indicator; `None` if it needs more lags than it counts.
pub(super) fn effective_size_of_indicator(indicator: &Indicator, n: usize, total: usize) -> Option<f64> {
    let mut acov = indicator.autocovariances();
    let variance = acov.next()?;
    let variance_plus = variance + indicator.variance_of_means();
    if !(variance_plus.is_finite() && variance_plus > 0.0) {
        return Some(f64::NAN);
    }
    let tau = geyer_time(std::iter::once(variance).chain(acov), n, variance_plus)?;
    Some(size_of_time(total as f64, tau))
}

/// ESS of `total` draws with autocorrelation time `tau`, which has a lower bound.
fn size_of_time(total: f64, tau: f64) -> f64 {
    total / tau.max(1.0 / total.log10())
}

/// `tau` before its lower bound, from the first autocovariances of series of length `n`; `None` if more are needed.
fn geyer_time(mut acov: impl Iterator<Item = f64>, n: usize, variance_plus: f64) -> Option<f64> {
    let within = acov.next()? * n as f64 / (n as f64 - 1.0);
    let mut rho = move || Some(1.0 - (within - acov.next()?) / variance_plus);
    // Pairs (rho_t, rho_{t+1}), t = 0, 2, 4, ..: add them up while their sum is positive, each no larger than the one
    // before it. Of the pair that ends the sequence only the first term is used.
    let (mut t, mut even, mut odd) = (0, 1.0, rho()?);
    let (mut total, mut largest) = (0.0, f64::INFINITY);
    while t + 4 < n && even + odd > 0.0 {
        largest = (even + odd).min(largest);
        total += largest;
        t += 2;
        (even, odd) = (rho()?, rho()?);
    }
    let last = if even > 0.0 || even + odd >= 0.0 { even } else { 0.0 };
    Some(-1.0 + 2.0 * total + last)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Stream;

    /// `n_chains` autoregressive chains `x' = phi x + noise`, started in equilibrium.
    pub(in crate::diagnostics) fn autoregressive(phi: f64, n_chains: usize, n: usize, seed: u64) -> Vec<f64> {
        let mut out = Vec::with_capacity(n_chains * n);
        for mut stream in Stream::for_chains(seed, n_chains) {
            let mut x = stream.normal() / (1.0 - phi * phi).sqrt();
            for _ in 0..n {
                out.push(x);
                x = phi * x + stream.normal();
            }
        }
        out
    }

    #[test]
    fn a_sequence_by_hand() {
        // n = 11, acov_0 = 10: W = 11; with V = 10 rho_t = (acov_t - 1)/10 = 1 (set), .5, .2, 0, .2, .1, -.4, -.1.
        // Pairs 1.5, .2, .3 cut to .2 (monotone), then a negative one, of which the negative first term is not used:
        // tau = -1 + 2 * 1.9 = 2.8. With rho_6 = .1, rho_7 = -.4 the first term is used: 2.9.
        let mut acov = [10.0, 6.0, 3.0, 1.0, 3.0, 2.0, -3.0, 0.0, 9.0, 9.0, 9.0];
        assert!((geyer_time(acov.into_iter(), 11, 10.0).unwrap() - 2.8).abs() < 1e-14);
        assert_eq!(geyer_time(acov[..7].iter().copied(), 11, 10.0), None);
        (acov[6], acov[7]) = (2.0, -3.0);
        assert!((geyer_time(acov.into_iter(), 11, 10.0).unwrap() - 2.9).abs() < 1e-14);
    }

    #[test]
    fn few_lags_give_the_same_as_all_lags() {
        for (phi, seed, few_are_enough) in [(0.2, 1, true), (0.999, 2, false)] {
            let x = autoregressive(phi, 1, 3000, seed);
            let (mut engine, mut acov) = (Autocovariance::new(), Vec::new());
            engine.averaged(&x, 3000, 3000, &mut acov);
            assert_eq!(geyer_time(acov[..157].iter().copied(), 3000, acov[0]).is_some(), few_are_enough);
            let all = 3000.0 / geyer_time(acov.iter().copied(), 3000, acov[0]).unwrap();
            let ess = effective_size(&x, 3000, &mut engine, &mut acov);
            assert!((ess / all - 1.0).abs() < 1e-10);
        }
    }
}
