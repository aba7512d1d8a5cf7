//! Is the gradient of a target right? For who writes one: every partial derivative against differences of the log-density.
//!
//! `D_k = (f(x + h_k e_j) - f(x - h_k e_j)) / 2 h_k` at [`LEVELS`] widths, each a quarter of the one before; `R_k = (16 D_{k+1} - D_k)/15`
//! is off by `O(h^4)` (Richardson). Wide differences are bent by the function, narrow ones drown in rounding: the error of `R_k` is taken
//! to be the larger distance from its neighbours, and the `R_k` where that is smallest is compared. So a noisy function (single
//! precision, a solver inside) widens what is allowed instead of being accused. A derivative that differences do not show, such as one on a kink,
//! beside the edge of the support, or of a jump, is undecided. A run looks for itself, along one direction only (`consistency.rs`).

use std::fmt;

use super::{EvaluationError, Target};
use crate::{Batch, Points};

/// Widths of differences.
const LEVELS: usize = 12;
/// The widest, relative to `max(1, |x_j|)`.
const WIDEST: f64 = 0.1;
/// Difference from the gradient that passes, relative to the larger of the two, beside the error of the difference.
const RELATIVE: f64 = 2e-6;
/// How many times its error a difference may be off.
const ERRORS: f64 = 10.0;
/// A difference whose error, [`ERRORS`] times, is a larger part of it than this decides nothing.
const VAGUE: f64 = 0.1;

/// Two numbers that should be equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disagreement {
    /// Row of the point.
    pub row: usize,
    /// The coordinate of the derivative; `None` for the log-density itself.
    pub coordinate: Option<usize>,
    /// The log-density asked for alone, or the derivative by its differences.
    pub from_value: f64,
    /// The log-density that comes with the gradient, or the gradient's entry.
    pub from_gradient: f64,
    /// The largest difference of the two that passes: what is known of `from_value`, and two millionths of it.
    pub allowed: f64,
}

impl Disagreement {
    /// Their difference in units of what is allowed: above 1 the two contradict each other.
    pub fn excess(&self) -> f64 {
        (self.from_value - self.from_gradient).abs() / self.allowed
    }
}

/// What [`check_gradient`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GradientCheck {
    /// The log-density alone and with gradient where they differ most; `None` if no point has a finite one.
    pub value: Option<Disagreement>,
    /// The partial derivative with the largest excess; `None` if nothing could be compared.
    pub slope: Option<Disagreement>,
    /// Partial derivatives that were compared.
    pub compared: usize,
    /// Partial derivatives that differences cannot decide.
    pub undecided: usize,
    /// Points whose log-density is NaN or infinite; nothing was compared there.
    pub not_finite: usize,
}

impl GradientCheck {
    /// Whether something was compared and nothing contradicts.
    pub fn passed(&self) -> bool {
        self.compared > 0 && self.worst().is_none_or(|worst| worst.excess() <= 1.0)
    }

    /// The pair with the largest excess.
    pub fn worst(&self) -> Option<Disagreement> {
        self.value.map_or(self.slope, |value| worse(self.slope, value))
    }

    fn add_slope(&mut self, found: Disagreement) {
        self.compared += 1;
        self.slope = worse(self.slope, found);
    }
}

/// The one with the larger excess; NaN is the largest.
fn worse(before: Option<Disagreement>, found: Disagreement) -> Option<Disagreement> {
    Some(before.filter(|b| b.excess().total_cmp(&found.excess()).is_ge()).unwrap_or(found))
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contradicts = |found: &Disagreement| found.excess() > 1.0 || found.excess().is_nan();
        if let Some(value) = self.value.filter(contradicts) {
            return write!(
                f,
                "point {}: the log-density is {} when asked for alone and {} when asked for with its gradient",
                value.row, value.from_value, value.from_gradient
            );
        }
        match self.slope {
            None => write!(f, "no derivative could be compared")?,
            Some(s) => write!(
                f,
                "{} point {}, coordinate {}: the gradient says {}, differences of the log-density {} (allowed: {:.1e} off)",
                if contradicts(&s) {
                    "the gradient is wrong, most of all at"
                } else {
                    "the gradient is right; furthest off is"
                },
                s.row,
                s.coordinate.unwrap_or(0),
                s.from_gradient,
                s.from_value,
                s.allowed
            )?,
        }
        write!(f, "; {} derivatives compared, {} undecided", self.compared, self.undecided)?;
        if self.not_finite > 0 {
            write!(f, ", {} points without a finite log-density", self.not_finite)?;
        }
        Ok(())
    }
}

