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
use super::moments::mean;
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

#[cfg(test)]
mod tests {
    use super::super::autocovariance::Autocovariance;
    use super::super::geyer::{effective_size, tests::autoregressive};
    use super::*;

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
