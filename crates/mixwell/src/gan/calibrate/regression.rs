//! Logistic regression of the label (real or generated) on a few features of the score, by maximum likelihood.
//!
//! Newton's method on the mean log loss, which is convex: steps are halved until the loss does not rise. Features are standardised first, so that one scale of steps and of
//! the penalty serves all. Where features separate real from generated scores no optimum exists: coefficients would grow without end. Then, and where two features say the
//! same, a penalty of `1e-6 / 2` times the squared slopes (of standardised features) is added, which makes the optimum unique; the constant is never penalised.

use nalgebra::{SMatrix, SVector};

use super::Scores;
use crate::math::{logistic, softplus};

/// The penalty where there is no optimum without one.
const PENALTY: f64 = 1e-6;
/// Newton steps at most. Ten are usual; separable scores need some thirty.
const STEPS: usize = 200;
/// A step of standardised coefficients that is smaller ends the search.
const SMALL: f64 = 1e-11;

/// The coefficients of `K` features, the last of which is the constant 1, in `logit P(real) = coefficients . features + prior log odds`.
pub(super) fn regression<const K: usize>(scores: Scores<'_>, features: impl Fn(f64) -> [f64; K]) -> [f64; K] {
    let mut rows: Vec<SVector<f64, K>> = vec![];
    let mut sides = vec![];
    for (score, real) in scores.labelled() {
        rows.push(features(score).into());
        sides.push(if real { 1.0 } else { -1.0 });
    }
    let scale = Standard::of(&rows);
    rows.iter_mut().for_each(|row| *row = scale.standardise(row));
    let problem = Problem { rows, sides, offset: scores.prior_log_odds() };
    let found = match problem.minimise(0.0) {
        Some(theta) if !problem.separates(&theta) => theta,
        // With a penalty the search ends; if rounding keeps it from seeing that, the last point is as good as any.
        _ => problem.minimise(PENALTY).unwrap_or_else(SVector::zeros),
    };
    scale.undo(&found).into()
}

/// Means and deviations of features; those of the constant are 0 and 1.
struct Standard<const K: usize> {
    mean: SVector<f64, K>,
    sd: SVector<f64, K>,
}

impl<const K: usize> Standard<K> {
    fn of(rows: &[SVector<f64, K>]) -> Self {
        let n = rows.len() as f64;
        // Halves before sums: scores of the size of the largest double must not overflow.
        let mut mean = rows.iter().fold(SVector::zeros(), |sum: SVector<f64, K>, row| sum + row / n);
        mean[K - 1] = 0.0;
        let widest =
            rows.iter().fold(SVector::<f64, K>::repeat(0.0), |most, row| most.sup(&(row - mean).abs()));
        let unit = widest.map(|w| if w > 0.0 && w.is_finite() { w } else { 1.0 });
        let square = |row: &SVector<f64, K>| (row - mean).component_div(&unit).map(|v| v * v);
        let variance = rows.iter().fold(SVector::zeros(), |sum: SVector<f64, K>, row| sum + square(row) / n);
        let mut sd = variance.map(f64::sqrt).component_mul(&unit);
        sd[K - 1] = 1.0;
        sd.iter_mut().filter(|sd| **sd <= 0.0 || sd.is_nan()).for_each(|sd| *sd = 1.0);
        Self { mean, sd }
    }

    fn standardise(&self, row: &SVector<f64, K>) -> SVector<f64, K> {
        (row - self.mean).component_div(&self.sd)
    }

    /// Coefficients of the features as they were.
    fn undo(&self, theta: &SVector<f64, K>) -> SVector<f64, K> {
        let mut plain = theta.component_div(&self.sd);
        let shift: f64 = (0..K - 1).map(|k| plain[k] * self.mean[k]).sum();
        plain[K - 1] = theta[K - 1] - shift;
        plain
    }
}

struct Problem<const K: usize> {
    rows: Vec<SVector<f64, K>>,
    /// 1 for real, -1 for generated.
    sides: Vec<f64>,
    offset: f64,
}

impl<const K: usize> Problem<K> {
    /// How far each score is on the right side of the border, as log odds.
    fn margins(&self, theta: &SVector<f64, K>) -> impl Iterator<Item = f64> {
        let (offset, theta) = (self.offset, *theta);
        self.rows.iter().zip(&self.sides).map(move |(row, side)| side * (row.dot(&theta) + offset))
    }

    /// Whether all scores are on the right side: then larger coefficients are always better.
    fn separates(&self, theta: &SVector<f64, K>) -> bool {
        self.margins(theta).all(|margin| margin > 0.0)
    }

