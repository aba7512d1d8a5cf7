//! Effective sample size: how many independent draws would estimate as well as these. A number of draws, all chains.
//!
//! With `m` chains of length `n`, `acov_t` their averaged autocovariance, `W = acov_0 n/(n-1)`,
//! `V = acov_0 + Var(chain means)` and `rho_t = 1 - (W - acov_t)/V`:
//! `ESS = m n / tau`, `tau = -1 + 2 (rho_0 + .. + rho_T) + rho_{T+1}`, where `T` ends Geyer's initial positive sequence of
//! pairs, made monotone (Geyer 1992; Vehtari et al. 2021). `tau` is at least `1/log10(m n)`, so antithetic
//! chains may have more than `m n` effective draws, but not without bound. What is looked at:
//!
//! - [`ess_bulk`]     normal scores of ranks, halves of chains: is the middle of the distribution known?
//! - [`ess_tail`]     the smaller of [`ess_quantile`] at 5 % and 95 %
//! - [`ess_quantile`] the indicator `x <= quantile`, halves of chains
//! - [`ess_mean`], [`ess_sd`]  the draws, and their squared distance from the mean, halves of chains
//! - [`ess_raw`]      the draws, whole chains
//!
//! NaN with a NaN draw or fewer than 4 draws per chain. If what is looked at never changes, `m n`, as in ArviZ: look at
//! R-hat, which is NaN then. Agrees with ArviZ 0.23 and 1.x; quantiles are computed as in 1.x (exact for ties).

use super::Draws;
use super::autocovariance::Autocovariance;
use super::indicator::Indicator;
use super::moments::{is_constant, mean, variance};
use super::workspace::{Workspace, with_workspace};

/// ESS of the bulk: how well the middle of the distribution, say the median, is known.
///
/// ```
/// use mixwell::{Stream, diagnostics::{Draws, ess_bulk}};
/// let mut x = vec![0.0; 4000];
/// Stream::new(1, 0).fill_normal(&mut x);
/// let ess = ess_bulk(Draws::new(&x, 4));
/// assert!((3000.0..5000.0).contains(&ess)); // independent draws count about one each
/// ```
pub fn ess_bulk(draws: Draws<'_>) -> f64 {
    ranked(draws, |w| w.bulk(false, true).1)
}

/// ESS of the tails: the smaller of those of the 5 % and the 95 % quantile.
pub fn ess_tail(draws: Draws<'_>) -> f64 {
    ranked(draws, |w| smaller(w.ess_quantile(0.05), w.ess_quantile(0.95)))
}

/// ESS of the quantile at `p`; NaN unless `0 <= p <= 1`.
pub fn ess_quantile(draws: Draws<'_>, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    ranked(draws, |w| w.ess_quantile(p))
}

/// ESS of the mean, from halves of chains.
pub fn ess_mean(draws: Draws<'_>) -> f64 {
    split(draws, |w| w.ess_mean())
}

/// ESS of the standard deviation, from halves of chains.
pub fn ess_sd(draws: Draws<'_>) -> f64 {
    let center = mean(draws.data());
    split(draws, |w| w.ess_squares(center))
}

/// ESS of the mean, from whole chains.
pub fn ess_raw(draws: Draws<'_>) -> f64 {
    if !draws.usable() {
        return f64::NAN;
    }
    with_workspace(|w| w.ess_raw(draws))
}

fn ranked(draws: Draws<'_>, f: impl FnOnce(&mut Workspace) -> f64) -> f64 {
    if !draws.usable() {
        return f64::NAN;
    }
    with_workspace(|w| {
        w.load(draws);
        f(w)
    })
}

fn split(draws: Draws<'_>, f: impl FnOnce(&mut Workspace) -> f64) -> f64 {
    if !draws.usable() {
        return f64::NAN;
    }
    with_workspace(|w| {
        w.split(draws);
        f(w)
    })
}

/// The smaller of the two, NaN if either is.
pub(super) fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

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
mod tests {
    use super::*;
    use crate::Stream;