/// Compares the gradient of `target` at the rows of `x` (`rows x dim`) with differences of its log-density, and the log-density
/// that comes with the gradient with the one asked for alone. Takes 24 evaluations per coordinate of every point.
///
/// Choose points where draws will be, some ten of them; a mistake that is zero at the origin is not seen there.
///
/// ```
/// use mixwell::Points;
/// use mixwell::density::{check_gradient, from_fn_with_grad};
/// // log-density -(x0 - 1)^2 - x1^4 / 4: the second entry of the gradient has the wrong sign.
/// let target = from_fn_with_grad(2, |x: &[f64], grad: &mut [f64]| {
///     grad[0] = -2.0 * (x[0] - 1.0);
///     grad[1] = x[1].powi(3);
///     -(x[0] - 1.0).powi(2) - x[1].powi(4) / 4.0
/// });
/// let points = Points::from_rows(&[[0.5, 0.0], [0.3, -2.0]]);
/// let found = check_gradient(&target, points.as_batch())?;
/// assert!(!found.passed());
/// let worst = found.worst().unwrap();
/// assert_eq!((worst.row, worst.coordinate, worst.from_gradient), (1, Some(1), -8.0));
/// assert!((worst.from_value - 8.0).abs() < 1e-6);
/// println!("{found}");
/// # Ok::<(), mixwell::density::EvaluationError>(())
/// ```
///
/// # Errors
/// When the target can evaluate nothing any more.
///
/// # Panics
/// When the points have another dimension than the target.
pub fn check_gradient(target: &dyn Target, x: Batch<'_>) -> Result<GradientCheck, EvaluationError> {
    assert_eq!(x.dim(), target.dim(), "points of another dimension than the target");
    let mut check = GradientCheck::default();
    let (mut alone, mut with_gradient) = (vec![0.0; x.rows()], vec![0.0; x.rows()]);
    target.log_prob(x, &mut alone)?;
    let mut grad = Points::zeros(x.rows(), x.dim());
    if !target.has_gradient() {
        return Ok(check);
    }
    target.log_prob_and_grad(x, &mut with_gradient, grad.as_batch_mut())?;
    for (row, (&from_value, &from_gradient)) in alone.iter().zip(&with_gradient).enumerate() {
        if !from_value.is_finite() {
            check.not_finite += 1;
            continue;
        }
        let allowed = super::consistency::VALUES * (1.0 + from_value.abs());
        let found = Disagreement { row, coordinate: None, from_value, from_gradient, allowed };
        check.value = worse(check.value, found);
        for coordinate in 0..x.dim() {
            let from_gradient = grad.row(row)[coordinate];
            match derivative(target, x.row(row), coordinate, from_value, from_gradient)? {
                Some((from_value, error)) => {
                    let allowed = error + RELATIVE * from_value.abs().max(from_gradient.abs());
                    let coordinate = Some(coordinate);
                    check.add_slope(Disagreement { row, coordinate, from_value, from_gradient, allowed });
                }
                None => check.undecided += 1,
            }
        }
    }
    Ok(check)
}

