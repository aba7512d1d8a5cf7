//! Whitening: a fixed affine map at the data end of a flow, so that the trained layers see mean zero and unit scale.
//!
//! forward: `x = mean + S w`, with `S` diagonal (standard deviations), the lower Cholesky factor of the covariance, or its
//! principal axes times the standard deviations along them, the longest first; `log_det = ln|det S|`. Principal axes
//! gather what separates modes in the first few coordinates, where couplings learn it far sooner.
//!
//! Unlike in some packages `log_det` is part of every density (it cancels in ratios of the flow with itself, but not in
//! evidences). Computed in f64 whatever the precision of the flow.
//! Estimates are weighted moments; they stop no gradient, since the map has no trained parameters.

use serde::{Deserialize, Serialize};

use crate::Batch;
use crate::scratch::scratch;
use mixwell_vector::block::{BLOCK, blocks};

/// How the whitening of a flow is estimated from points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhiteningMode {
    /// No whitening.
    None,
    /// Mean and standard deviation of every coordinate.
    #[default]
    Diagonal,
    /// Mean and full covariance, by its Cholesky factor.
    Full,
    /// Mean and full covariance, by its principal axes: the first coordinate varies most.
    Principal,
}

/// A fixed affine map `x = mean + S w`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Whitening {
    mean: Vec<f64>,
    /// `dim` standard deviations, or the `dim x dim` lower factor, row-major.
    scale: Vec<f64>,
    /// Orthonormal axes as columns of a `dim x dim` matrix, row-major; empty where the axes are those of the coordinates.
    axes: Vec<f64>,
    log_det: f64,
}

/// How far axes may be from orthonormal: rounding of a decomposition in double precision stays far below.
const ORTHONORMAL: f64 = 1e-8;

impl Whitening {
    /// The identity.
    pub fn identity(dim: usize) -> Self {
        Self { mean: vec![0.0; dim], scale: vec![1.0; dim], axes: Vec::new(), log_det: 0.0 }
    }

    /// From a mean and standard deviations. `None` unless all are finite and the deviations positive.
    pub fn diagonal(mean: Vec<f64>, deviation: Vec<f64>) -> Option<Self> {
        let usable = mean.len() == deviation.len()
            && mean.iter().all(|m| m.is_finite())
            && deviation.iter().all(|s| s.is_finite() && *s > 0.0);
        let log_det = deviation.iter().map(|s| s.ln()).sum();
        usable.then_some(Self { mean, scale: deviation, axes: Vec::new(), log_det })
    }

    /// From a mean and a lower triangular factor of the covariance (`dim x dim`, row-major; what lies above the diagonal
    /// is ignored). `None` unless all is finite and the diagonal positive.
    pub fn full(mean: Vec<f64>, mut factor: Vec<f64>) -> Option<Self> {
        let dim = mean.len();
        if dim == 1 {
            return Self::diagonal(mean, factor);
        }
        if factor.len() != dim * dim {
            return None;
        }
        for i in 0..dim {
            factor[i * dim + i + 1..(i + 1) * dim].fill(0.0);
        }
        let usable =
            mean.iter().chain(&factor).all(|v| v.is_finite()) && (0..dim).all(|i| factor[i * dim + i] > 0.0);
        let log_det = (0..dim).map(|i| factor[i * dim + i].ln()).sum();
        usable.then_some(Self { mean, scale: factor, axes: Vec::new(), log_det })
    }

    /// From a mean, standard deviations along axes, and the axes (columns of a `dim x dim` matrix, row-major). `None` unless
    /// all is finite, the deviations are positive and the axes orthonormal.
    pub fn principal(mean: Vec<f64>, deviation: Vec<f64>, axes: Vec<f64>) -> Option<Self> {
        let dim = mean.len();
        if axes.len() != dim * dim || !axes.iter().all(|v| v.is_finite()) {
            return None;
        }
        let matrix = nalgebra::DMatrix::from_row_slice(dim, dim, &axes);
        let off = (matrix.tr_mul(&matrix) - nalgebra::DMatrix::identity(dim, dim)).amax();
        let straight = Self::diagonal(mean, deviation)?;
        (off < ORTHONORMAL).then_some(Self { axes, ..straight })
    }

