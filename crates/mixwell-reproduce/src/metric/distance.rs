//! Distances between draws and the truth: exact draws, an exact density, exact moments.
//!
//! Each chain is compared with its own exact draws. A metric does not apply where the target lacks the truth it needs.

use mixwell::density::Target;
use mixwell::diagnostics::Draws;
use mixwell::metric::{
    Cost, Sample as Points, SlicedTotalVariation, covariance_error, ks_projections,
    mixing_time as mixing_time_of, optimal_transport as optimal_transport_of, total_variation_from_density,
};
use mixwell::rng::DIRECTIONS_STREAM;
use mixwell::{Batch, Stream};

use super::Flavour;
use crate::{Measured, Sample};

/// Per chain: mean over directions.
pub(super) fn sliced_tv(
    sample: &Sample<'_>,
    flavour: Flavour,
    reference: usize,
    limit: usize,
) -> Option<Measured> {
    let metric = match flavour {
        Flavour::Ex2mcmc => SlicedTotalVariation::ex2mcmc(),
        Flavour::FlowMcmc => SlicedTotalVariation::flow_mcmc(),
    };
    per_chain(sample, reference, limit, |exact, chain| {
        let mut directions = Stream::new(sample.seed(), DIRECTIONS_STREAM);
        metric.between(&Points::equal(exact), &[Points::equal(chain)], &mut directions).mean
    })
}

/// Per chain: squared distance of the best pairing with as many exact draws.
pub(super) fn optimal_transport(sample: &Sample<'_>, limit: usize) -> Option<Measured> {
    per_chain(sample, 0, limit, |exact, chain| {
        optimal_transport_of(exact, chain, Cost::SquaredEuclid).expect("as many exact draws as draws")
    })
}

/// Per chain: mean over directions of the Kolmogorov-Smirnov distance.
pub(super) fn ks(sample: &Sample<'_>, n_directions: usize, limit: usize) -> Option<Measured> {
    per_chain(sample, 0, limit, |exact, chain| {
        let mut directions = Stream::new(sample.seed(), DIRECTIONS_STREAM);
        ks_projections(exact, chain, n_directions, &mut directions).mean
    })
}

/// Compares every chain with `reference` exact draws, or with as many as it has when that is zero.
fn per_chain(
    sample: &Sample<'_>,
    reference: usize,
    limit: usize,
    distance: impl Fn(Batch<'_>, Batch<'_>) -> f64,
) -> Option<Measured> {
    let n = if reference == 0 { sample.n_draws() } else { reference };
    let chains = sample.chains(limit).enumerate();
    let values: Option<Vec<f64>> =
        chains.map(|(i, chain)| Some(distance(sample.reference(i, n)?.as_batch(), chain))).collect();
    values.map(Measured::of_chains)
}

/// Relative error of the covariance of all draws.
pub(super) fn covariance(sample: &Sample<'_>) -> Option<Measured> {
    let exact = sample.target.facts().covariance?;
    let dim = sample.rows().dim();
    (exact.len() == dim * dim).then(|| Measured::pooled(covariance_error(sample.rows(), &exact)))
}

/// Steps until the law of the chains is within `epsilon`; the number of draws where it never is. In one dimension only.
pub(super) fn mixing_time(sample: &Sample<'_>, epsilon: f64) -> Option<Measured> {
    let (density, support) = exact_density(sample.target)?;
    let series = sample.series(|row| row[0]);
    let draws = Draws::new(&series, sample.n_chains());
    let steps = mixing_time_of(draws, density, support, epsilon).unwrap_or(sample.n_draws());
    Some(Measured::pooled(steps as f64))
}

/// Total variation between the last draws of all chains and the exact density. In one dimension only.
pub(super) fn final_tv(sample: &Sample<'_>) -> Option<Measured> {
    let (density, support) = exact_density(sample.target)?;
    let last: Vec<f64> =
        (0..sample.n_chains()).map(|c| sample.chain(c).row(sample.n_draws() - 1)[0]).collect();
    Some(Measured::pooled(total_variation_from_density(&last, density, support)))
}

/// The density of a target of one coordinate, and where it lives: twelve standard deviations around its mean.
fn exact_density(target: &dyn Target) -> Option<(impl Fn(f64) -> f64 + '_, (f64, f64))> {
    if target.dim() != 1 {
        return None;
    }
    let facts = target.facts();
    let (mean, sd, log_evidence) = (facts.mean?[0], facts.variance?[0].sqrt(), facts.log_evidence?);
    let density = move |x: f64| {
        let value = target.log_prob_at(&[x]).unwrap_or(f64::NAN);
        (value - log_evidence).exp()
    };
    Some((density, (mean - 12.0 * sd, mean + 12.0 * sd)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::density::{DualMoonConfig, StandardGaussianConfig, TwoModesConfig};

    fn gaussian(dim: usize, mean: f64) -> mixwell::density::Gaussian {
        StandardGaussianConfig { dim, mean, scale: 1.0 }.build().unwrap()
    }

    #[test]
    fn exact_draws_are_at_the_floor_and_shifted_ones_are_not() {
        let (target, shifted) = (gaussian(3, 0.0), gaussian(3, 2.0));
        let mut sample = Sample::exact(&target, 2, 400, 1).unwrap();
        let all = |s: &Sample<'_>| {
            [
                sliced_tv(s, Flavour::Ex2mcmc, 0, 0).unwrap().values,
                sliced_tv(s, Flavour::FlowMcmc, 800, 0).unwrap().values,
                optimal_transport(s, 0).unwrap().values,
                ks(s, 20, 0).unwrap().values,
            ]
        };
        for values in all(&sample) {
            assert!(values.len() == 2 && values.iter().all(|v| *v < 0.4), "{values:?}");
        }
        assert_eq!(optimal_transport(&sample, 1).unwrap().values.len(), 1);
        assert!(covariance(&sample).unwrap().values[0] < 0.15);
        sample.target = &shifted;
        let [ex2, flow, ot, ks] = all(&sample);
        // Shift 2 in each of three coordinates: squared distance 12; along a direction on average about 1.7.
        assert!((ot[0] - 12.0).abs() < 2.0, "{ot:?}");
        for v in ex2.into_iter().chain(flow).chain(ks) {
            assert!(v > 0.3, "{v}");
        }
    }

    #[test]
    fn time_to_mix_in_one_dimension() {
        let target = TwoModesConfig {
            dim: 1,
            centre: 1.0,
            variances: [0.04; 2],
            weights: [1.0; 2],
            last_at_zero: false,
        }
        .build()
        .unwrap();
        let mut sample = Sample::exact(&target, 1000, 3, 1).unwrap();
        assert_eq!(mixing_time(&sample, 0.2).unwrap().values, [0.0]);
        assert!(final_tv(&sample).unwrap().values[0] < 0.1);
        let one_mode = gaussian(1, -1.0);
        sample.target = &one_mode;
        assert_eq!(mixing_time(&sample, 0.2).unwrap().values, [3.0]);
        assert!(final_tv(&sample).unwrap().values[0] > 0.3);
    }

    #[test]
    fn without_the_truth_there_is_no_distance() {
        let (target, moon) = (gaussian(5, 0.0), DualMoonConfig::default().build().unwrap());
        let mut sample = Sample::exact(&target, 1, 10, 1).unwrap();
        sample.target = &moon;
        assert_eq!(covariance(&sample), None);
        assert_eq!(mixing_time(&sample, 0.1), None);
    }
}