/// The derivative along one coordinate by differences, and by how much it may be off; `None` if that is too much to be
/// compared with `claimed`. `value` is the log-density at `x`.
fn derivative(
    target: &dyn Target,
    x: &[f64],
    coordinate: usize,
    value: f64,
    claimed: f64,
) -> Result<Option<(f64, f64)>, EvaluationError> {
    let widths: Vec<f64> =
        (0..LEVELS).map(|k| WIDEST * x[coordinate].abs().max(1.0) / 4f64.powi(k as i32)).collect();
    let mut points = Points::zeros(2 * LEVELS, x.len());
    for (k, width) in widths.iter().enumerate() {
        for (row, step) in [(2 * k, *width), (2 * k + 1, -width)] {
            points.row_mut(row).copy_from_slice(x);
            points.row_mut(row)[coordinate] += step;
        }
    }
    let mut f = vec![0.0; 2 * LEVELS];
    target.log_prob(points.as_batch(), &mut f)?;
    // The width there is, not the one that was meant.
    let quotient = |k: usize| {
        let (up, down) = (points.row(2 * k)[coordinate], points.row(2 * k + 1)[coordinate]);
        (f[2 * k] - f[2 * k + 1]) / (up - down)
    };
    let mut quotients: Vec<f64> = (0..LEVELS).map(quotient).collect();
    // A step of which nothing is left beside the rounding of the log-density says nothing, not zero.
    if let Some(first) = quotients.iter().position(|q| q.abs() > 0.0) {
        quotients[first..].iter_mut().filter(|q| **q == 0.0).for_each(|q| *q = f64::NAN);
    }
    let extrapolated: Vec<f64> = quotients.windows(2).map(|d| (16.0 * d[1] - d[0]) / 15.0).collect();
    let mut best: Option<(usize, f64)> = None;
    for (k, three) in extrapolated.windows(3).enumerate() {
        let rounding = f64::EPSILON * value.abs() / widths[k + 2];
        let error = (three[1] - three[0]).abs().max((three[2] - three[1]).abs()) + rounding;
        if error.is_finite() && best.is_none_or(|(_, least)| error < least) {
            best = Some((k + 1, error));
        }
    }
    let Some((k, error)) = best else { return Ok(None) };
    // By how much the slopes to the right and to the left differ: a quarter of it is left at the next width, unless there is a kink.
    let bend = |k: usize| (f[2 * k] - 2.0 * value + f[2 * k + 1]).abs() / widths[k];
    let kink = bend(k + 1) > 0.5 * bend(k) && bend(k + 1) > 1e-3 * claimed.abs();
    let (slope, error) = (extrapolated[k], ERRORS * error);
    let vague = error > VAGUE * slope.abs().max(claimed.abs());
    // Zero beside zero is an answer, where the difference is known to be small against what the log-density would show.
    let both_zero = slope.abs() <= error && claimed == 0.0;
    Ok(if kink && bend(k + 1) > error || vague && !both_zero { None } else { Some((slope, error)) })
}

#[cfg(test)]
mod tests {
    use super::super::consistency::tests::Shifted;
    use super::*;
    use crate::BatchMut;
    use crate::density::{from_fn, from_fn_with_grad};

    /// What is found with a density and its claimed derivative in one dimension.
    fn found(f: fn(f64) -> (f64, f64), x: &[f64]) -> GradientCheck {
        let target = from_fn_with_grad(1, move |x: &[f64], grad: &mut [f64]| {
            let (value, slope) = f(x[0]);
            grad[0] = slope;
            value
        });
        check_gradient(&target, Batch::new(x, 1)).unwrap()
    }

    #[test]
    fn right_gradients_pass_whatever_their_unit() {
        for scale in [1e-4, 1e-2, 1.0, 1e3] {
            let target = from_fn_with_grad(1, move |x: &[f64], grad: &mut [f64]| {
                let z = x[0] / scale;
                grad[0] = -z / (1.0 + z * z) / scale;
                -0.5 * (1.0 + z * z).ln() - 3000.0
            });
            for wrong in [0.0, 1e-2] {
                let x = [0.3 * scale, -1.2 * scale, 2.2 * scale];
                let found = check_gradient(&Off(&target, wrong), Batch::new(&x, 1)).unwrap();
                assert_eq!((found.passed(), found.compared), (wrong == 0.0, 3), "{scale} {wrong}: {found}");
            }
        }
    }

