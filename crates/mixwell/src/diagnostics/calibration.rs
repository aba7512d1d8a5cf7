//! Simulation-based calibration: does a sampler draw from the posterior, seen over the whole prior?
//!
//! Draw parameters from the prior, data from the model given them, and `L` independent draws from the posterior given the
//! data. The rank of the prior draw among the posterior draws, `0 ..= L`, is then uniform, for every quantity computed from
//! parameters and data. A wrong density (a forgotten Jacobian, a wrong prior) or a wrong sampler bends the histogram of
//! ranks: a slope is a bias, a valley in the middle says that posteriors come out too narrow, a hill too wide.
//! Uniformity is tested by Pearson's `sum (observed - expected)^2 / expected` over groups of neighbouring ranks.
//! Independent means: thinned until autocorrelation is gone, or one draw from each of `L` chains.
//! Reference: Talts et al. (2018); the log-density as a further quantity: Modrák et al. (2023).

use crate::Batch;
use crate::math::chi_square_tail;

/// Rank of `truth` among `draws`: how many of them are smaller. Ties count half, rounded down: for quantities that
/// take few values, add a little noise first. `None` when a number is NaN.
pub fn rank_among(truth: f64, draws: impl IntoIterator<Item = f64>) -> Option<usize> {
    let (mut below, mut equal, mut broken) = (0, 0, truth.is_nan());
    for draw in draws {
        broken |= draw.is_nan();
        below += usize::from(draw < truth);
        equal += usize::from(draw == truth);
    }
    (!broken).then_some(below + equal / 2)
}

/// Ranks of prior draws among posterior draws, collected over simulations.
///
/// ```
/// use mixwell::diagnostics::Calibration;
/// use mixwell::{Points, Stream};
///
/// // theta ~ N(0, 1), y ~ N(theta, 1): the posterior is N(y/2, 1/2). Here it is drawn exactly.
/// let mut stream = Stream::new(1, 0);
/// let mut calibration = Calibration::new(1, 15);
/// for _ in 0..800 {
///     let theta = stream.normal();
///     let y = theta + stream.normal();
///     let draws: Vec<f64> = (0..15).map(|_| y / 2.0 + stream.normal() / 2f64.sqrt()).collect();
///     calibration.add(&[theta], Points::from_vec(draws, 1).as_batch());
/// }
/// assert!(calibration.uniformity(0, 8).p_value > 1e-4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    n_draws: usize,
    /// Counts of each rank, quantity after quantity.
    counts: Vec<Vec<usize>>,
    unusable: usize,
}

/// How well ranks fit a uniform law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniformity {
    /// Pearson's statistic.
    pub chi_square: f64,
    /// Its degrees of freedom: groups of ranks less one.
    pub degrees: usize,
    /// Probability of a larger statistic if ranks are uniform; NaN when there is nothing to say.
    pub p_value: f64,
}

impl Calibration {
    /// No ranks yet, of `quantities` numbers per simulation among `n_draws` posterior draws.
    pub fn new(quantities: usize, n_draws: usize) -> Self {
        Self { n_draws, counts: vec![vec![0; n_draws + 1]; quantities], unusable: 0 }
    }

    /// Adds a simulation: the quantities of the prior draw, and those of the posterior draws, one row per draw.
    ///
    /// # Panics
    /// When `truth` or `draws` are of another shape than the calibration was made for.
    pub fn add(&mut self, truth: &[f64], draws: Batch<'_>) {
        assert_eq!(truth.len(), self.counts.len(), "one truth per quantity");
        assert_eq!((draws.rows(), draws.dim()), (self.n_draws, truth.len()), "draws of another shape");
        let ranks: Option<Vec<usize>> = truth
            .iter()
            .enumerate()
            .map(|(q, truth)| rank_among(*truth, draws.iter().map(|row| row[q])))
            .collect();
        match ranks {
            Some(ranks) => ranks.into_iter().zip(&mut self.counts).for_each(|(rank, c)| c[rank] += 1),
            None => self.unusable += 1,
        }
    }

    /// Simulations whose ranks are counted.
    pub fn simulations(&self) -> usize {
        self.counts.first().map_or(0, |c| c.iter().sum())
    }

    /// Simulations that had a NaN among their numbers; they are in no histogram, and no test passes while there are any.
    pub fn unusable(&self) -> usize {
        self.unusable
    }

    /// How often each rank `0 ..= n_draws` occurred for a quantity.
    pub fn ranks(&self, quantity: usize) -> &[usize] {
        &self.counts[quantity]
    }

