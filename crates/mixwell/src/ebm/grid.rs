//! A law in the plane on a grid: its normaliser by quadrature, what lies where, and how far it is from the truth.
//!
//! `Z` is the midpoint rule on `n x n` cells of a box, in the log domain, done again with cells of half the width: the difference is
//! the error that is told. The box must hold the law: the share of mass in its outermost cells says whether it does.

use rayon::prelude::*;

use crate::density::{EvaluationError, Modes, Target};
use crate::math::log_sum_exp;
use crate::{Batch, ConfigError, range};

/// Share of the mass in the outermost cells beyond which the law does not fit into the box.
const MOST_AT_THE_EDGE: f64 = 1e-3;

/// A box in the plane, cut into `n x n` cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    low: [f64; 2],
    high: [f64; 2],
    n: usize,
}

/// A law on a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridDensity {
    grid: Grid,
    /// `log_prob` at the middle of every cell, `n x n`, the second coordinate moving fastest.
    log_prob: Vec<f64>,
    log_evidence: f64,
    error: f64,
}

impl Grid {
    /// Cells of a box.
    ///
    /// # Errors
    /// When an end is not finite, the box is empty, or there are no cells or more than 4000 on a side.
    pub fn new(low: [f64; 2], high: [f64; 2], n: usize) -> Result<Self, ConfigError> {
        range::within("cells", n, 2, 4000)?;
        for j in 0..2 {
            range::finite("low", low[j])?;
            range::above("high", high[j], low[j])?;
        }
        Ok(Self { low, high, n })
    }

    /// A box around points, `margin` times their extent wider on every side.
    ///
    /// # Errors
    /// When the points are not in the plane, or [`Grid::new`] refuses their box.
    pub fn around(points: Batch<'_>, margin: f64, n: usize) -> Result<Self, ConfigError> {
        if points.dim() != 2 || points.rows() == 0 {
            let value = format!("{} points of {} coordinates", points.rows(), points.dim());
            return Err(ConfigError::new("grid", value, "a grid lies in the plane"));
        }
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for x in points.iter() {
            for j in 0..2 {
                (low[j], high[j]) = (low[j].min(x[j]), high[j].max(x[j]));
            }
        }
        for j in 0..2 {
            let width = margin * (high[j] - low[j]);
            (low[j], high[j]) = (low[j] - width, high[j] + width);
        }
        Self::new(low, high, n)
    }

    /// Cells on a side.
    pub fn cells(&self) -> usize {
        self.n
    }

    /// The lower corner of the box.
    pub fn low(&self) -> [f64; 2] {
        self.low
    }

    /// The upper corner of the box.
    pub fn high(&self) -> [f64; 2] {
        self.high
    }

    /// The middle of cell `i` (first coordinate), `j` (second).
    pub fn middle(&self, i: usize, j: usize) -> [f64; 2] {
        [(0, i), (1, j)].map(|(axis, place)| {
            let width = (self.high[axis] - self.low[axis]) / self.n as f64;
            self.low[axis] + (place as f64 + 0.5) * width
        })
    }

    /// The logarithm of the area of a cell.
    pub fn log_cell(&self) -> f64 {
        (0..2).map(|j| ((self.high[j] - self.low[j]) / self.n as f64).ln()).sum()
    }

    fn evaluate(&self, target: &dyn Target) -> Result<Vec<f64>, EvaluationError> {
        let n = self.n;
        let mut log_prob = vec![0.0; n * n];
        log_prob.par_chunks_mut(n).enumerate().try_for_each(|(i, row)| {
            let points: Vec<f64> = (0..n).flat_map(|j| self.middle(i, j)).collect();
            target.log_prob(Batch::new(&points, 2), row)
        })?;
        Ok(log_prob)
    }

    /// The law on this grid.
    ///
    /// # Errors
    /// When the target cannot be evaluated.
    ///
    /// # Panics
    /// When it is not in the plane.
    pub fn density(&self, target: &dyn Target) -> Result<GridDensity, EvaluationError> {
        assert_eq!(target.dim(), 2, "a grid lies in the plane");
        let log_prob = self.evaluate(target)?;
        let fine = Self { n: 2 * self.n, ..*self };
        let log_evidence = log_sum_exp(&fine.evaluate(target)?) + fine.log_cell();
        let coarse = log_sum_exp(&log_prob) + self.log_cell();
        Ok(GridDensity { grid: *self, log_prob, log_evidence, error: (log_evidence - coarse).abs() })
    }
}

impl GridDensity {
    /// The grid.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// `log_prob` at the middle of every cell, not normalised; `n x n`, the second coordinate moving fastest.
    pub fn log_prob(&self) -> &[f64] {
        &self.log_prob
    }

    /// `ln Z`, by the finer of two rules.
    pub fn log_evidence(&self) -> f64 {
        self.log_evidence
    }

    /// Difference between the two rules.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Share of the mass in the outermost cells: near zero where the box holds the law.
    pub fn edge_share(&self) -> f64 {
        let n = self.grid.n;
        let total = log_sum_exp(&self.log_prob);
        let at_edge = |k: &usize| [k / n, k % n].iter().any(|i| *i == 0 || *i == n - 1);
        (0..n * n).filter(at_edge).map(|k| (self.log_prob[k] - total).exp()).sum()
    }