    /// Estimates the map from points with weights (equal when not given). `None` when it cannot be estimated: mode
    /// `None`, fewer than two usable points, or a coordinate that does not vary.
    ///
    /// With mode `Full` or `Principal`, a covariance that is not positive definite falls back to its diagonal.
    pub fn estimate(mode: WhiteningMode, x: Batch<'_>, weights: Option<&[f64]>) -> Option<Self> {
        let dim = x.dim();
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        let used: Vec<usize> =
            (0..x.rows()).filter(|&i| weight(i) > 0.0 && x.row(i).iter().all(|v| v.is_finite())).collect();
        let total: f64 = used.iter().map(|&i| weight(i)).sum();
        if mode == WhiteningMode::None || used.len() < 2 || !total.is_finite() {
            return None;
        }
        let mut mean = vec![0.0; dim];
        for &i in &used {
            for (m, v) in mean.iter_mut().zip(x.row(i)) {
                *m += weight(i) / total * v;
            }
        }
        if matches!(mode, WhiteningMode::Full | WhiteningMode::Principal) && used.len() > dim {
            let mut covariance = nalgebra::DMatrix::<f64>::zeros(dim, dim);
            for &i in &used {
                let row = x.row(i);
                let w = weight(i) / total;
                for a in 0..dim {
                    for b in 0..=a {
                        covariance[(a, b)] += w * (row[a] - mean[a]) * (row[b] - mean[b]);
                    }
                }
            }
            covariance.fill_upper_triangle_with_lower_triangle();
            let map = match mode {
                WhiteningMode::Principal => Self::along_axes(mean.clone(), covariance),
                _ => nalgebra::Cholesky::new(covariance)
                    .and_then(|c| Self::full(mean.clone(), c.l().transpose().as_slice().to_vec())),
            };
            if map.is_some() {
                return map;
            }
        }
        let mut variance = vec![0.0; dim];
        for &i in &used {
            for ((s, v), m) in variance.iter_mut().zip(x.row(i)).zip(&mean) {
                *s += weight(i) / total * (v - m) * (v - m);
            }
        }
        Self::diagonal(mean, variance.into_iter().map(f64::sqrt).collect())
    }

