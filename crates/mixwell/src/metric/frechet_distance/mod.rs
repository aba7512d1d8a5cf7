//! Frechet distance between two sets of features, as if both were Gaussian:
//! `|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2)`, covariances with divisor `n - 1`, all in double precision.
//!
//! With the published Inception network's features it is known as FID [heusel2017gans]; with any other features it is another number and is not
//! called so. The value is the squared distance, as in published tables.
//!
//! `tr (C1 C2)^(1/2)` is the sum of the roots of the eigenvalues of `C1^(1/2) C2 C1^(1/2)`. These roots are the singular values of `C1^(1/2) C2^(1/2)`, and are
//! computed as such: a root of an eigenvalue loses half of the digits where it is small. No root of a matrix that is not symmetric is
//! taken, so nothing has to be added to the covariances, and no imaginary part left out. Eigenvalues that are rounding are zero.
//!
//! The distance of finite sets is too large, by about `c/n` for each: two samples of one law are not at zero. The error and that excess are
//! estimated by leaving out groups of either set (see `jackknife.rs`); `value - bias` is the distance without the excess to first order. With no more
//! rows than features the covariance has no full rank, and neither value nor bias should be believed.

use nalgebra::{DMatrix, DVector, SVD, SymmetricEigen};
use rayon::prelude::*;
use serde::Serialize;

use super::jackknife::{Jackknife, groups};
use crate::Batch;

/// A mean and a covariance.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

impl Moments {
    /// Known moments; the covariance is `dim x dim`, row after row, and symmetric.
    ///
    /// # Panics
    /// When it is not `dim x dim`.
    pub fn new(mean: &[f64], covariance: &[f64]) -> Self {
        assert_eq!(covariance.len(), mean.len() * mean.len(), "a covariance of another dimension");
        let covariance = DMatrix::from_row_slice(mean.len(), mean.len(), covariance);
        Self { mean: DVector::from_column_slice(mean), covariance }
    }

    /// Those of some rows, with divisor `n - 1`: NaN below two.
    pub fn of(rows: Batch<'_>) -> Self {
        let centre = centre(rows);
        Sums::of(rows, &centre).moments(&centre)
    }

    /// The root of the covariance; `None` where a number is not finite.
    fn root(&self) -> Option<DMatrix<f64>> {
        if !self.mean.iter().chain(self.covariance.iter()).all(|v| v.is_finite()) {
            return None;
        }
        let n = self.mean.len();
        let SymmetricEigen { eigenvalues, eigenvectors } =
            SymmetricEigen::try_new(self.covariance.clone(), f64::EPSILON, iterations(n))?;
        let rounding = eigenvalues.max() * n as f64 * f64::EPSILON;
        let roots = eigenvalues.map(|v| if v > rounding { v.sqrt() } else { 0.0 });
        Some(&eigenvectors * DMatrix::from_diagonal(&roots) * eigenvectors.transpose())
    }
}

/// More steps than the iterations for eigenvalues and singular values take, so that they end whatever they are given.
fn iterations(dim: usize) -> usize {
    1000 + 100 * dim
}

/// Moments with the root of their covariance.
struct Rooted {
    moments: Moments,
    root: Option<DMatrix<f64>>,
}

impl Rooted {
    fn new(moments: Moments) -> Self {
        let root = moments.root();
        Self { moments, root }
    }

    fn distance(&self, other: &Self) -> f64 {
        let (Some(a), Some(b)) = (&self.root, &other.root) else { return f64::NAN };
        let Some(product) = SVD::try_new(a * b, false, false, f64::EPSILON, iterations(a.nrows())) else {
            return f64::NAN;
        };
        let means = (&self.moments.mean - &other.moments.mean).norm_squared();
        let traces = self.moments.covariance.trace() + other.moments.covariance.trace();
        let distance = means + traces - 2.0 * product.singular_values.sum();
        // Below zero is rounding.
        if distance < 0.0 { 0.0 } else { distance }
    }
}

/// The Frechet distance between Gaussians of these moments; NaN where one is not finite.
///
/// ```
/// use mixwell::metric::{Moments, frechet_distance};
/// // Along each axis (m1 - m2)^2 + (sd1 - sd2)^2: 9 + (2 - 1)^2, and (3 - 1)^2.
/// let a = Moments::new(&[3.0, 0.0], &[4.0, 0.0, 0.0, 9.0]);
/// let b = Moments::new(&[0.0, 0.0], &[1.0, 0.0, 0.0, 1.0]);
/// assert!((frechet_distance(&a, &b) - 14.0).abs() < 1e-12);
/// ```
///
/// # Panics
/// When they have different dimensions.
pub fn frechet_distance(a: &Moments, b: &Moments) -> f64 {
    assert_eq!(a.mean.len(), b.mean.len(), "moments of another dimension");
    Rooted::new(a.clone()).distance(&Rooted::new(b.clone()))
}

