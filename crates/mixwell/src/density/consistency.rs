//! Whether a target contradicts itself: the value alone is compared with the value beside a gradient, and the gradient with
//! finite differences of the value.
//!
//! Chains mix moves of both kinds, so values that differ make a chain that follows neither. Along one direction `d` of coordinates `+-1`
//! (those of a fixed stream) the slope `g(x).d` is compared with `(f(x + h d) - f(x - h d)) / 2h`, `h` relative to the
//! size of `x`, for two widths, each halved once. A discrepancy counts when halving `h` changes the difference by much less than
//! the discrepancy itself; a kink, rounding, the edge of the support or a scale far below `h` leave a point undecided. Relative errors
//! of up to [`VALUES`] in the value and [`SLOPES`] in the slope are allowed, which is enough for single precision.

use super::{EvaluationError, Target};
use crate::{Batch, Points, Stream};

/// Relative difference of two values of one point that passes.
pub(super) const VALUES: f64 = 1e-5;
/// Relative difference of a slope and a difference quotient that passes.
const SLOPES: f64 = 0.02;
/// Widths of the differences, relative to `max(1, |x_i|)`.
const WIDTHS: [f64; 2] = [1e-3, 1e-5];
/// Points whose gradients are looked at.
const POINTS: usize = 4;
/// Any fixed stream will do.
const DIRECTION: (u64, u64) = (11, 0);

/// Two numbers that should be equal and are not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Contradiction {
    /// Row of the point where it was found.
    pub row: usize,
    /// Which numbers.
    pub kind: ContradictionKind,
    /// The value alone, or the difference quotient of the value.
    pub from_value: f64,
    /// The value that comes with the gradient, or the slope by the gradient.
    pub from_gradient: f64,
}

/// What contradicts what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContradictionKind {
    /// The value alone, and the value that comes with the gradient.
    Values,
    /// The difference quotient of the value, and the gradient.
    Slopes,
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (a, b) = (self.from_value, self.from_gradient);
        match self.kind {
            ContradictionKind::Values => {
                write!(
                    f,
                    "the log-density is {a} when asked for alone and {b} when asked for with its gradient"
                )
            }
            ContradictionKind::Slopes => {
                write!(
                    f,
                    "along one direction the log-density changes by {a:.6} per unit, but its gradient says {b:.6}"
                )
            }
        }
    }
}

/// The first contradiction at the rows of `x`; rows where something is not finite say nothing. Of wrong slopes, most of
/// the rows looked at must have one: a single point may lie on a kink.
///
/// # Errors
/// When the target can evaluate nothing any more.
pub(crate) fn contradiction(
    target: &dyn Target,
    x: Batch<'_>,
) -> Result<Option<Contradiction>, EvaluationError> {
    let mut grad = Points::zeros(x.rows(), x.dim());
    let (mut alone, mut with_gradient) = (vec![0.0; x.rows()], vec![0.0; x.rows()]);
    target.log_prob(x, &mut alone)?;
    target.log_prob_and_grad(x, &mut with_gradient, grad.as_batch_mut())?;
    for (row, (&from_value, &from_gradient)) in alone.iter().zip(&with_gradient).enumerate() {
        let off = (from_value - from_gradient).abs();
        if off.is_finite() && off > VALUES * (1.0 + from_value.abs()) {
            return Ok(Some(Contradiction {
                row,
                kind: ContradictionKind::Values,
                from_value,
                from_gradient,
            }));
        }
    }
    let mut stream = Stream::new(DIRECTION.0, DIRECTION.1);
    let direction: Vec<f64> = (0..x.dim()).map(|_| if stream.uniform() < 0.5 { -1.0 } else { 1.0 }).collect();
    let looked_at = x.rows().min(POINTS);
    let mut wrong = Vec::new();
    for row in 0..looked_at {
        let slope: f64 = grad.row(row).iter().zip(&direction).map(|(g, d)| g * d).sum();
        let Some(difference) = believed_difference(target, x.row(row), &direction, slope)? else { continue };
        let off = (slope - difference).abs();
        if off > SLOPES * slope.abs().max(difference.abs()) && off > VALUES * (1.0 + alone[row].abs()) {
            wrong.push(Contradiction {
                row,
                kind: ContradictionKind::Slopes,
                from_value: difference,
                from_gradient: slope,
            });
        }
    }
    Ok(if 2 * wrong.len() > looked_at { wrong.first().copied() } else { None })
}

