//! How good and how complete draws of many narrow modes are: high-quality share, modes covered, their widths, and how evenly they are met.
//!
//! A draw belongs to the nearest mode (in units of its standard deviation `sigma_k`), and is of high quality where `norm(x - mu_k) < r sigma_k`, with `r^2` a quantile of the chi-square law of as many degrees as
//! coordinates, or `r` itself given (2 and 4 are usual). A mode is covered by a least number of such draws. The standard deviation of a covered mode is pooled over coordinates,
//! `sqrt(sum norm(x - mean_k)^2 / (d (n_k - 1)))`, and averaged over modes. The Jensen-Shannon divergence is that between the shares of modes and of all other draws, and the weights of modes and zero.
//! Papers differ in the rule [azadi2019discriminator] [turner2019mhgan]; each is an option, and a result means little without it. One draw is never counted for two modes, as it is by
//! code that tests every mode alone where they overlap.

use serde::{Deserialize, Serialize};

use super::{jensen_shannon, kullback_leibler};
use crate::math::chi_square_quantile;
use crate::{Batch, ConfigError, range};

/// How near to a mode a draw of high quality is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeRadius {
    /// So far as this share of a Gaussian mode's own draws lies.
    Quantile(f64),
    /// So many standard deviations.
    Deviations(f64),
}

/// When a mode is covered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeastPerMode {
    /// By so many draws of high quality.
    Draws(usize),
    /// By this share of what it would get by its weight.
    ShareOfExpected(f64),
}

/// The rules of [`ModeRates`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeRateOptions {
    /// How near a draw must be.
    pub radius: ModeRadius,
    /// How many of them cover a mode.
    pub least: LeastPerMode,
}

impl Default for ModeRateOptions {
    fn default() -> Self {
        Self { radius: ModeRadius::Quantile(0.999), least: LeastPerMode::Draws(1) }
    }
}

/// Modes that are known: round Gaussians.
#[derive(Clone, Copy, Debug)]
pub struct RoundModes<'a> {
    /// One centre per row.
    pub centres: Batch<'a>,
    /// The standard deviation of each in every direction.
    pub deviations: &'a [f64],
    /// Their weights; `None` for equal ones.
    pub weights: Option<&'a [f64]>,
}

/// What draws are worth among known modes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModeRates {
    /// Draws.
    pub n: usize,
    /// Share of draws near a mode.
    pub high_quality: f64,
    /// Its standard error, if draws are independent.
    pub standard_error: f64,
    /// Modes covered.
    pub covered: usize,
    /// All modes.
    pub n_modes: usize,
    /// Draws of high quality in each mode.
    pub counts: Vec<usize>,
    /// Standard deviation of a mode's draws, the mean over covered modes with two draws or more; `None` without such a mode.
    pub mode_sd: Option<f64>,
    /// Jensen-Shannon divergence from the modes' weights, all other draws being one more outcome that should not occur.
    pub jsd: f64,
    /// The same among draws of high quality only; `None` without any.
    pub jsd_of_modes: Option<f64>,
    /// `KL(shares, weights)` among draws of high quality only; `None` without any.
    pub kl_of_modes: Option<f64>,
}

impl ModeRates {
    /// Counts draws (`rows x dim`). One with a number that is not finite is near no mode.
    ///
    /// # Errors
    /// When there are no draws or modes, numbers or coordinates do not agree, or an option or a mode cannot be used.
    pub fn of(x: Batch<'_>, modes: RoundModes<'_>, options: ModeRateOptions) -> Result<Self, ConfigError> {
        modes.check(x)?;
        let weights = modes.normalised_weights();
        let radius = options.radius(x.dim())?;
        let n_modes = weights.len();
        let mut sums = vec![Moments::new(x.dim()); n_modes];
        for row in x.iter() {
            let (mode, distance) = modes.nearest(row);
            if distance < radius {
                sums[mode].add(row);
            }
        }
        let n = x.rows() as f64;
        let least = |weight: f64| match options.least {
            LeastPerMode::Draws(least) => least as f64,
            LeastPerMode::ShareOfExpected(share) => share * weight * n,
        };
        let counts: Vec<usize> = sums.iter().map(|s| s.n).collect();
        // A mode without a draw is never covered, however little is asked for.
        let covers: Vec<bool> =
            counts.iter().zip(&weights).map(|(c, w)| *c > 0 && *c as f64 >= least(*w)).collect();
        let widths: Vec<f64> =
            sums.iter().zip(&covers).filter(|(s, c)| **c && s.n > 1).map(|(s, _)| s.deviation()).collect();
        let good: usize = counts.iter().sum();
        let high_quality = good as f64 / n;
        let shares = |of: f64| counts.iter().map(|c| *c as f64 / of).collect::<Vec<_>>();
        let with_rest = |mut shares: Vec<f64>, rest: f64| {
            shares.push(rest);
            shares
        };
        let of_modes = (good > 0).then(|| shares(good as f64));
        Ok(Self {
            n: x.rows(),
            high_quality,
            standard_error: (high_quality * (1.0 - high_quality) / n).sqrt(),
            covered: covers.iter().filter(|c| **c).count(),
            n_modes,
            mode_sd: (!widths.is_empty()).then(|| widths.iter().sum::<f64>() / widths.len() as f64),
            jsd: jensen_shannon(
                &with_rest(shares(n), (x.rows() - good) as f64 / n),
                &with_rest(weights.clone(), 0.0),
            ),
            jsd_of_modes: of_modes.as_ref().map(|shares| jensen_shannon(shares, &weights)),
            kl_of_modes: of_modes.as_ref().map(|shares| kullback_leibler(shares, &weights)),
            counts,
        })
    }
}