    /// Tests a quantity's ranks for uniformity in `groups` groups of neighbouring ranks, as equal as they can be.
    ///
    /// At least five simulations per group are needed for the p-value to mean what it says. NaN with fewer than two groups, more
    /// groups than ranks, no simulation, or an unusable one.
    pub fn uniformity(&self, quantity: usize, groups: usize) -> Uniformity {
        let (ranks, total) = (self.n_draws + 1, self.simulations() as f64);
        let degrees = groups.saturating_sub(1);
        if groups < 2 || groups > ranks || total == 0.0 || self.unusable > 0 {
            return Uniformity { chi_square: f64::NAN, degrees, p_value: f64::NAN };
        }
        let (mut observed, mut width) = (vec![0.0; groups], vec![0.0; groups]);
        for (rank, count) in self.counts[quantity].iter().enumerate() {
            let group = rank * groups / ranks;
            observed[group] += *count as f64;
            width[group] += 1.0;
        }
        let chi_square = observed
            .iter()
            .zip(&width)
            .map(|(o, w)| {
                let expected = total * w / ranks as f64;
                (o - expected).powi(2) / expected
            })
            .sum();
        Uniformity { chi_square, degrees, p_value: chi_square_tail(chi_square, degrees as f64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Points, Stream};

    #[test]
    fn ranks_count_what_is_smaller() {
        assert_eq!(rank_among(0.5, [0.1, 0.9, 0.4]), Some(2));
        assert_eq!(rank_among(0.5, [0.5, 0.5, 0.5, 0.1]), Some(2));
        assert_eq!(rank_among(f64::INFINITY, [1.0]), Some(1));
        assert_eq!(rank_among(0.5, [f64::NAN]), None);
        assert_eq!(rank_among(f64::NAN, [0.5]), None);
    }

    /// Truths from `N(0, 1)`, draws from `N(shift, scale^2)`.
    fn normal(shift: f64, scale: f64) -> Calibration {
        let mut stream = Stream::new(3, 0);
        let mut calibration = Calibration::new(2, 9);
        for _ in 0..1000 {
            let truth = [stream.normal(), 1.0];
            let draws = (0..9).flat_map(|_| [shift + scale * stream.normal(), stream.uniform() * 2.0]);
            calibration.add(&truth, Points::from_vec(draws.collect(), 2).as_batch());
        }
        calibration
    }

    #[test]
    fn right_draws_pass_and_wrong_ones_do_not() {
        let right = normal(0.0, 1.0);
        assert_eq!((right.simulations(), right.ranks(0).iter().sum::<usize>()), (1000, 1000));
        assert!(right.uniformity(0, 10).p_value > 1e-4);
        // The middle of a uniform law has a binomial rank, not a uniform one.
        assert!(right.uniformity(1, 10).p_value < 1e-10);
        for (shift, scale) in [(0.3, 1.0), (0.0, 0.7), (0.0, 1.4)] {
            assert!(normal(shift, scale).uniformity(0, 10).p_value < 1e-6, "{shift} {scale}");
        }
    }

    #[test]
    fn the_statistic_is_pearsons() {
        // Three ranks in two groups of two and one; expected 4 and 2, found 3 and 3: 1/4 + 1/2.
        let mut c = Calibration::new(1, 2);
        for draws in [[2.0, 2.0], [0.0, 2.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]] {
            c.add(&[1.0], Points::from_vec(draws.to_vec(), 1).as_batch());
        }
        assert_eq!(c.ranks(0), [1, 2, 3]);
        let u = c.uniformity(0, 2);
        assert!((u.chi_square - 0.75).abs() < 1e-14 && u.degrees == 1);
        assert!((u.p_value - libm::erfc((0.375f64).sqrt())).abs() < 1e-13);
    }

    #[test]
    fn what_cannot_be_said_is_nan() {
        let mut c = Calibration::new(1, 2);
        assert!(c.uniformity(0, 2).p_value.is_nan());
        c.add(&[1.0], Points::from_vec(vec![0.0, 2.0], 1).as_batch());
        assert!(c.uniformity(0, 4).p_value.is_nan() && c.uniformity(0, 1).p_value.is_nan());
        assert!(!c.uniformity(0, 3).p_value.is_nan());
        c.add(&[1.0], Points::from_vec(vec![0.0, f64::NAN], 1).as_batch());
        assert_eq!((c.unusable(), c.simulations()), (1, 1));
        assert!(c.uniformity(0, 3).p_value.is_nan());
    }
}
