//! Sliced total variation: how different two samples look along random directions.
//!
//! Along each direction both samples become kernel density estimates `p`, `q` on one grid from `a` to `b`;
//! `TV = (b - a)/2 mean |p - q|`, averaged over directions and chains. Two flavours are in use:
//!
//! - [`ex2mcmc`](SlicedTotalVariation::ex2mcmc) (Samsonov et al. 2022): 25 directions, 1000 places from the smallest to the largest
//!   projection, every kernel evaluated. Its centring of both samples at one mean changes nothing and is left out.
//! - [`flow_mcmc`](SlicedTotalVariation::flow_mcmc) (Grenioux et al. 2023): 128 directions, 2048 places, Fourier transform.
//!
//! Bandwidths: Scott's rule; improved Sheather-Jones for samples with weights. Kernels blur both sides, so values are too small: about
//! 0.035 for independent draws (2000 and 1000), and they depend on the sizes of both samples. Compare with equal sizes only.
//! Differs: with the Fourier transform the grid extends four bandwidths beyond the projections, so that no mass is cut off; a chain that
//! never moved is a point mass and gets 1.

use rayon::prelude::*;

use super::bandwidth::{improved_sheather_jones, scott};
use super::directions::{project, random_directions};
use super::kernel_density::{Convolution, Grid, direct};
use super::sample::{Marginal, Sample};
use crate::Stream;

/// How density estimates are evaluated on the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// Every kernel at every place.
    Direct,
    /// Binned, then convolved by Fourier transform.
    Fourier,
}

/// A sliced total variation; the flavours in use have constructors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlicedTotalVariation {
    /// Number of random directions.
    pub n_directions: usize,
    /// Number of places at which densities are compared.
    pub n_grid: usize,
    /// How densities are evaluated.
    pub evaluation: Evaluation,
}

/// Average over directions and chains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TotalVariation {
    /// Mean over directions and chains.
    pub mean: f64,
    /// Their standard deviation (divisor: their number).
    pub sd: f64,
    /// `sd / sqrt(number)`: how well the mean over directions is known, given the samples.
    pub standard_error: f64,
}

impl SlicedTotalVariation {
    /// 25 directions, 1000 places, kernels evaluated one by one.
    pub fn ex2mcmc() -> Self {
        Self { n_directions: 25, n_grid: 1000, evaluation: Evaluation::Direct }
    }

    /// 128 directions, 2048 places, by Fourier transform.
    pub fn flow_mcmc() -> Self {
        Self { n_directions: 128, n_grid: 2048, evaluation: Evaluation::Fourier }
    }

    /// Compares each chain with the exact sample, along the same directions, which are drawn from `stream`.
    ///
    /// ```
    /// use mixwell::metric::{Sample, SlicedTotalVariation};
    /// use mixwell::{Points, Stream};
    /// let normal = |seed, shift| {
    ///     let mut x = Points::zeros(500, 3);
    ///     Stream::new(seed, 0).fill_normal(x.data_mut());
    ///     x.data_mut().iter_mut().for_each(|v| *v += shift);
    ///     x
    /// };
    /// let (exact, good, bad) = (normal(1, 0.0), normal(2, 0.0), normal(3, 9.0));
    /// let distance = |draws: &Points| {
    ///     let chains = Sample::chains(draws.as_batch(), 5);
    ///     let exact = Sample::equal(exact.as_batch());
    ///     SlicedTotalVariation::ex2mcmc().between(&exact, &chains, &mut Stream::new(0, 0)).mean
    /// };
    /// assert!(distance(&good) < 0.15 && distance(&bad) > 0.8);
    /// ```
    ///
    /// # Panics
    /// When samples differ in dimension, or there are no directions or fewer than two places.
    pub fn between(&self, exact: &Sample<'_>, chains: &[Sample<'_>], stream: &mut Stream) -> TotalVariation {
        assert!(self.n_directions > 0 && self.n_grid > 1, "a direction and two places at least");
        let dim = exact.points().dim();
        assert!(chains.iter().all(|c| c.points().dim() == dim), "samples of different dimension");
        let directions = random_directions(self.n_directions, dim, stream);
        let estimate = match self.evaluation {
            Evaluation::Direct => None,
            Evaluation::Fourier => Some(Convolution::new(self.n_grid)),
        };
        let along = |d: usize| -> Vec<f64> {
            let direction = directions.row(d);
            let truth = project(exact.points(), direction);
            let truth = Marginal { values: &truth, weights: exact.weights() };
            let distance = |chain: &Sample<'_>| {
                let values = project(chain.points(), direction);
                let chain = Marginal { values: &values, weights: chain.weights() };
                distance(truth, chain, self.n_grid, estimate.as_ref())
            };
            chains.iter().map(distance).collect()
        };
        let per_direction: Vec<Vec<f64>> = (0..self.n_directions).into_par_iter().map(along).collect();
        TotalVariation::of(&per_direction.concat())
    }
}

impl TotalVariation {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let sd = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        Self { mean, sd, standard_error: sd / n.sqrt() }
    }
}