impl RoundModes<'_> {
    fn check(&self, x: Batch<'_>) -> Result<(), ConfigError> {
        range::at_least("draws", x.rows(), 1)?;
        let n_modes = self.centres.rows();
        range::at_least("modes", n_modes, 1)?;
        if x.dim() != self.centres.dim() {
            let reason = format!("modes have {} coordinates", self.centres.dim());
            return Err(ConfigError::new("draws", format!("of {} coordinates", x.dim()), reason));
        }
        for (key, numbers) in [("deviations", Some(self.deviations)), ("weights", self.weights)] {
            let Some(numbers) = numbers else { continue };
            if numbers.len() != n_modes {
                let reason = format!("each of the {n_modes} modes has one");
                return Err(ConfigError::new(key, format!("{} numbers", numbers.len()), reason));
            }
            numbers.iter().enumerate().try_for_each(|(k, v)| range::positive(&format!("{key}[{k}]"), *v))?;
        }
        Ok(())
    }

    fn normalised_weights(&self) -> Vec<f64> {
        let n = self.centres.rows();
        let Some(weights) = self.weights else { return vec![1.0 / n as f64; n] };
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| w / sum).collect()
    }

    /// The nearest mode and its distance in standard deviations; NaN for a draw that is none.
    fn nearest(&self, x: &[f64]) -> (usize, f64) {
        let mut best = (0, f64::NAN);
        for (k, (centre, sd)) in self.centres.iter().zip(self.deviations).enumerate() {
            let square: f64 = centre.iter().zip(x).map(|(c, x)| ((x - c) / sd).powi(2)).sum();
            // Also true of the first, before which there is none.
            if square < best.1 || best.1.is_nan() {
                best = (k, square);
            }
        }
        (best.0, best.1.sqrt())
    }
}

impl ModeRateOptions {
    /// How many standard deviations a draw may be off.
    fn radius(&self, dim: usize) -> Result<f64, ConfigError> {
        if let LeastPerMode::ShareOfExpected(share) = self.least {
            range::positive("least_share", share)?;
        }
        match self.radius {
            ModeRadius::Quantile(p) => {
                range::open_share("quantile", p)?;
                Ok(chi_square_quantile(p, dim as f64).sqrt())
            }
            ModeRadius::Deviations(r) => {
                range::positive("deviations", r)?;
                Ok(r)
            }
        }
    }
}

/// Mean and squared distance from it, by Welford's recursion.
#[derive(Clone)]
struct Moments {
    n: usize,
    mean: Vec<f64>,
    squares: f64,
}

impl Moments {
    fn new(dim: usize) -> Self {
        Self { n: 0, mean: vec![0.0; dim], squares: 0.0 }
    }

    fn add(&mut self, x: &[f64]) {
        self.n += 1;
        for (mean, x) in self.mean.iter_mut().zip(x) {
            let off = x - *mean;
            *mean += off / self.n as f64;
            self.squares += off * (x - *mean);
        }
    }