    /// A target whose gradient is too long by a factor.
    struct Off<'a>(&'a dyn Target, f64);

    impl Target for Off<'_> {
        fn dim(&self) -> usize {
            self.0.dim()
        }
        fn evaluate(
            &self,
            x: Batch<'_>,
            log_prob: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            let Some(mut grad) = grad else { return self.0.evaluate(x, log_prob, None) };
            self.0.evaluate(x, log_prob, Some(grad.reborrow()))?;
            grad.data_mut().iter_mut().for_each(|g| *g *= 1.0 + self.1);
            Ok(())
        }
    }

    #[test]
    fn rough_functions_are_not_accused() {
        // Single precision, a kink, an edge of the support, a jump, nothing but noise.
        let single = |x: f64| (f64::from(-(x as f32).powi(2) / 2.0 - 300.0), -x);
        assert!(found(single, &[1.0, 2.0, -0.3, 0.7]).passed());
        let kink = found(|x| (-x.abs(), -x.signum()), &[0.0, 1.0, -2.0, 1e-3]);
        assert!(kink.passed() && kink.undecided == 1, "{kink}");
        let edge = |x: f64| (if x > 0.0 { -x } else { f64::NEG_INFINITY }, -1.0);
        let edge = found(edge, &[1e-9, 1.0, 0.01, -1.0]);
        assert!(edge.passed() && edge.not_finite == 1, "{edge}");
        let jump = found(|x| (-x * x / 2.0 - f64::from(x > 0.5), -x), &[0.5, 0.501, 1.0]);
        assert!(jump.passed() && jump.compared >= 2, "{jump}");
        let noise = found(|x| ((x * 1e9).sin(), 0.7), &[0.1, 0.2, 0.3]);
        assert_eq!((noise.compared, noise.undecided, noise.passed()), (0, 3, false));
    }

    #[test]
    fn the_worst_point_and_coordinate_are_named() {
        let target = from_fn_with_grad(3, |x: &[f64], grad: &mut [f64]| {
            grad.copy_from_slice(&[-x[0], -1.001 * x[1], -1.5 * x[2]]);
            -0.5 * x.iter().map(|v| v * v).sum::<f64>()
        });
        let points = Points::from_rows(&[[0.1, 0.2, 0.3], [1.0, 2.0, 0.01], [5.0, 0.0, 7.0]]);
        let found = check_gradient(&target, points.as_batch()).unwrap();
        let worst = found.worst().unwrap();
        assert_eq!((worst.coordinate, worst.from_gradient), (Some(2), -1.5 * points.row(worst.row)[2]));
        assert!(!found.passed() && found.compared == 9, "{found}");
        let told = found.to_string();
        assert!(told.contains("the gradient is wrong") && told.contains("coordinate 2"), "{told}");
    }

    #[test]
    fn values_that_differ_are_told() {
        let found = check_gradient(&Shifted, Batch::new(&[0.5, 1.0], 1)).unwrap();
        assert!(!found.passed() && found.slope.unwrap().excess() < 1.0);
        assert!(found.to_string().contains("asked for alone"), "{found}");
    }

    #[test]
    fn without_gradient_nothing_is_compared() {
        let found = check_gradient(&from_fn(1, |x: &[f64]| -x[0] * x[0]), Batch::new(&[1.0], 1)).unwrap();
        assert!(!found.passed() && found.worst().is_none());
        assert!(found.to_string().contains("no derivative"), "{found}");
    }

    #[test]
    fn a_derivative_of_nan_is_wrong() {
        let broken = found(|x| (-x * x, if x > 0.5 { f64::NAN } else { -2.0 * x }), &[0.3, 1.0, 0.4]);
        assert!(!broken.passed() && broken.worst().unwrap().row == 1, "{broken}");
        assert!(broken.to_string().contains("wrong"), "{broken}");
    }
}
