//! Does a target keep what it promises? Asked at some points before anything is sampled.
//!
//! A target promises that its log-density has the same bits alone and with the gradient, and whatever rows it is evaluated with, since chains mix moves of both kinds in
//! blocks of any size; that its gradient is that of its log-density (`gradient_check.rs`); that it reports finite numbers, and that its symmetries are some (`symmetry_check.rs`).

use std::fmt;

use super::{
    BrokenSymmetry, EvaluationError, GradientCheck, Target, Variable, check_gradient, check_symmetries,
};
use crate::rng::SYMMETRY_STREAM;
use crate::{Batch, Points, Stream};

/// A number that came out in two ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Row of the point.
    pub row: usize,
    /// The coordinate of the derivative; `None` for the log-density.
    pub coordinate: Option<usize>,
    /// The number as it came first, and in the other way.
    pub values: [f64; 2],
}

/// What [`check_target`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetCheck {
    /// Points that were asked about.
    pub points: usize,
    /// Points whose log-density is NaN or infinite, and the first of them with its value.
    pub not_finite: (usize, Option<(usize, f64)>),
    /// The log-density of a point alone, and in the batch of all points, where their bits differ.
    pub batch: Option<Difference>,
    /// The log-density without and with the gradient, where their bits differ.
    pub with_gradient: Option<Difference>,
    /// The gradient against differences; `None` for a target without.
    pub gradient: Option<GradientCheck>,
    /// How many symmetries the target states, and the first that some image contradicts.
    pub symmetries: (usize, Option<BrokenSymmetry>),
    /// The first reported number that is not finite: the point's row, its label and its value.
    pub reported: Option<(usize, String, f64)>,
}

impl TargetCheck {
    /// Whether every promise was kept, as far as could be seen.
    pub fn passed(&self) -> bool {
        self.not_finite.0 == 0
            && self.batch.is_none()
            && self.with_gradient.is_none()
            && self.symmetries.1.is_none()
            && self.reported.is_none()
            && self.gradient.as_ref().is_none_or(|g| {
                g.passed() || (g.compared == 0 && g.worst().is_none_or(|w| w.excess() <= 1.0))
            })
    }
}

impl fmt::Display for TargetCheck {
    /// A line for each promise.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.not_finite {
            (0, _) => {
                writeln!(f, "finite: the log-density is a finite number at all {} points", self.points)?
            }
            (n, first) => {
                let (row, value) = first.unwrap_or((0, f64::NAN));
                writeln!(
                    f,
                    "NOT FINITE: the log-density is {value} at point {row}, and at {n} of {} points in all; chains cannot start there",
                    self.points
                )?;
            }
        }
        match self.batch {
            None => writeln!(f, "rows: a point has the same bits alone and among others")?,
            Some(d) => writeln!(
                f,
                "ROWS: {} is {} alone and {} among others; draws would depend on how chains are dealt to threads",
                told(&d),
                d.values[0],
                d.values[1]
            )?,
        }
        let Some(gradient) = &self.gradient else {
            write!(f, "gradient: there is none; only kernels that need none can be used (random_walk)")?;
            return self.tell_reported(f);
        };
        match self.with_gradient {
            None => writeln!(f, "both: the log-density has the same bits alone and with the gradient")?,
            Some(d) => writeln!(
                f,
                "BOTH: {} is {} alone and {} with the gradient; chains that ask for both follow neither",
                told(&d),
                d.values[0],
                d.values[1]
            )?,
        }
        write!(
            f,
            "{}: {gradient}",
            if gradient.passed() || gradient.compared == 0 { "gradient" } else { "GRADIENT" }
        )?;
        self.tell_reported(f)
    }
}

impl TargetCheck {
    fn tell_reported(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.symmetries {
            (0, _) => {}
            (_, Some(broken)) => write!(f, "\nSYMMETRY: {broken}")?,
            (n, None) => write!(f, "\nsymmetries: of {n}, none is contradicted")?,
        }
        match &self.reported {
            None => write!(f, "\nreported: every number is finite"),
            Some((row, label, value)) => write!(f, "\nREPORTED: `{label}` is {value} at point {row}"),
        }
    }
}

/// Where two numbers differ.
fn told(d: &Difference) -> String {
    match d.coordinate {
        None => format!("the log-density of point {}", d.row),
        Some(j) => format!("derivative {j} of point {}", d.row),
    }
}