    /// Whether the box holds the law: false also where the share at the edge is no number.
    pub fn fits(&self) -> bool {
        self.edge_share() <= MOST_AT_THE_EDGE
    }

    /// Share of the mass that is nearest to each mode.
    pub fn mode_shares(&self, modes: &Modes) -> Vec<f64> {
        let n = self.grid.n;
        let total = log_sum_exp(&self.log_prob);
        let mut shares = vec![0.0; modes.centres.rows()];
        for (k, log_prob) in self.log_prob.iter().enumerate() {
            shares[modes.nearest(&self.grid.middle(k / n, k % n))] += (log_prob - total).exp();
        }
        shares
    }
}

/// How a learned law differs from the true one, at draws of the true one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Median of the squared difference of the two normalised log-densities.
    pub median_squared: f64,
    /// Mean difference, true less learned: estimates the Kullback-Leibler divergence of the learned law from the true one.
    pub divergence: f64,
    /// Its standard error.
    pub divergence_error: f64,
}

/// Compares a learned law, whose `ln Z` is known, with the true one, which is normalised up to its stated evidence, at draws of the
/// true one.
///
/// # Errors
/// When one of them cannot be evaluated.
pub fn distance(
    learned: &dyn Target,
    log_evidence: f64,
    truth: &dyn Target,
    draws: Batch<'_>,
) -> Result<Distance, EvaluationError> {
    let n = draws.rows();
    let (mut p, mut q) = (vec![0.0; n], vec![0.0; n]);
    truth.log_prob(draws, &mut p)?;
    learned.log_prob(draws, &mut q)?;
    let true_evidence = truth.facts().log_evidence.unwrap_or(0.0);
    let off: Vec<f64> = p.iter().zip(&q).map(|(p, q)| p - true_evidence - (q - log_evidence)).collect();
    let mut squares: Vec<f64> = off.iter().map(|d| d * d).collect();
    squares.sort_by(f64::total_cmp);
    let mean = off.iter().sum::<f64>() / n as f64;
    let variance = off.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
    Ok(Distance {
        median_squared: 0.5 * (squares[(n - 1) / 2] + squares[n / 2]),
        divergence: mean,
        divergence_error: (variance / n as f64).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::density::{TwoModesConfig, from_fn};

    #[test]
    fn a_mixture_has_its_evidence_and_its_shares() {
        let target = TwoModesConfig::default().build().unwrap();
        let same = target.clone();
        let scaled = from_fn(2, move |x: &[f64]| same.log_prob_at(x).unwrap() + 2.5);
        let density = Grid::new([-5.0; 2], [5.0; 2], 200).unwrap().density(&scaled).unwrap();
        assert!((density.log_evidence() - 2.5).abs() < 1e-9 && density.error() < 1e-6, "{}", density.error());
        assert!(density.edge_share() < 1e-12 && density.fits());
        let shares = density.mode_shares(&target.facts().modes.unwrap());
        assert!((shares[0] - 1.0 / 3.0).abs() < 1e-6 && (shares[1] - 2.0 / 3.0).abs() < 1e-6, "{shares:?}");
        // A box that cuts a mode off says so.
        let cut = Grid::new([-5.0; 2], [1.5; 2], 100).unwrap().density(&scaled).unwrap();
        assert!(cut.edge_share() > 1e-3 && !cut.fits(), "{}", cut.edge_share());
    }

    #[test]
    fn the_distance_of_two_gaussians_is_the_closed_form() {
        // Means 0 and (.5, 0), unit covariance: log p - log q = .125 - .5 x: KL .125, squared median over x ~ N(0, 1).
        let gaussian = |mean: f64| {
            from_fn(2, move |x: &[f64]| {
                -0.5 * ((x[0] - mean).powi(2) + x[1] * x[1]) - std::f64::consts::TAU.ln()
            })
        };
        let mut draws = crate::Points::zeros(40_000, 2);
        Stream::new(2, 0).fill_normal(draws.data_mut());
        let d = distance(&gaussian(0.5), 0.0, &gaussian(0.0), draws.as_batch()).unwrap();
        assert!((d.divergence - 0.125).abs() < 5.0 * d.divergence_error, "{d:?}");
        assert!((d.divergence_error - 0.5 / 200.0).abs() < 1e-4, "{d:?}");
        // The median of (.125 - .5 x)^2: |x - .25| has median .695 (numerically), so .1207.
        assert!((d.median_squared - 0.1207).abs() < 0.005, "{d:?}");
    }

    #[test]
    fn boxes_that_are_none_are_refused() {
        assert_eq!(Grid::new([0.0; 2], [0.0, 1.0], 10).unwrap_err().key, "high");
        assert_eq!(Grid::new([0.0; 2], [1.0; 2], 0).unwrap_err().key, "cells");
        assert_eq!(Grid::around(Batch::new(&[1.0], 1), 0.1, 10).unwrap_err().key, "grid");
    }
}