    fn deviation(&self) -> f64 {
        (self.squares / (self.mean.len() * (self.n - 1)) as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{ExactSampler, Grid25Config, GridMixtureConfig, Modes, Target};
    use crate::{Points, Stream};

    fn grid(dim: usize) -> (crate::density::GaussianMixture, Modes) {
        let target = match dim {
            2 => Grid25Config::default().build().unwrap(),
            _ => GridMixtureConfig { dim, ..Default::default() }.build().unwrap(),
        };
        let modes = target.facts().modes.unwrap();
        (target, modes)
    }

    fn round(modes: &Modes) -> RoundModes<'_> {
        RoundModes {
            centres: modes.centres.as_batch(),
            deviations: modes.deviations.as_deref().unwrap(),
            weights: None,
        }
    }

    #[test]
    fn exact_draws_have_the_rates_that_the_rule_says() {
        for dim in [2, 5] {
            let (target, modes) = grid(dim);
            let x = target.sample_rows(&mut Stream::new(1, 0), 20_000, dim);
            for radius in
                [ModeRadius::Quantile(0.999), ModeRadius::Quantile(0.95), ModeRadius::Deviations(2.0)]
            {
                let want = match radius {
                    ModeRadius::Quantile(p) => p,
                    ModeRadius::Deviations(r) => 1.0 - crate::math::chi_square_tail(r * r, dim as f64),
                };
                let options = ModeRateOptions { radius, ..Default::default() };
                let rates = ModeRates::of(x.as_batch(), round(&modes), options).unwrap();
                let error = (want * (1.0 - want) / 20_000.0f64).sqrt();
                assert!((rates.high_quality - want).abs() < 5.0 * error, "{dim} {radius:?} {rates:?}");
                assert_eq!((rates.covered, rates.n_modes), (modes.centres.rows(), modes.centres.rows()));
                if radius == ModeRadius::Quantile(0.999) {
                    // sd / sqrt(2 d n) of a mode's, averaged over modes; the cut tail takes less than 1 %.
                    assert!((rates.mode_sd.unwrap() / 0.05 - 1.0).abs() < 0.01, "{rates:?}");
                    // K - 1 of a chi-square over 8 n, as for a likelihood ratio.
                    let expected = (rates.n_modes as f64 - 1.0) / (8.0 * 20_000.0);
                    let jsd = rates.jsd_of_modes.unwrap();
                    assert!(jsd < 2.5 * expected && jsd > 0.3 * expected, "{jsd} {expected}");
                }
            }
        }
    }

    #[test]
    fn missing_modes_and_noise_are_seen() {
        let (target, modes) = grid(2);
        let mut x = target.sample_rows(&mut Stream::new(2, 0), 10_000, 2);
        // Those of the left half go to the first mode on the right, and a fifth becomes noise between modes.
        let mut stream = Stream::new(3, 0);
        for row in x.as_batch_mut().iter_mut() {
            if row[0] < -0.5 {
                row[0] += 2.0;
            }
            if stream.uniform() < 0.2 {
                row[0] += 0.5;
            }
        }
        let rates = ModeRates::of(x.as_batch(), round(&modes), ModeRateOptions::default()).unwrap();
        assert_eq!(rates.covered, 15);
        assert!((rates.high_quality - 0.8 * 0.999).abs() < 5.0 * 0.004, "{rates:?}");
        // Two columns have two fifths each, one has a fifth: by hand.
        let shares: Vec<f64> = (0..25).map(|k| [0.0, 0.0, 2.0, 2.0, 1.0][k / 5] / 25.0).collect();
        let want = jensen_shannon(&shares, &[0.04; 25]);
        assert!((rates.jsd_of_modes.unwrap() - want).abs() < 0.01, "{rates:?} {want}");
        assert!(rates.jsd > want + 0.05);
        // A quarter of what is expected: 100 draws; the first row of 25 counts lost all.
        let strict = ModeRateOptions { least: LeastPerMode::ShareOfExpected(0.9), ..Default::default() };
        assert_eq!(ModeRates::of(x.as_batch(), round(&modes), strict).unwrap().covered, 10);
    }

    #[test]
    fn by_hand() {
        let centres = Points::from_rows(&[[0.0], [10.0]]);
        let modes =
            RoundModes { centres: centres.as_batch(), deviations: &[1.0, 2.0], weights: Some(&[3.0, 1.0]) };
        let x = Points::from_rows(&[[0.5], [-0.5], [13.0], [4.1], [f64::NAN], [f64::INFINITY]]);
        let options = ModeRateOptions { radius: ModeRadius::Deviations(2.0), least: LeastPerMode::Draws(2) };
        let rates = ModeRates::of(x.as_batch(), modes, options).unwrap();
        // 4.1 is nearer to 10 in deviations (2.95) than to 0 (4.1), and near to neither.
        assert_eq!((rates.counts.as_slice(), rates.covered), (&[2, 1][..], 1));
        assert!((rates.mode_sd.unwrap() - 0.5f64.sqrt()).abs() < 1e-15 && rates.high_quality == 0.5);
        let want = jensen_shannon(&[2.0 / 6.0, 1.0 / 6.0, 0.5], &[0.75, 0.25, 0.0]);
        assert!((rates.jsd - want).abs() < 1e-15);
        let nowhere = ModeRates::of(Points::from_rows(&[[100.0]]).as_batch(), modes, options).unwrap();
        assert_eq!((nowhere.jsd_of_modes, nowhere.mode_sd, nowhere.covered), (None, None, 0));
        assert!((nowhere.jsd - 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let centres = Points::from_rows(&[[0.0], [10.0]]);
        let modes = |deviations| RoundModes { centres: centres.as_batch(), deviations, weights: None };
        let x = Points::from_rows(&[[0.0]]);
        let refused = |x: &Points, modes: RoundModes<'_>, radius| {
            let options = ModeRateOptions { radius, ..Default::default() };
            ModeRates::of(x.as_batch(), modes, options).unwrap_err().key
        };
        let usual = ModeRadius::Quantile(0.999);
        assert_eq!(refused(&x, modes(&[1.0]), usual), "deviations");
        assert_eq!(refused(&x, modes(&[1.0, f64::NAN]), usual), "deviations[1]");
        assert_eq!(refused(&Points::from_rows(&[[0.0, 1.0]]), modes(&[1.0, 1.0]), usual), "draws");
        assert_eq!(refused(&Points::zeros(0, 1), modes(&[1.0, 1.0]), usual), "draws");
        assert_eq!(refused(&x, modes(&[1.0, 1.0]), ModeRadius::Quantile(1.0)), "quantile");
        assert_eq!(refused(&x, modes(&[1.0, 1.0]), ModeRadius::Deviations(0.0)), "deviations");
    }
}
