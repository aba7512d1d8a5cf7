//! How far draws are from a curve that they should lie near, such as the Swiss roll: the median and two high quantiles of the distance to chains of straight pieces.

use rayon::prelude::*;
use serde::Serialize;

use crate::diagnostics::sorted_quantile;
use crate::{Batch, ConfigError, Points, range};

/// Distances from curves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveDistance {
    /// Draws.
    pub n: usize,
    /// Half of the draws are nearer.
    pub median: f64,
    /// Nine of ten are nearer.
    pub q90: f64,
    /// 99 of a hundred are nearer.
    pub q99: f64,
}

impl CurveDistance {
    /// Euclidean distance of every draw (`rows x dim`) from the nearest of curves, whose corners are rows. All quantiles are NaN with a draw that is not finite.
    ///
    /// # Errors
    /// When there are no draws, no curves, or coordinates differ in number.
    pub fn of(x: Batch<'_>, curves: &[Points]) -> Result<Self, ConfigError> {
        let mut distances = Self::each(x, curves)?;
        if distances.iter().any(|d| d.is_nan()) {
            return Ok(Self { n: x.rows(), median: f64::NAN, q90: f64::NAN, q99: f64::NAN });
        }
        distances.sort_by(f64::total_cmp);
        let [median, q90, q99] = [0.5, 0.9, 0.99].map(|p| sorted_quantile(&distances, p));
        Ok(Self { n: x.rows(), median, q90, q99 })
    }

    /// The distance of every draw itself, NaN where the draw is not finite.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn each(x: Batch<'_>, curves: &[Points]) -> Result<Vec<f64>, ConfigError> {
        range::at_least("draws", x.rows(), 1)?;
        range::at_least("curves", curves.len(), 1)?;
        for curve in curves {
            range::at_least("corners", curve.rows(), 1)?;
            if curve.dim() != x.dim() {
                let reason = format!("the curve has {}", curve.dim());
                return Err(ConfigError::new("draws", format!("of {} coordinates", x.dim()), reason));
            }
        }
        let rows: Vec<&[f64]> = x.iter().collect();
        Ok(rows.par_iter().map(|x| distance(x, curves)).collect())
    }
}

fn distance(x: &[f64], curves: &[Points]) -> f64 {
    if !x.iter().all(|v| v.is_finite()) {
        return f64::NAN;
    }
    let mut least = f64::INFINITY;
    for curve in curves {
        let mut before = curve.row(0);
        // A curve of one corner is a point.
        for corner in curve.as_batch().iter() {
            least = least.min(squared_from_piece(x, before, corner));
            before = corner;
        }
    }
    least.sqrt()
}

/// Squared distance from the piece between two corners.
fn squared_from_piece(x: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let (mut along, mut length) = (0.0, 0.0);
    for ((x, a), b) in x.iter().zip(a).zip(b) {
        along += (x - a) * (b - a);
        length += (b - a) * (b - a);
    }
    let t = if length > 0.0 { (along / length).clamp(0.0, 1.0) } else { 0.0 };
    x.iter().zip(a).zip(b).map(|((x, a), b)| (x - (a + t * (b - a))).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::density::{ExactSampler, SwissRollConfig, Target};

    #[test]
    fn by_hand() {
        let corner = Points::from_rows(&[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]);
        let point = Points::from_rows(&[[-5.0, 0.0]]);
        let curves = [corner, point];
        for (x, want) in
            [([1.0, 1.0], 1.0), ([3.0, 1.0], 1.0), ([-1.0, 0.0], 1.0), ([-4.5, 0.0], 0.5), ([5.0, 6.0], 5.0)]
        {
            assert!((distance(&x, &curves) - want).abs() < 1e-14, "{x:?}");
        }
    }

    #[test]
    fn exact_draws_of_the_swiss_roll_are_as_near_as_its_noise() {
        // Across the curve a normal deviate: median .6745, 90 % 1.645, 99 % 2.576 deviations, but for the ends and bends.
        let target = SwissRollConfig::default().build().unwrap();
        let x = target.sample_rows(&mut Stream::new(4, 0), 20_000, 2);
        let curves = target.facts().curves;
        let d = CurveDistance::of(x.as_batch(), &curves).unwrap();
        let sd = 0.25 / 7.5;
        for (found, want) in [(d.median, 0.6745), (d.q90, 1.645), (d.q99, 2.576)] {
            assert!((found / (want * sd) - 1.0).abs() < 0.05, "{d:?}");
        }
        // Twice the noise is seen.
        let wide = SwissRollConfig { noise: 0.5, ..Default::default() }.build().unwrap();
        let x = wide.sample_rows(&mut Stream::new(4, 0), 5000, 2);
        let wide = CurveDistance::of(x.as_batch(), &curves).unwrap();
        assert!(wide.median > 1.8 * d.median, "{wide:?}");
    }

    #[test]
    fn what_cannot_be_measured() {
        let curve = [Points::from_rows(&[[0.0, 0.0], [1.0, 0.0]])];
        let x = Points::from_rows(&[[f64::NAN, 0.0]]);
        assert!(CurveDistance::of(x.as_batch(), &curve).unwrap().median.is_nan());
        assert_eq!(CurveDistance::of(x.as_batch(), &[]).unwrap_err().key, "curves");
        assert_eq!(CurveDistance::of(Points::zeros(1, 3).as_batch(), &curve).unwrap_err().key, "draws");
    }
}
