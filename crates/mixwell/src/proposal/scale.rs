//! The square root `L` of a covariance `L L'`: what gives a Gaussian or a kernel's metric its scale and shape.
//!
//! Three forms: the identity, a diagonal (`d` standard deviations), a lower triangle (`d x d`, row-major). All work is done
//! through `L v` and `L' v`, so Langevin and Hamiltonian kernels run in the whitened coordinates `x = L u` with unit mass,
//! and neither an inverse nor a mass matrix is ever formed.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// A square root of a covariance matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scale {
    /// The identity in this many dimensions.
    Unit(usize),
    /// Standard deviations.
    Diagonal(Vec<f64>),
    /// The Cholesky factor, lower triangle, row-major (`dim x dim`).
    Dense {
        /// Number of coordinates.
        dim: usize,
        /// The factor, zero above the diagonal.
        lower: Vec<f64>,
    },
}

impl Scale {
    /// The Cholesky factor of a covariance (`dim x dim`, row-major); `None` unless it is positive definite and finite.
    pub fn from_covariance(covariance: &[f64], dim: usize) -> Option<Self> {
        if !covariance.iter().all(|v| v.is_finite()) {
            return None;
        }
        let lower = DMatrix::from_row_slice(dim, dim, covariance).cholesky()?.l();
        let lower: Vec<f64> = (0..dim * dim).map(|k| lower[(k / dim, k % dim)]).collect();
        lower.iter().all(|v| v.is_finite()).then_some(Self::Dense { dim, lower })
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        match self {
            Self::Unit(dim) | Self::Dense { dim, .. } => *dim,
            Self::Diagonal(sd) => sd.len(),
        }
    }

    /// `out += a L v`.
    pub fn add(&self, a: f64, v: &[f64], out: &mut [f64]) {
        match self {
            Self::Unit(_) => out.iter_mut().zip(v).for_each(|(o, v)| *o += a * v),
            Self::Diagonal(sd) => {
                for ((o, v), s) in out.iter_mut().zip(v).zip(sd) {
                    *o += a * s * v;
                }
            }
            Self::Dense { dim, lower } => {
                for (i, o) in out.iter_mut().enumerate() {
                    *o += a * dot(&lower[i * dim..=i * dim + i], v);
                }
            }
        }
    }

    /// `out += a L' v`.
    pub fn add_transposed(&self, a: f64, v: &[f64], out: &mut [f64]) {
        match self {
            Self::Unit(_) | Self::Diagonal(_) => self.add(a, v, out),
            Self::Dense { dim, lower } => {
                for (i, v) in v.iter().enumerate() {
                    let c = a * v;
                    for (o, l) in out.iter_mut().zip(&lower[i * dim..=i * dim + i]) {
                        *o += c * l;
                    }
                }
            }
        }
    }

    /// `v <- L^-1 v`.
    pub fn solve(&self, v: &mut [f64]) {
        match self {
            Self::Unit(_) => {}
            Self::Diagonal(sd) => v.iter_mut().zip(sd).for_each(|(v, s)| *v /= s),
            Self::Dense { dim, lower } => {
                for i in 0..*dim {
                    let row = &lower[i * dim..=i * dim + i];
                    v[i] = (v[i] - dot(&row[..i], v)) / row[i];
                }
            }
        }
    }

    /// `v <- L'^-1 v`.
    pub fn solve_transposed(&self, v: &mut [f64]) {
        match self {
            Self::Unit(_) | Self::Diagonal(_) => self.solve(v),
            Self::Dense { dim, lower } => {
                for i in (0..*dim).rev() {
                    let row = &lower[i * dim..=i * dim + i];
                    v[i] /= row[i];
                    let (above, here) = v.split_at_mut(i);
                    above.iter_mut().zip(row).for_each(|(a, l)| *a -= l * here[0]);
                }
            }
        }
    }

    /// `ln det L`.
    pub fn log_det(&self) -> f64 {
        match self {
            Self::Unit(_) => 0.0,
            Self::Diagonal(sd) => sd.iter().map(|s| s.ln()).sum(),
            Self::Dense { dim, lower } => (0..*dim).map(|i| lower[i * dim + i].ln()).sum(),
        }
    }

    /// The numbers that define it, for a version.
    pub(crate) fn numbers(&self) -> &[f64] {
        match self {
            Self::Unit(_) => &[],
            Self::Diagonal(sd) => sd,
            Self::Dense { lower, .. } => lower,
        }
    }
}

/// Inner product over the shorter of the two lengths.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_factor_multiplies_and_solves() {
        // [[4, 2], [2, 5]] = L L' with L = [[2, 0], [1, 2]].
        let l = Scale::from_covariance(&[4.0, 2.0, 2.0, 5.0], 2).unwrap();
        let mut out = [10.0, 10.0];
        l.add(2.0, &[1.0, 3.0], &mut out); // L (1, 3) = (2, 7)
        assert_eq!(out, [14.0, 24.0]);
        let mut out = [0.0, 0.0];
        l.add_transposed(1.0, &[1.0, 3.0], &mut out); // L' (1, 3) = (5, 6)
        assert_eq!(out, [5.0, 6.0]);
        let mut v = [2.0, 7.0];
        l.solve(&mut v);
        assert_eq!(v, [1.0, 3.0]);
        let mut v = [5.0, 6.0];
        l.solve_transposed(&mut v);
        assert_eq!(v, [1.0, 3.0]);
        assert!((l.log_det() - 4f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn a_matrix_that_is_no_covariance_is_refused() {
        assert_eq!(Scale::from_covariance(&[1.0, 2.0, 2.0, 1.0], 2), None);
        assert_eq!(Scale::from_covariance(&[f64::NAN], 1), None);
    }
}
