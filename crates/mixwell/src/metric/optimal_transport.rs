//! Optimal transport between two equally weighted samples: the least mean cost of pairing their points.
//!
//! `OT = min over pairings, mean c(x, y)`, `c = |x - y|^2` or `|x - y|`. With the squared distance this is the *square* of the
//! 2-Wasserstein distance between the two samples, not rooted; it is what the tables of the Ex2MCMC paper call "EMD". With equal
//! weights an optimal plan is a pairing (Birkhoff), so it is found exactly, as an [assignment](super::assign). If one sample is a whole
//! number of times larger, points of the smaller are repeated.
//!
//! In high dimension the value is large even for two independent exact samples (1000 points of `N(0, I_300)`: 1.64 per dimension):
//! report that floor beside it. Costs are formed as sums of squared differences, without cancellation. Memory `8 n^2` bytes.

use rayon::prelude::*;

use super::assignment::assign;
use crate::Batch;

/// What moving a point costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// `|x - y|^2`: the value is the squared 2-Wasserstein distance.
    SquaredEuclid,
    /// `|x - y|`: the value is the 1-Wasserstein distance.
    Euclid,
}

/// Two samples that cannot be paired by repeating points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "samples of {larger} and {smaller} points cannot be paired: the larger size must be a multiple of the smaller, so drop points"
)]
pub struct SizesDoNotDivide {
    /// Points of the larger sample.
    pub larger: usize,
    /// Points of the smaller.
    pub smaller: usize,
}

/// The least mean cost of pairing `x` with `y`; NaN if there is a NaN or infinity.
///
/// ```
/// use mixwell::{Points, metric::{Cost, optimal_transport}};
/// let x = Points::from_rows(&[[0.0], [1.0]]);
/// let y = Points::from_rows(&[[3.0], [0.0]]);
/// // 0 goes to 0, 1 to 3.
/// assert_eq!(optimal_transport(x.as_batch(), y.as_batch(), Cost::SquaredEuclid)?, 2.0);
/// assert_eq!(optimal_transport(x.as_batch(), y.as_batch(), Cost::Euclid)?, 1.0);
/// # Ok::<(), mixwell::metric::SizesDoNotDivide>(())
/// ```
///
/// # Errors
/// When neither number of points divides the other.
///
/// # Panics
/// When the samples differ in dimension.
pub fn optimal_transport(x: Batch<'_>, y: Batch<'_>, cost: Cost) -> Result<f64, SizesDoNotDivide> {
    assert_eq!(x.dim(), y.dim(), "samples of different dimension");
    let (larger, smaller) = if x.rows() >= y.rows() { (x, y) } else { (y, x) };
    let n = larger.rows();
    if smaller.rows() == 0 || !n.is_multiple_of(smaller.rows()) {
        return Err(SizesDoNotDivide { larger: n, smaller: smaller.rows() });
    }
    // Rows of the matrix are points of the larger sample, columns those of the smaller, over and over.
    let mut costs = vec![0.0; n * n];
    costs.par_chunks_exact_mut(n).enumerate().for_each(|(i, row)| {
        let (first, repeated) = row.split_at_mut(smaller.rows());
        for (c, point) in first.iter_mut().zip(smaller.iter()) {
            let squared = squared_distance(larger.row(i), point);
            *c = match cost {
                Cost::SquaredEuclid => squared,
                Cost::Euclid => squared.sqrt(),
            };
        }
        repeated.chunks_exact_mut(first.len()).for_each(|again| again.copy_from_slice(first));
    });
    Ok(assign(&costs, n).map_or(f64::NAN, |best| best.total / n as f64))
}

/// Eight running sums, so that it vectorises.
fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| (x - y) * (x - y)).sum();
    for (a, b) in a.zip(b) {
        for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
            *lane += (x - y) * (x - y);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Points, Stream};

    fn normal(rows: usize, dim: usize, seed: u64) -> Points {
        let mut x = Points::zeros(rows, dim);
        Stream::new(seed, 0).fill_normal(x.data_mut());
        x
    }

    #[test]
    fn one_dimension_pairs_in_order() {
        let (x, y) = (normal(200, 1, 1), normal(200, 1, 2));
        let sorted = |p: &Points| {
            let mut values = p.data().to_vec();
            values.sort_by(f64::total_cmp);
            values
        };
        let pairs: Vec<f64> = sorted(&x).iter().zip(sorted(&y)).map(|(a, b)| a - b).collect();
        let squared = pairs.iter().map(|d| d * d).sum::<f64>() / 200.0;
        let absolute = pairs.iter().map(|d| d.abs()).sum::<f64>() / 200.0;
        let ot = |cost| optimal_transport(x.as_batch(), y.as_batch(), cost).expect("equal sizes");
        assert!((ot(Cost::SquaredEuclid) - squared).abs() < 1e-12);
        assert!((ot(Cost::Euclid) - absolute).abs() < 1e-12);
    }

    #[test]
    fn a_shift_costs_its_square_and_sides_do_not_matter() {
        let x = normal(60, 11, 1);
        let mut y = x.clone();
        y.data_mut().iter_mut().for_each(|v| *v += 0.5);
        let ot = |a: &Points, b: &Points| optimal_transport(a.as_batch(), b.as_batch(), Cost::SquaredEuclid);
        // Moving every point by 0.5 in each of 11 coordinates: 11/4, and no pairing is cheaper than the shift of the mean.
        assert!((ot(&x, &y).expect("equal sizes") - 2.75).abs() < 1e-12);
        let z = normal(20, 11, 3);
        let (a, b) = (ot(&x, &z).expect("60 is 3 x 20"), ot(&z, &x).expect("60 is 3 x 20"));
        assert!((a - b).abs() < 1e-12);
        // Repeating by hand is the same.
        let thrice = Points::from_vec([z.data(), z.data(), z.data()].concat(), 11);
        assert!((ot(&x, &thrice).expect("equal sizes") - a).abs() < 1e-12);
    }

    #[test]
    fn sizes_must_divide_and_nan_is_nan() {
        let error = optimal_transport(normal(5, 2, 1).as_batch(), normal(3, 2, 1).as_batch(), Cost::Euclid);
        assert_eq!(error, Err(SizesDoNotDivide { larger: 5, smaller: 3 }));
        let mut x = normal(4, 2, 1);
        x.row_mut(0)[0] = f64::NAN;
        assert!(optimal_transport(x.as_batch(), x.as_batch(), Cost::Euclid).is_ok_and(f64::is_nan));
    }
}