    /// Along the principal axes of a covariance, the longest first, each pointing to where its largest component is positive.
    /// `None` where it is singular to rounding.
    fn along_axes(mean: Vec<f64>, covariance: nalgebra::DMatrix<f64>) -> Option<Self> {
        let dim = mean.len();
        let nalgebra::SymmetricEigen { eigenvalues, eigenvectors } =
            nalgebra::SymmetricEigen::try_new(covariance, f64::EPSILON, 1000)?;
        let mut order: Vec<usize> = (0..dim).collect();
        order.sort_by(|a, b| eigenvalues[*b].total_cmp(&eigenvalues[*a]));
        let least = eigenvalues.amax() * f64::EPSILON * dim as f64;
        if !order.iter().all(|&k| eigenvalues[k] > least) {
            return None;
        }
        let mut axes = vec![0.0; dim * dim];
        for (to, &from) in order.iter().enumerate() {
            let axis = eigenvectors.column(from);
            let sign = axis[axis.iamax()].signum();
            for i in 0..dim {
                axes[i * dim + to] = sign * axis[i];
            }
        }
        Self::principal(mean, order.iter().map(|&k| eigenvalues[k].sqrt()).collect(), axes)
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// `ln|det S|`.
    pub fn log_det(&self) -> f64 {
        self.log_det
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Standard deviations (`dim` numbers) or the lower factor (`dim * dim`).
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// The axes along which the standard deviations are measured (columns of a `dim x dim` matrix, row-major), where they
    /// are not those of the coordinates.
    pub fn axes(&self) -> Option<&[f64]> {
        (!self.axes.is_empty()).then_some(&self.axes)
    }

    /// Whether the parts have the lengths they should have.
    pub(crate) fn is_whole(&self) -> bool {
        let (dim, scale) = (self.dim(), self.scale.len());
        let square = |n: usize| n == dim * dim;
        if self.axes.is_empty() {
            scale == dim || square(scale)
        } else {
            scale == dim && square(self.axes.len())
        }
    }

    /// Whether the scale is a lower factor rather than one deviation a coordinate (or a principal axis).
    fn is_lower(&self) -> bool {
        self.scale.len() != self.mean.len()
    }

    /// The factor of coordinate `i` of `w` itself.
    fn own_scale(&self, i: usize) -> f64 {
        if self.is_lower() { self.scale[i * self.dim() + i] } else { self.scale[i] }
    }

    /// Multiplies one block of rows by the axes, or by their transpose.
    fn rotate(&self, block: &mut [f64], transposed: bool) {
        let Some(axes) = self.axes() else { return };
        let dim = self.dim();
        let mut before = scratch(block.len());
        before.copy_from_slice(block);
        block.fill(0.0);
        for (i, own) in block.chunks_exact_mut(BLOCK).enumerate() {
            for (j, other) in before.chunks_exact(BLOCK).enumerate() {
                add_multiple(own, if transposed { axes[j * dim + i] } else { axes[i * dim + j] }, other);
            }
        }
    }

    /// `w -> x` in a blocked buffer, in place.
    pub(crate) fn forward(&self, v: &mut [f64], rows: usize) {
        let dim = self.dim();
        for block in v.chunks_exact_mut(dim * BLOCK).take(blocks(rows)) {
            // Last coordinate first: row i of the factor needs the old values before i.
            for i in (0..dim).rev() {
                let (before, from) = block.split_at_mut(i * BLOCK);
                let own = &mut from[..BLOCK];
                let scale = self.own_scale(i);
                for v in own.iter_mut() {
                    *v *= scale;
                }
                if self.is_lower() {
                    for (j, other) in before.chunks_exact(BLOCK).enumerate() {
                        add_multiple(own, self.scale[i * dim + j], other);
                    }
                }
            }
            self.rotate(block, false);
            for (own, mean) in block.chunks_exact_mut(BLOCK).zip(&self.mean) {
                own.iter_mut().for_each(|v| *v += mean);
            }
        }
    }

    /// `x -> w` in a blocked buffer, in place.
    pub(crate) fn inverse(&self, v: &mut [f64], rows: usize) {
        let dim = self.dim();
        for block in v.chunks_exact_mut(dim * BLOCK).take(blocks(rows)) {
            for (own, mean) in block.chunks_exact_mut(BLOCK).zip(&self.mean) {
                own.iter_mut().for_each(|v| *v -= mean);
            }
            self.rotate(block, true);
            for i in 0..dim {
                let (before, from) = block.split_at_mut(i * BLOCK);
                let own = &mut from[..BLOCK];
                if self.is_lower() {
                    for (j, other) in before.chunks_exact(BLOCK).enumerate() {
                        add_multiple(own, -self.scale[i * dim + j], other);
                    }
                }
                let scale = self.own_scale(i);
                for v in own.iter_mut() {
                    *v /= scale;
                }
            }
        }
    }

    /// Derivative in `x` to derivative in `w`: `S^T d`, in place.
    pub(crate) fn pull_forward(&self, d: &mut [f64], rows: usize) {
        let dim = self.dim();
        for block in d.chunks_exact_mut(dim * BLOCK).take(blocks(rows)) {
            self.rotate(block, true);
            for i in 0..dim {
                let (upto, after) = block.split_at_mut((i + 1) * BLOCK);
                let own = &mut upto[i * BLOCK..];
                let scale = self.own_scale(i);
                for v in own.iter_mut() {
                    *v *= scale;
                }
                if self.is_lower() {
                    for (k, other) in after.chunks_exact(BLOCK).enumerate() {
                        add_multiple(own, self.scale[(i + 1 + k) * dim + i], other);
                    }
                }
            }
        }
    }

    /// Derivative in `w` to derivative in `x`: `S^-T d`, in place.
    pub(crate) fn pull_inverse(&self, d: &mut [f64], rows: usize) {
        let dim = self.dim();
        for block in d.chunks_exact_mut(dim * BLOCK).take(blocks(rows)) {
            for i in (0..dim).rev() {
                let (upto, after) = block.split_at_mut((i + 1) * BLOCK);
                let own = &mut upto[i * BLOCK..];
                if self.is_lower() {
                    for (k, other) in after.chunks_exact(BLOCK).enumerate() {
                        add_multiple(own, -self.scale[(i + 1 + k) * dim + i], other);
                    }
                }
                let scale = self.own_scale(i);
                for v in own.iter_mut() {
                    *v /= scale;
                }
            }
            self.rotate(block, false);
        }
    }
}

fn add_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += factor * f;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use mixwell_vector::block::{buffer_len, load_rows, store_rows};

    fn mapped(rows: usize, dim: usize, x: &[f64], f: impl Fn(&mut [f64], usize)) -> Vec<f64> {
        let mut v = vec![0.0; buffer_len(rows, dim)];
        load_rows(x, dim, &mut v);
        f(&mut v, rows);
        let mut out = vec![0.0; x.len()];
        store_rows(&v, dim, &mut out);
        out
    }

    #[test]
    fn full_factor_acts_as_the_matrix_it_is() {
        // S = [2 0; 3 4], mean (1, -1): w = (1, 1) gives x = (3, 6); S^T (1, 1) = (5, 4); ln det = ln 8.
        let w = Whitening::full(vec![1.0, -1.0], vec![2.0, 0.0, 3.0, 4.0]).unwrap();
        assert_eq!(mapped(1, 2, &[1.0, 1.0], |v, r| w.forward(v, r)), [3.0, 6.0]);
        assert_eq!(mapped(1, 2, &[3.0, 6.0], |v, r| w.inverse(v, r)), [1.0, 1.0]);
        assert_eq!(mapped(1, 2, &[1.0, 1.0], |v, r| w.pull_forward(v, r)), [5.0, 4.0]);
        assert_eq!(mapped(1, 2, &[5.0, 4.0], |v, r| w.pull_inverse(v, r)), [1.0, 1.0]);
        assert!((w.log_det() - 8f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn principal_axes_act_as_the_matrix_they_are() {
        // Axes (0.6, 0.8) and (-0.8, 0.6), deviations 5 and 10: S = [3 -8; 4 6], mean (1, -1). w = (1, 1) gives x = (-4, 9),
        // S^T (1, 1) = (7, -2), ln det = ln 50.
        let w = Whitening::principal(vec![1.0, -1.0], vec![5.0, 10.0], vec![0.6, -0.8, 0.8, 0.6]).unwrap();
        let near = |a: Vec<f64>, b: [f64; 2]| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-14);
        assert!(near(mapped(1, 2, &[1.0, 1.0], |v, r| w.forward(v, r)), [-4.0, 9.0]));
        assert!(near(mapped(1, 2, &[-4.0, 9.0], |v, r| w.inverse(v, r)), [1.0, 1.0]));
        assert!(near(mapped(1, 2, &[1.0, 1.0], |v, r| w.pull_forward(v, r)), [7.0, -2.0]));
        assert!(near(mapped(1, 2, &[7.0, -2.0], |v, r| w.pull_inverse(v, r)), [1.0, 1.0]));
        assert!((w.log_det() - 50f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn the_first_principal_axis_is_the_longest() {
        // Points on two crossing lines: deviation 3 along (1, 1), 1 along (1, -1).
        let points =
            Points::from_rows(&[[3.0, 3.0], [-3.0, -3.0], [1.0, -1.0], [-1.0, 1.0]].map(|r: [f64; 2]| r));
        let w = Whitening::estimate(WhiteningMode::Principal, points.as_batch(), None).unwrap();
        let half = 0.5f64.sqrt();
        assert!((w.scale()[0] - 3.0).abs() < 1e-12 && (w.scale()[1] - 1.0).abs() < 1e-12, "{w:?}");
        let axes = w.axes().unwrap();
        assert!((axes[0] - half).abs() < 1e-12 && (axes[2] - half).abs() < 1e-12, "{w:?}");
        assert!((axes[1].abs() - half).abs() < 1e-12 && (axes[1] + axes[3]).abs() < 1e-12, "{w:?}");
    }

    #[test]
    fn estimated_maps_give_mean_zero_and_unit_covariance() {
        let rows: Vec<[f64; 2]> = (0..50).map(|i| [i as f64, (i as f64).sin() + 2.0 * i as f64]).collect();
        let points = Points::from_rows(&rows);
        for mode in [WhiteningMode::Diagonal, WhiteningMode::Full, WhiteningMode::Principal] {
            let w = Whitening::estimate(mode, points.as_batch(), None).unwrap();
            let u = mapped(50, 2, points.data(), |v, r| w.inverse(v, r));
            let moment = |f: &dyn Fn(&[f64]) -> f64| u.chunks(2).map(f).sum::<f64>() / 50.0;
            assert!(moment(&|r| r[0]).abs() < 1e-12 && moment(&|r| r[1]).abs() < 1e-12);
            assert!(
                (moment(&|r| r[0] * r[0]) - 1.0).abs() < 1e-12
                    && (moment(&|r| r[1] * r[1]) - 1.0).abs() < 1e-10
            );
            if mode != WhiteningMode::Diagonal {
                assert!(moment(&|r| r[0] * r[1]).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn what_cannot_be_estimated_is_refused() {
        let flat = Points::from_rows(&[[1.0, 2.0], [1.0, 3.0]]);
        assert!(Whitening::estimate(WhiteningMode::Diagonal, flat.as_batch(), None).is_none());
        assert!(Whitening::estimate(WhiteningMode::Diagonal, flat.as_batch(), Some(&[1.0, 0.0])).is_none());
        assert!(Whitening::diagonal(vec![0.0], vec![f64::NAN]).is_none());
        let skewed = vec![1.0, 0.5, 0.0, 1.0];
        assert!(Whitening::principal(vec![0.0; 2], vec![1.0; 2], skewed).is_none());
        // All points on a line: no second axis, so the standard deviations of the coordinates.
        let line = Points::from_rows(&[[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]);
        let fallen_back = Whitening::estimate(WhiteningMode::Principal, line.as_batch(), None).unwrap();
        assert!(fallen_back.axes().is_none() && fallen_back.scale().len() == 2);
    }
}
