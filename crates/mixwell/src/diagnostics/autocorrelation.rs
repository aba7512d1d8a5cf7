//! Autocorrelation against lag, and the integrated autocorrelation time read off it.
//!
//! `rho_t = acov_t / acov_0`, each chain centred by its own mean, autocovariances averaged over chains. Integrated time
//! `tau(M) = 1 + 2 (rho_1 + .. + rho_M)` at the smallest window `M >= 5 tau(M)` (Sokal 1997): a mean over `n` draws is
//! as precise as one over `n / tau` independent draws. Geyer's rule, behind [`ess_mean`](super::ess_mean), needs no
//! window and sees chains that disagree; this one is here because papers plot it.

use super::Draws;
use super::workspace::with_workspace;

/// Autocorrelation at lags `0..n_draws`, averaged over chains. All NaN if a draw is NaN or no chain moves; large lags
/// are mostly noise.
pub fn autocorrelation(draws: Draws<'_>) -> Vec<f64> {
    if draws.n_draws() == 0 {
        return Vec::new();
    }
    if draws.chains().all(super::moments::is_constant) {
        return vec![f64::NAN; draws.n_draws()];
    }
    with_workspace(|w| {
        let acov = w.autocovariance(draws);
        acov.iter().map(|a| a / acov[0]).collect()
    })
}

/// An integrated autocorrelation time and the window it was summed over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntegratedTime {
    /// `tau`, in draws. One for independent draws.
    pub tau: f64,
    /// The window `M`.
    pub window: usize,
    /// Whether `M >= 5 tau` was reached. If not, the chains are too short and `tau` is a guess from below.
    pub reached: bool,
}

/// Integrated autocorrelation time of an autocorrelation sequence that starts at lag zero.
///
/// ```
/// use mixwell::diagnostics::integrated_time;
/// let rho: Vec<f64> = (0..100).map(|t| 0.5f64.powi(t)).collect();
/// let time = integrated_time(&rho); // (1 + 0.5) / (1 - 0.5) = 3
/// assert!((time.tau - 3.0).abs() < 1e-3 && time.window == 15);
/// ```
pub fn integrated_time(rho: &[f64]) -> IntegratedTime {
    let mut tau = 1.0;
    for (window, r) in rho.iter().enumerate() {
        if window > 0 {
            tau += 2.0 * r;
        }
        if window as f64 >= 5.0 * tau && window > 0 {
            return IntegratedTime { tau, window, reached: true };
        }
    }
    let tau = if rho.is_empty() { f64::NAN } else { tau };
    IntegratedTime { tau, window: rho.len().saturating_sub(1), reached: false }
}

/// Mean, smallest and largest autocorrelation over coordinates, at each lag: the curve with its band.
#[derive(Clone, Debug, PartialEq)]
pub struct AutocorrelationBand {
    /// Mean over coordinates, from lag zero.
    pub mean: Vec<f64>,
    /// Smallest over coordinates.
    pub min: Vec<f64>,
    /// Largest over coordinates.
    pub max: Vec<f64>,
}

/// The band of the autocorrelations of several scalars at lags `0..n_lags`, cut to the shortest of them.
pub fn autocorrelation_band(variables: &[Draws<'_>], n_lags: usize) -> AutocorrelationBand {
    let curves: Vec<Vec<f64>> = variables.iter().map(|d| autocorrelation(*d)).collect();
    let n = curves.iter().map(Vec::len).min().unwrap_or(0).min(n_lags);
    let over = |f: fn(f64, f64) -> f64, start: f64| -> Vec<f64> {
        (0..n).map(|t| curves.iter().map(|c| c[t]).fold(start, f)).collect()
    };
    let count = curves.len() as f64;
    AutocorrelationBand {
        mean: over(|a, b| a + b, 0.0).into_iter().map(|s| s / count).collect(),
        min: over(f64::min, f64::INFINITY),
        max: over(f64::max, f64::NEG_INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn autoregressive(phi: f64, n: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, 0);
        let mut x = 0.0;
        (0..n)
            .map(|_| {
                x = phi * x + stream.normal();
                x
            })
            .collect()
    }

    #[test]
    fn autoregressive_chains_have_the_time_of_theory() {
        // tau = (1 + phi)/(1 - phi). Its standard error is about tau sqrt(2 (2 M + 1)/n) with M = 5 tau (Sokal 1997).
        for (phi, seed) in [(0.0, 1), (0.6, 2), (0.9, 3)] {
            let x = autoregressive(phi, 200_000, seed);
            let exact = (1.0 + phi) / (1.0 - phi);
            let time = integrated_time(&autocorrelation(Draws::new(&x, 1)));
            let error = exact * (2.0 * (10.0 * exact + 1.0) / 200_000.0).sqrt();
            assert!(
                time.reached && (time.tau - exact).abs() < 5.0 * error,
                "{phi}: {time:?} against {exact}"
            );
        }
    }

    #[test]
    fn a_period_shows_in_the_curve() {
        // Period four, biased form: rho_4 = (n - 4)/n.
        let x: Vec<f64> = (0..400).map(|t| [1.0, 0.0, -1.0, 0.0][t % 4]).collect();
        let rho = autocorrelation(Draws::new(&x, 1));
        assert!((rho[0] - 1.0).abs() < 1e-12 && (rho[4] - 0.99).abs() < 1e-12 && rho[1].abs() < 1e-12);
    }

    #[test]
    fn nothing_to_correlate() {
        assert!(autocorrelation(Draws::new(&[2.0; 9], 3)).iter().all(|r| r.is_nan()));
        assert!(autocorrelation(Draws::new(&[1.0, f64::NAN, 3.0, 4.0], 1)).iter().all(|r| r.is_nan()));
        assert!(autocorrelation(Draws::new(&[], 1)).is_empty());
        assert!(integrated_time(&[]).tau.is_nan());
        assert!(!integrated_time(&[1.0, 0.9, 0.8]).reached);
    }

    #[test]
    fn the_band_encloses_the_mean() {
        let (a, b) = (autoregressive(0.9, 500, 4), autoregressive(0.1, 400, 5));
        let band = autocorrelation_band(&[Draws::new(&a, 1), Draws::new(&b, 1)], 30);
        assert_eq!((band.mean.len(), band.min.len()), (30, 30));
        for t in 0..30 {
            assert!(band.min[t] <= band.mean[t] && band.mean[t] <= band.max[t]);
        }
    }
}