/// The difference quotient that is nearest to the slope, if it can be told from the slope or agrees with it.
fn believed_difference(
    target: &dyn Target,
    x: &[f64],
    direction: &[f64],
    slope: f64,
) -> Result<Option<f64>, EvaluationError> {
    let size = x.iter().fold(1.0, |size: f64, v| size.max(v.abs()));
    let mut nearest: Option<f64> = None;
    for width in WIDTHS {
        let h = width * size;
        let mut points = Points::zeros(4, x.len());
        for (row, step) in [h, -h, h / 2.0, -h / 2.0].into_iter().enumerate() {
            for ((p, v), d) in points.row_mut(row).iter_mut().zip(x).zip(direction) {
                *p = v + step * d;
            }
        }
        let mut f = [0.0; 4];
        target.log_prob(points.as_batch(), &mut f)?;
        let (wide, narrow) = ((f[0] - f[1]) / (2.0 * h), (f[2] - f[3]) / h);
        let stable = (wide - narrow).abs() <= 0.1 * (narrow - slope).abs().max(SLOPES * narrow.abs());
        if slope.is_finite() && narrow.is_finite() && stable {
            nearest = Some(match nearest {
                Some(old) if (old - slope).abs() < (narrow - slope).abs() => old,
                _ => narrow,
            });
        }
    }
    Ok(nearest)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::BatchMut;
    use crate::density::{NoData, catalogue, from_fn_with_grad};

    /// What is found with a density and its claimed gradient in one dimension.
    fn found(f: fn(f64) -> (f64, f64), x: &[f64]) -> Option<Contradiction> {
        let target = from_fn_with_grad(1, move |x: &[f64], grad: &mut [f64]| {
            let (value, slope) = f(x[0]);
            grad[0] = slope;
            value
        });
        contradiction(&target, Batch::new(x, 1)).unwrap()
    }

    /// Loses a constant where the gradient is asked for.
    pub(in crate::density) struct Shifted;

    impl Target for Shifted {
        fn dim(&self) -> usize {
            1
        }
        fn evaluate(
            &self,
            x: Batch<'_>,
            log_prob: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            let shift = if grad.is_some() { 0.9 } else { 0.0 };
            log_prob.iter_mut().zip(x.data()).for_each(|(f, x)| *f = -x * x / 2.0 - shift);
            if let Some(mut grad) = grad {
                grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = -x);
            }
            Ok(())
        }
    }

    #[test]
    fn values_that_differ_are_found() {
        let x = [0.3, -1.0];
        let c = contradiction(&Shifted, Batch::new(&x, 1)).unwrap().unwrap();
        assert_eq!((c.row, c.kind), (0, ContradictionKind::Values));
        assert!((c.from_value - c.from_gradient - 0.9).abs() < 1e-12);
    }

    #[test]
    fn wrong_gradients_are_found() {
        let wrong: [fn(f64) -> (f64, f64); 3] =
            [|x| (-x * x / 2.0, x), |x| (-x * x / 2.0, -1.1 * x), |x| (-x.powi(4), -3.0 * x.powi(3))];
        for wrong in wrong {
            let c = found(wrong, &[0.4, -1.3, 2.2]).unwrap();
            assert_eq!(c.kind, ContradictionKind::Slopes);
        }
        // A narrow target: its scale is a thousandth.
        assert!(found(|x| (-x * x * 5e5, -2e6 * x), &[0.001, -0.002]).is_some());
    }

    #[test]
    fn right_gradients_pass_at_kinks_edges_and_in_single_precision() {
        assert_eq!(found(|x| (-x.abs(), -x.signum()), &[0.0, 1.0, -2.0]), None);
        assert_eq!(found(|x| (if x > 0.0 { -x } else { f64::NEG_INFINITY }, -1.0), &[1e-7, 1.0]), None);
        assert_eq!(found(|x| (f64::NAN * x, 0.0), &[1.0, 2.0]), None);
        assert_eq!(found(|x| (-x * x * 5e11, -1e12 * x), &[1e-6, -2e-6]), None);
        assert_eq!(
            found(|x| (f64::from(-(x as f32).powi(2) / 2.0 - 300.0), -x), &[1.0, 2.0, -0.3, 0.7]),
            None
        );
    }

    #[test]
    fn built_in_targets_do_not_contradict_themselves() {
        for entry in catalogue() {
            let Ok(target) = entry.config.build(&NoData) else { continue };
            let mut stream = Stream::new(1, 0);
            let mut x = Points::zeros(6, target.dim());
            x.as_batch_mut().data_mut().iter_mut().for_each(|v| *v = 0.5 * stream.normal());
            if target.has_gradient() {
                assert_eq!(contradiction(&*target, x.as_batch()).unwrap(), None, "{}", entry.kind);
            }
        }
    }
}