/// Looks whether `target` keeps its promises at the rows of `x` (`rows x dim`): ten points where draws will be are enough. Takes some 30 evaluations
/// per coordinate of every point.
///
/// ```
/// use mixwell::Points;
/// use mixwell::density::{check_target, from_fn_with_grad};
/// let target = from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
///     grad[0] = x[0]; // the wrong sign
///     -0.5 * x[0] * x[0]
/// });
/// let found = check_target(&target, Points::from_rows(&[[0.5], [1.5]]).as_batch())?;
/// assert!(!found.passed());
/// println!("{found}");
/// # Ok::<(), mixwell::density::EvaluationError>(())
/// ```
///
/// # Errors
/// When the target can evaluate nothing any more.
///
/// # Panics
/// When the points have another dimension than the target.
pub fn check_target(target: &dyn Target, x: Batch<'_>) -> Result<TargetCheck, EvaluationError> {
    assert_eq!(x.dim(), target.dim(), "points of another dimension than the target");
    let rows = x.rows();
    let mut check = TargetCheck { points: rows, ..TargetCheck::default() };
    let mut together = vec![0.0; rows];
    target.log_prob(x, &mut together)?;
    for (row, value) in together.iter().enumerate().filter(|(_, v)| !v.is_finite()) {
        check.not_finite.0 += 1;
        check.not_finite.1.get_or_insert((row, *value));
    }
    for (row, value) in together.iter().enumerate() {
        let alone = target.log_prob_at(x.row(row))?;
        note(&mut check.batch, row, None, [alone, *value]);
    }
    if target.has_gradient() {
        let (mut values, mut grad) = (vec![0.0; rows], Points::zeros(rows, x.dim()));
        target.log_prob_and_grad(x, &mut values, grad.as_batch_mut())?;
        let (mut one, mut one_grad) = ([0.0], Points::zeros(1, x.dim()));
        for row in (0..rows).filter(|row| together[*row].is_finite()) {
            note(&mut check.with_gradient, row, None, [together[row], values[row]]);
            target.log_prob_and_grad(x.slice(row..row + 1), &mut one, one_grad.as_batch_mut())?;
            note(&mut check.batch, row, None, [one[0], values[row]]);
            for (j, pair) in one_grad.row(0).iter().zip(grad.row(row)).enumerate() {
                note(&mut check.batch, row, Some(j), [*pair.0, *pair.1]);
            }
        }
        check.gradient = Some(check_gradient(target, x)?);
    }
    let broken = check_symmetries(target, x, &mut Stream::new(0, SYMMETRY_STREAM))?;
    check.symmetries = (target.symmetries().len(), broken);
    let labels: Vec<String> = target.variables().iter().flat_map(Variable::labels).collect();
    let mut reported = vec![f64::NAN; labels.len()];
    for row in (0..rows).filter(|row| together[*row].is_finite()) {
        target.report(x.row(row), &mut reported);
        if let Some(i) = reported.iter().position(|v| !v.is_finite()) {
            check.reported.get_or_insert((row, labels[i].clone(), reported[i]));
        }
    }
    Ok(check)
}

/// Keeps the first pair whose bits differ; one NaN is as good as another.
fn note(kept: &mut Option<Difference>, row: usize, coordinate: Option<usize>, values: [f64; 2]) {
    let same = values[0].to_bits() == values[1].to_bits() || values[0].is_nan() && values[1].is_nan();
    if !same && kept.is_none() {
        *kept = Some(Difference { row, coordinate, values });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchMut;
    use crate::density::{Derived, GaussianMixtureConfig, from_fn, from_fn_with_grad};

    fn points(rows: usize, dim: usize) -> Points {
        let mut points = Points::zeros(rows, dim);
        Stream::new(3, 0).fill_normal(points.data_mut());
        points
    }

    #[test]
    fn sound_targets_pass() {
        let mixture = GaussianMixtureConfig::default().build().unwrap();
        let found = check_target(&mixture, points(10, mixture.dim()).as_batch()).unwrap();
        assert!(found.passed(), "{found}");
        assert!(found.to_string().contains("the gradient is right"), "{found}");
        let plain = from_fn(2, |x: &[f64]| -x[0].abs() - x[1].abs());
        let found = check_target(&plain, points(5, 2).as_batch()).unwrap();
        assert!(found.passed() && found.to_string().contains("there is none"), "{found}");
    }

    #[test]
    fn a_density_that_is_not_finite_and_a_wrong_gradient_are_told() {
        let cut = from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
            grad[0] = -1.0;
            if x[0] > 0.0 { -x[0] } else { f64::NEG_INFINITY }
        });
        let found = check_target(&cut, Batch::new(&[1.0, -1.0, 2.0, -2.0], 1)).unwrap();
        assert_eq!(found.not_finite, (2, Some((1, f64::NEG_INFINITY))));
        assert!(!found.passed() && found.to_string().contains("-inf at point 1"), "{found}");
        let wrong = from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
            grad[0] = -1.01 * x[0];
            -0.5 * x[0] * x[0]
        });
        let found = check_target(&wrong, Batch::new(&[1.0, -1.0], 1)).unwrap();
        assert!(!found.passed() && found.to_string().contains("GRADIENT"), "{found}");
    }

    /// Adds something to values: for many rows, and with a gradient.
    struct Drifting(f64, f64);

    impl Target for Drifting {
        fn dim(&self) -> usize {
            1
        }

        fn evaluate(
            &self,
            x: Batch<'_>,
            log_prob: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            let drift = if x.rows() > 1 { self.0 } else { 0.0 } + if grad.is_some() { self.1 } else { 0.0 };
            for (row, value) in x.iter().zip(log_prob) {
                *value = -0.5 * row[0] * row[0] + drift;
            }
            if let Some(mut grad) = grad {
                grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = -x);
            }
            Ok(())
        }
    }

    #[test]
    fn a_last_bit_that_depends_on_the_batch_or_on_the_gradient_is_told() {
        let x = points(4, 1);
        assert!(check_target(&Drifting(0.0, 0.0), x.as_batch()).unwrap().passed());
        let found = check_target(&Drifting(1e-15, 0.0), x.as_batch()).unwrap();
        assert!(!found.passed() && found.batch.is_some() && found.with_gradient.is_none(), "{found}");
        let found = check_target(&Drifting(0.0, 1e-15), x.as_batch()).unwrap();
        assert!(!found.passed() && found.with_gradient.is_some(), "{found}");
        assert!(found.to_string().contains("BOTH: the log-density of point"), "{found}");
    }

    #[test]
    fn a_reported_number_that_is_none_is_told() {
        let target = Derived::new(Drifting(0.0, 0.0)).expression("root", "sqrt(x[0])").unwrap();
        let found = check_target(&target, Batch::new(&[1.0, -1.0], 1)).unwrap();
        assert_eq!(found.reported.as_ref().map(|r| (r.0, r.1.as_str())), Some((1, "root")));
        assert!(
            !found.passed() && found.to_string().contains("REPORTED: `root` is NaN at point 1"),
            "{found}"
        );
    }
}
