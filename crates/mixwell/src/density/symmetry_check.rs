//! Is a stated symmetry one? Log-densities of points beside those of their images.

use std::fmt;

use super::{EvaluationError, Target};
use crate::symmetry::Symmetry;
use crate::{Batch, Points, Stream};

/// Difference of two log-densities that rounding explains, in units of `1 + |log-density|`: wide enough for single precision.
const ROUNDING: f64 = 1e-5;
/// Images of every point.
const IMAGES: usize = 4;

/// A point and an image of it whose log-densities differ.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenSymmetry {
    /// The symmetry that is none.
    pub name: String,
    /// The point (`dim`), and its image.
    pub point: Vec<f64>,
    /// See there.
    pub image: Vec<f64>,
    /// Log-densities of both.
    pub log_prob: (f64, f64),
}

impl fmt::Display for BrokenSymmetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = |x: &[f64]| {
            let shown: Vec<String> = x.iter().take(6).map(|v| format!("{v:.4}")).collect();
            format!("({}{})", shown.join(", "), if x.len() > 6 { ", .." } else { "" })
        };
        write!(
            f,
            "{} is no symmetry of the target: the log-density is {} at {} and {} at its image {}",
            self.name,
            self.log_prob.0,
            head(&self.point),
            self.log_prob.1,
            head(&self.image)
        )
    }
}

/// Looks for a symmetry that `target` states and that some images of the rows of `x` (`rows x dim`) contradict. Four evaluations for each point and symmetry.
/// A point without a finite log-density shows nothing.
///
/// # Errors
/// When the target cannot be evaluated any more.
pub fn check_symmetries(
    target: &dyn Target,
    x: Batch<'_>,
    stream: &mut Stream,
) -> Result<Option<BrokenSymmetry>, EvaluationError> {
    let mut log_prob = vec![0.0; x.rows()];
    target.log_prob(x, &mut log_prob)?;
    for symmetry in target.symmetries() {
        if let Some(broken) = broken(target, &**symmetry, x, &log_prob, stream)? {
            return Ok(Some(broken));
        }
    }
    Ok(None)
}

fn broken(
    target: &dyn Target,
    symmetry: &dyn Symmetry,
    x: Batch<'_>,
    log_prob: &[f64],
    stream: &mut Stream,
) -> Result<Option<BrokenSymmetry>, EvaluationError> {
    let mut images = Points::zeros(x.rows(), x.dim());
    let mut element = vec![0.0; symmetry.element_len()];
    let mut theirs = vec![0.0; x.rows()];
    for _ in 0..IMAGES {
        for (row, point) in x.iter().enumerate() {
            symmetry.draw(stream, &mut element);
            symmetry.apply(&element, point, images.row_mut(row));
        }
        target.log_prob(images.as_batch(), &mut theirs)?;
        for (row, (here, there)) in log_prob.iter().zip(&theirs).enumerate() {
            let equal = (here - there).abs() <= ROUNDING * (1.0 + here.abs());
            if here.is_finite() && !equal {
                let (point, image) = (x.row(row).to_vec(), images.row(row).to_vec());
                let name = symmetry.name();
                return Ok(Some(BrokenSymmetry { name, point, image, log_prob: (*here, *there) }));
            }
        }
    }
    Ok(None)
}