    /// `n_chains` autoregressive chains `x' = phi x + noise`, started in equilibrium.
    fn autoregressive(phi: f64, n_chains: usize, n: usize, seed: u64) -> Vec<f64> {
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
    fn autoregressive_chains_have_the_ess_of_theory() {
        // ESS of the mean of an AR(1) chain is n (1 - phi)/(1 + phi). The estimate has a relative error of a few percent
        // at this length; 12 % is beyond five of the standard errors seen over many seeds.
        for (phi, seed) in [(0.0, 1), (0.5, 2), (0.9, 3), (-0.4, 4)] {
            let x = autoregressive(phi, 4, 20_000, seed);
            let exact = x.len() as f64 * (1.0 - phi) / (1.0 + phi);
            for (name, f) in
                [("bulk", ess_bulk as fn(Draws<'_>) -> f64), ("mean", ess_mean), ("raw", ess_raw)]
            {
                let ess = f(Draws::new(&x, 4));
                assert!((ess / exact - 1.0).abs() < 0.12, "{name}, phi = {phi}: {ess} against {exact}");
            }
        }
    }

    #[test]
    fn few_lags_give_the_same_as_all_lags() {
        for (phi, seed, few_are_enough) in [(0.2, 1, true), (0.999, 2, false)] {
            let x = autoregressive(phi, 1, 3000, seed);
            let (mut engine, mut acov) = (Autocovariance::new(), Vec::new());
            engine.averaged(&x, 3000, 3000, &mut acov);
            assert_eq!(geyer_time(acov[..157].iter().copied(), 3000, acov[0]).is_some(), few_are_enough);
            let all = 3000.0 / geyer_time(acov.iter().copied(), 3000, acov[0]).unwrap();
            assert!((ess_raw(Draws::new(&x, 1)) / all - 1.0).abs() < 1e-10);
        }
    }

    #[test]
    fn indicators_by_counting_and_by_transforms_agree() {
        // Few lags, more than are counted, chains that disagree, and ties; odd lengths lose a draw of each chain.
        for (phi, shift, n) in
            [(0.2, 0.0, 1000), (0.99, 0.0, 1001), (0.9995, 0.0, 4000), (0.5, 3.0, 501), (0.5, 0.0, 4)]
        {
            let mut x = autoregressive(phi, 3, n, 6);
            x[n..].iter_mut().for_each(|v| *v = (*v + shift * 20.0).round() / 20.0);
            let draws = Draws::new(&x, 3);
            let mut split = Vec::new();
            draws.split_into(&mut split);
            let mut sorted = x.clone();
            sorted.sort_by(f64::total_cmp);
            for p in [0.0, 0.05, 0.3, 0.5, 0.95, 1.0] {
                let quantile = super::super::ranks::sorted_quantile(&sorted, p);
                let series: Vec<f64> = split.iter().map(|v| f64::from(u8::from(*v <= quantile))).collect();
                let slow = effective_size(&series, n / 2, &mut Autocovariance::new(), &mut Vec::new());
                let fast = ess_quantile(draws, p);
                assert!((fast / slow - 1.0).abs() < 1e-9, "phi = {phi}, p = {p}: {fast} is not {slow}");
            }
        }
    }

    #[test]
    fn chains_that_disagree_have_few_effective_draws() {
        let x: Vec<f64> = autoregressive(0.0, 4, 500, 9)
            .iter()
            .enumerate()
            .map(|(i, v)| v + (i / 500) as f64 * 5.0)
            .collect();
        assert!(ess_bulk(Draws::new(&x, 4)) < 10.0);
    }

    #[test]
    fn an_antithetic_chain_is_bounded() {
        // x' = -x: tau would be zero or below; the bound is 1/log10(mn).
        let x: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!((ess_raw(Draws::new(&x, 1)) - 3000.0).abs() < 1e-9);
    }

    #[test]
    fn rules_for_nan_short_and_constant_input() {
        let mut x = autoregressive(0.3, 2, 10, 5);
        for f in [ess_bulk, ess_tail, ess_mean, ess_sd, ess_raw] {
            assert!(f(Draws::new(&x, 2)).is_finite());
            assert!(f(Draws::new(&x[..6], 2)).is_nan());
            assert!(f(Draws::new(&[], 2)).is_nan());
            assert_eq!(f(Draws::new(&[0.1; 40], 4)), 40.0);
        }
        assert!(ess_quantile(Draws::new(&x, 2), 1.5).is_nan());
        x[3] = f64::NAN;
        for f in [ess_bulk, ess_tail, ess_mean, ess_sd, ess_raw] {
            assert!(f(Draws::new(&x, 2)).is_nan());
        }
        x[3] = f64::INFINITY;
        assert!(ess_mean(Draws::new(&x, 2)).is_nan() && ess_bulk(Draws::new(&x, 2)).is_finite());
    }
}