/// Total variation between density estimates of two samples of one number.
fn distance(p: Marginal<'_>, q: Marginal<'_>, n_grid: usize, by: Option<&Convolution>) -> f64 {
    let (p_range, q_range) = (p.range(), q.range());
    if p_range.0.is_nan() || q_range.0.is_nan() {
        return f64::NAN;
    }
    let (low, high) = (p_range.0.min(q_range.0), p_range.1.max(q_range.1));
    if low == high {
        return 0.0;
    }
    let (p_width, q_width) = (bandwidth(p), bandwidth(q));
    if p_width == 0.0 || q_width == 0.0 {
        return 1.0;
    }
    let (grid, p, q) = match by {
        None => {
            let grid = Grid::spanning(low, high, n_grid);
            (grid, direct(p, p_width, grid), direct(q, q_width, grid))
        }
        Some(by) => {
            let margin = 4.0 * p_width.max(q_width);
            let grid = Grid::spanning(low - margin, high + margin, n_grid);
            (grid, by.density(p, p_width, grid), by.density(q, q_width, grid))
        }
    };
    let mean = p.iter().zip(&q).map(|(a, b)| (a - b).abs()).sum::<f64>() / n_grid as f64;
    0.5 * mean * grid.step * (n_grid - 1) as f64
}

fn bandwidth(marginal: Marginal<'_>) -> f64 {
    if marginal.weights.is_some() { improved_sheather_jones(marginal) } else { scott(marginal) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    fn normal(rows: usize, dim: usize, seed: u64) -> Points {
        let mut x = Points::zeros(rows, dim);
        Stream::new(seed, 0).fill_normal(x.data_mut());
        x
    }

    fn compare(metric: &SlicedTotalVariation, exact: &Points, draws: &Points) -> TotalVariation {
        let chains = [Sample::equal(draws.as_batch())];
        metric.between(&Sample::equal(exact.as_batch()), &chains, &mut Stream::new(5, 0))
    }

    #[test]
    fn a_shift_by_one_in_one_dimension() {
        // N(0,1) against N(1,1): TV = 2 Phi(1/2) - 1 = 0.3829. Kernels with h = n^(-1/5) = 0.15 widen both to variance 1.0225, which
        // takes 0.0039 off; sampling adds a little. One dimension has one direction, up to sign.
        let exact = normal(13_000, 1, 1);
        let mut shifted = normal(13_000, 1, 2);
        shifted.data_mut().iter_mut().for_each(|x| *x += 1.0);
        for metric in [SlicedTotalVariation::ex2mcmc(), SlicedTotalVariation::flow_mcmc()] {
            let metric = SlicedTotalVariation { n_directions: 2, ..metric };
            let tv = compare(&metric, &exact, &shifted);
            assert!((tv.mean - 0.379).abs() < 0.02, "{metric:?}: {tv:?}");
            assert!(tv.sd < 1e-3);
        }
    }

    #[test]
    fn both_evaluations_agree() {
        let (exact, draws) = (normal(500, 6, 1), normal(500, 6, 2));
        // A grid that reaches a few bandwidths further sees the tails as well: up to some 0.005 more.
        let direct =
            SlicedTotalVariation { evaluation: Evaluation::Direct, ..SlicedTotalVariation::flow_mcmc() };
        let (a, b) =
            (compare(&direct, &exact, &draws), compare(&SlicedTotalVariation::flow_mcmc(), &exact, &draws));
        assert!((a.mean - b.mean).abs() < 0.005, "{a:?}, {b:?}");
    }

    #[test]
    fn disjoint_and_equal_samples() {
        let exact = normal(300, 4, 1);
        let mut far = exact.clone();
        far.data_mut().iter_mut().for_each(|x| *x += 1e3);
        for metric in [SlicedTotalVariation::ex2mcmc(), SlicedTotalVariation::flow_mcmc()] {
            assert_eq!(compare(&metric, &exact, &exact).mean, 0.0);
            let n_grid = 100_000;
            assert!(
                compare(&SlicedTotalVariation { n_directions: 4, n_grid, ..metric }, &exact, &far).mean
                    > 0.99
            );
        }
    }

    #[test]
    fn weights_turn_a_wide_sample_into_the_narrow_one() {
        // Draws from N(0, 2^2 I) with weights N(0,I)/N(0,4I) represent N(0,I); without weights they do not. In two dimensions the
        // mean of w^2 over the square of the mean of w is (16/7), so 8000 draws count as 3500.
        let exact = normal(4000, 2, 1);
        let mut wide = normal(8000, 2, 2);
        wide.data_mut().iter_mut().for_each(|x| *x *= 2.0);
        let log_weight = |x: &[f64]| -0.375 * (x[0] * x[0] + x[1] * x[1]);
        let weights: Vec<f64> = wide.as_batch().iter().map(|x| log_weight(x).exp()).collect();
        let metric = SlicedTotalVariation { n_directions: 16, ..SlicedTotalVariation::flow_mcmc() };
        let weighted = [Sample::weighted(wide.as_batch(), &weights)];
        let exact_sample = Sample::equal(exact.as_batch());
        let with = metric.between(&exact_sample, &weighted, &mut Stream::new(5, 0)).mean;
        let without = compare(&metric, &exact, &wide).mean;
        assert!(with < 0.06 && without > 0.25, "{with} with, {without} without");
    }

    #[test]
    fn a_stuck_chain_is_a_point_and_nan_is_nan() {
        let exact = normal(100, 2, 1);
        let stuck = Points::from_vec(vec![0.5; 40], 2);
        assert_eq!(compare(&SlicedTotalVariation::ex2mcmc(), &exact, &stuck).mean, 1.0);
        let mut broken = normal(100, 2, 2);
        broken.row_mut(3)[1] = f64::NAN;
        assert!(compare(&SlicedTotalVariation::flow_mcmc(), &exact, &broken).mean.is_nan());
    }
}