/// The Frechet distance of two sets of rows, with its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FrechetDistance {
    /// The distance (squared, as in published tables).
    pub value: f64,
    /// Its standard error, by leaving out groups of either set.
    pub standard_error: f64,
    /// By how much it is too large because the sets are finite, to first order.
    pub bias: f64,
}

impl FrechetDistance {
    /// The distance without the excess of finite sets; below zero where the two laws cannot be told apart.
    pub fn corrected(&self) -> f64 {
        self.value - self.bias
    }

    /// Between two sets of features, `rows x dim`, of any numbers of rows.
    ///
    /// Rows must be exchangeable: shuffle those that lie in an order. NaN below two rows (the error below three) and for what is
    /// not finite.
    ///
    /// # Panics
    /// When they have different dimensions.
    pub fn between(a: Batch<'_>, b: Batch<'_>) -> Self {
        assert_eq!(a.dim(), b.dim(), "features of another dimension");
        let (a, b) = (Grouped::new(a), Grouped::new(b));
        let value = a.all.distance(&b.all);
        let (first, second) =
            (Jackknife::of(value, &a.without(&b.all)), Jackknife::of(value, &b.without(&a.all)));
        Self {
            value,
            standard_error: (first.variance + second.variance).sqrt(),
            bias: first.bias + second.bias,
        }
    }
}

/// A set of rows from which groups can be left out.
struct Grouped<'a> {
    rows: Batch<'a>,
    centre: Vec<f64>,
    sums: Sums,
    all: Rooted,
}

impl<'a> Grouped<'a> {
    fn new(rows: Batch<'a>) -> Self {
        let centre = centre(rows);
        let sums = Sums::of(rows, &centre);
        let all = Rooted::new(sums.moments(&centre));
        Self { rows, centre, sums, all }
    }

    /// The distance to another set without each of the groups.
    fn without(&self, other: &Rooted) -> Vec<f64> {
        let groups: Vec<_> = groups(self.rows.rows()).collect();
        let distance = |group: std::ops::Range<usize>| {
            let left = self.sums.without(&Sums::of(self.rows.slice(group), &self.centre));
            Rooted::new(left.moments(&self.centre)).distance(other)
        };
        groups.into_par_iter().map(distance).collect()
    }
}

/// The mean of some rows.
fn centre(rows: Batch<'_>) -> Vec<f64> {
    let mut centre = vec![0.0; rows.dim()];
    for row in rows.iter() {
        centre.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
    }
    centre.iter_mut().for_each(|sum| *sum /= rows.rows() as f64);
    centre
}

/// Rows whose products are summed at once.
const BLOCK: usize = 256;

/// Sums of rows and of their products, about a centre that all groups of a set share.
struct Sums {
    rows: f64,
    first: DVector<f64>,
    second: DMatrix<f64>,
}

impl Sums {
    fn of(rows: Batch<'_>, centre: &[f64]) -> Self {
        let dim = rows.dim();
        let (mut first, mut second) = (DVector::zeros(dim), DMatrix::zeros(dim, dim));
        for begin in (0..rows.rows()).step_by(BLOCK) {
            let block = rows.slice(begin..rows.rows().min(begin + BLOCK));
            let centred = block.iter().flat_map(|row| row.iter().zip(centre).map(|(v, c)| v - c));
            let columns = DMatrix::from_iterator(dim, block.rows(), centred);
            first += columns.column_sum();
            second.gemm(1.0, &columns, &columns.transpose(), 1.0);
        }
        Self { rows: rows.rows() as f64, first, second }
    }

    fn without(&self, part: &Self) -> Self {
        Self {
            rows: self.rows - part.rows,
            first: &self.first - &part.first,
            second: &self.second - &part.second,
        }
    }

    fn moments(&self, centre: &[f64]) -> Moments {
        let off = &self.first / self.rows;
        let covariance = (&self.second - &self.first * off.transpose()) / (self.rows - 1.0);
        let covariance = if self.rows < 2.0 { covariance.map(|_| f64::NAN) } else { covariance };
        Moments { mean: off + DVector::from_column_slice(centre), covariance }
    }
}

#[cfg(test)]
mod tests;