    fn loss(&self, theta: &SVector<f64, K>, penalty: f64) -> f64 {
        let slopes: f64 = theta.iter().take(K - 1).map(|t| t * t).sum();
        let log_loss: f64 = self.margins(theta).map(|margin| softplus(-margin)).sum();
        log_loss / self.rows.len() as f64 + 0.5 * penalty * slopes
    }

    /// Where the loss is least; `None` where the search does not end or the curvature vanishes.
    fn minimise(&self, penalty: f64) -> Option<SVector<f64, K>> {
        let n = self.rows.len() as f64;
        let mut theta = SVector::<f64, K>::zeros();
        // Without slopes the best constant is 0, since the offset is that of the numbers.
        let mut loss = self.loss(&theta, penalty);
        for _ in 0..STEPS {
            let mut grad = SVector::<f64, K>::zeros();
            let mut curvature = SMatrix::<f64, K, K>::zeros();
            for ((row, side), margin) in self.rows.iter().zip(&self.sides).zip(self.margins(&theta)) {
                let wrong = logistic(-margin);
                grad -= row * (side * wrong / n);
                curvature += row * row.transpose() * (wrong * logistic(margin) / n);
            }
            for k in 0..K - 1 {
                grad[k] += penalty * theta[k];
                curvature[(k, k)] += penalty;
            }
            let step = curvature.cholesky()?.solve(&grad);
            if !step.iter().all(|s| s.is_finite()) {
                return None;
            }
            let mut length = 1.0;
            loop {
                let next = theta - step * length;
                let there = self.loss(&next, penalty);
                if there <= loss {
                    (theta, loss) = (next, there);
                    break;
                }
                length *= 0.5;
                // No step makes it smaller: the optimum to rounding.
                if length < 1e-10 {
                    return Some(theta);
                }
            }
            if step.amax() * length < SMALL * (1.0 + theta.amax()) {
                return Some(theta);
            }
        }
        (penalty > 0.0).then_some(theta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn drawn(seed: u64, n_real: usize, n_generated: usize) -> (Vec<f64>, Vec<f64>) {
        let mut stream = Stream::new(seed, 0);
        let real = (0..n_real).map(|_| stream.normal() + 0.7).collect();
        (real, (0..n_generated).map(|_| 1.5 * stream.normal()).collect())
    }

    #[test]
    fn residuals_are_orthogonal_to_every_feature() {
        // What maximum likelihood means: sum (y - P) f = 0.
        let (real, generated) = drawn(1, 300, 200);
        let scores = Scores::new(&real, &generated).unwrap();
        let features = |r: f64| [r, r * r, 1.0];
        let found = regression(scores, features);
        let mut sums = [0.0; 3];
        for (score, is_real) in scores.labelled() {
            let f = features(score);
            let logit: f64 = f.iter().zip(found).map(|(f, c)| f * c).sum::<f64>() + scores.prior_log_odds();
            let residual = f64::from(u8::from(is_real)) - logistic(logit);
            sums.iter_mut().zip(f).for_each(|(sum, f)| *sum += residual * f);
        }
        assert!(sums.iter().all(|s| s.abs() < 1e-8), "{sums:?}");
    }

    #[test]
    fn scores_that_separate_get_a_finite_slope_and_the_right_order() {
        for (real, generated) in [
            (vec![1.0, 2.0, 3.0], vec![-1.0, -2.0]),
            // Separated but for a tie.
            (vec![0.0, 2.0, 3.0], vec![-1.0, 0.0]),
            (vec![1e300, 1.1e300], vec![-1e300, -1e299]),
            (vec![-1.0, -2.0], vec![4.0, 5.0]),
        ] {
            let [a, b] = regression(Scores::new(&real, &generated).unwrap(), |r| [r, 1.0]);
            assert!(a.is_finite() && b.is_finite() && a != 0.0, "{real:?} {a} {b}");
            assert_eq!(a > 0.0, real[1] > generated[1], "{real:?} {a}");
        }
    }

    #[test]
    fn equal_scores_say_nothing() {
        let [a, b] = regression(Scores::new(&[2.0; 5], &[2.0; 9]).unwrap(), |r| [r, 1.0]);
        assert!((a * 2.0 + b).abs() < 1e-9, "{a} {b}");
        let [a, c, b] =
            regression(Scores::new(&[1.0, 2.0, 4.0], &[1.5, 3.0, 0.5]).unwrap(), |r| [r, 2.0 * r, 1.0]);
        assert!([a, c, b].iter().all(|v| v.is_finite()), "{a} {c} {b}");
    }
}
