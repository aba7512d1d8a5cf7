//! Mixtures of Gaussians with diagonal covariances, evaluated on vectors: rows lie along the lanes.
//!
//! `log_prob = ln sum_k exp(c_k - |(x - m_k) / s_k|^2 / 2)`, with `c_k` the log-weight and the log-normaliser together.
//! Every lane does the same operations whatever its neighbours are, so a row's value does not depend on them, to the
//! last bit. Used by [`GaussianMixture`](super::GaussianMixture), which also has the general case.

use crate::scratch::scratch;
use crate::{Batch, BatchMut};
use mixwell_vector::elementary::{exp, ln};
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

use super::gaussian::Gaussian;

/// A component whose logarithm lies this far below the largest one counts as zero: a part in 5e21 of the sum, a millionth of
/// what rounding loses. Where modes are apart only a few components are left, and the others cost no exponential.
const NEGLIGIBLE: f64 = -50.0;

/// The numbers of all components side by side.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DiagonalMixture {
    dim: usize,
    /// One per component.
    constants: Vec<f64>,
    /// Component after component: for each coordinate, the mean and the inverse standard deviation.
    coordinates: Vec<[f64; 2]>,
}

impl DiagonalMixture {
    /// Takes over the components; `None` when one of them has correlations.
    pub(super) fn of(components: &[Gaussian], log_weights: &[f64]) -> Option<Self> {
        let mut coordinates = vec![];
        for component in components {
            let inverse_scale = component.inverse_scale()?;
            coordinates.extend(component.mean().iter().zip(inverse_scale).map(|(m, s)| [*m, *s]));
        }
        let constants = components.iter().zip(log_weights).map(|(c, w)| c.log_norm() + w).collect();
        Some(Self { dim: components.first()?.mean().len(), constants, coordinates })
    }

    /// Writes the log-density of each row, and its gradient where one is asked for.
    pub(super) fn evaluate(&self, x: Batch<'_>, log_prob: &mut [f64], grad: Option<BatchMut<'_>>) {
        assert_eq!(x.dim(), self.dim, "points of another dimension than the target's");
        simd::run(Evaluate { mixture: self, x, log_prob, grad });
    }
}

struct Evaluate<'a> {
    mixture: &'a DiagonalMixture,
    x: Batch<'a>,
    log_prob: &'a mut [f64],
    grad: Option<BatchMut<'a>>,
}

impl Job for Evaluate<'_> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(mut self) {
        let lanes = Lanes::<f64, I>::LANES;
        let DiagonalMixture { dim, constants, coordinates } = self.mixture;
        let dim = *dim;
        let mut buffer = scratch((2 * dim + constants.len()) * lanes);
        let (columns, exponents) = buffer.split_at_mut(2 * dim * lanes);
        let (points, slopes) = columns.split_at_mut(dim * lanes);
        let zero = Lanes::<f64, I>::splat(0.0);
        // Every share is zero or far above this.
        let least = Lanes::<f64, I>::splat(f64::MIN_POSITIVE);
        let floor = Lanes::<f64, I>::splat(NEGLIGIBLE);
        for start in (0..self.x.rows()).step_by(lanes) {
            let n = lanes.min(self.x.rows() - start);
            for l in 0..lanes {
                // The last row fills the lanes that have none.
                let row = self.x.row(start + l.min(n - 1));
                for (column, v) in points.chunks_exact_mut(lanes).zip(row) {
                    column[l] = *v;
                }
            }
            let components = || constants.iter().zip(coordinates.chunks_exact(dim));
            let mut max = Lanes::<f64, I>::splat(f64::NEG_INFINITY);
            for ((constant, coordinates), exponent) in components().zip(exponents.chunks_exact_mut(lanes)) {
                let mut square = zero;
                for ([mean, inverse], x) in coordinates.iter().zip(points.chunks_exact(lanes)) {
                    let u = (Lanes::<f64, I>::of(x) - Lanes::<f64, I>::splat(*mean))
                        * Lanes::<f64, I>::splat(*inverse);
                    square = u.mul_add(u, square);
                }
                let e = square.mul_add(Lanes::<f64, I>::splat(-0.5), Lanes::<f64, I>::splat(*constant));
                max = e.max(max);
                e.put(exponent);
            }
            // So far out that every component is -inf, nothing is left to subtract.
            let shift = Lanes::<f64, I>::select(Lanes::<f64, I>::splat(f64::NEG_INFINITY).lt(max), max, zero);
            let mut sum = zero;
            for exponent in exponents.chunks_exact_mut(lanes) {
                let e = Lanes::<f64, I>::of(exponent) - shift;
                let far = e.lt(floor);
                // NaN is not far.
                if Lanes::<f64, I>::all(far) {
                    zero.put(exponent);
                    continue;
                }
                // The floor goes first, so that NaN passes.
                let share = Lanes::<f64, I>::select(far, zero, exp::<f64, _>(floor.max(e)));
                sum = sum + share;
                share.put(exponent);
            }
            let mut out = [0.0; 16];
            (shift + ln::<f64, _>(sum)).put(&mut out);
            self.log_prob[start..start + n].copy_from_slice(&out[..n]);
            let Some(grad) = &mut self.grad else { continue };
            slopes.fill(0.0);
            for (coordinates, share) in coordinates.chunks_exact(dim).zip(exponents.chunks_exact(lanes)) {
                let share = Lanes::<f64, I>::of(share);
                if Lanes::<f64, I>::all(share.lt(least)) {
                    continue;
                }
                let pairs = points.chunks_exact(lanes).zip(slopes.chunks_exact_mut(lanes));
                for ([mean, inverse], (x, slope)) in coordinates.iter().zip(pairs) {
                    let back = Lanes::<f64, I>::splat(*mean) - Lanes::<f64, I>::of(x);
                    let pull = back * Lanes::<f64, I>::splat(inverse * inverse);
                    share.mul_add(pull, Lanes::<f64, I>::of(slope)).put(slope);
                }
            }
            let inverse = Lanes::<f64, I>::select(zero.lt(sum), Lanes::<f64, I>::splat(1.0) / sum, sum);
            for slope in slopes.chunks_exact_mut(lanes) {
                (Lanes::<f64, I>::of(slope) * inverse).put(slope);
            }
            for l in 0..n {
                for (g, column) in grad.row_mut(start + l).iter_mut().zip(slopes.chunks_exact(lanes)) {
                    *g = column[l];
                }
            }
        }
    }
}
