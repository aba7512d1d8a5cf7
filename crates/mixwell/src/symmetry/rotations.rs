//! Rotations of space, about the origin, of all points at once: `space` coordinates each.
//!
//! A rotation is drawn from the Haar measure: the rows of a matrix of normal numbers, made orthonormal one after the other.

use serde::{Deserialize, Serialize};

use super::Symmetry;
use crate::scratch::scratch;
use crate::{ConfigError, Stream, range};

/// Most coordinates of space: a rotation is a matrix of that size.
const MOST_SPACE: usize = 64;

/// Settings of [`Rotations`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotationsConfig {
    /// Coordinates of space: the point is a list of vectors of so many.
    pub space: usize,
    /// Whether mirror images are as likely, too.
    pub reflections: bool,
}

impl Default for RotationsConfig {
    fn default() -> Self {
        Self { space: 3, reflections: false }
    }
}

impl RotationsConfig {
    /// Checks every range that does not depend on the dimension.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("space", self.space, 2, MOST_SPACE)
    }

    /// The symmetry in `dim` dimensions.
    ///
    /// # Errors
    /// When they are no whole number of vectors.
    pub fn build(&self, dim: usize) -> Result<Rotations, ConfigError> {
        self.check()?;
        if !dim.is_multiple_of(self.space) || dim == 0 {
            let reason = format!("{dim} coordinates are no whole number of such vectors");
            return Err(ConfigError::new("space", self.space, reason));
        }
        Ok(Rotations { space: self.space, reflections: self.reflections })
    }
}

/// Rotations of all vectors of a point alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotations {
    space: usize,
    reflections: bool,
}

impl Rotations {
    /// Of vectors of `space` coordinates, with their mirror images if wanted.
    pub(crate) fn new(space: usize, reflections: bool) -> Self {
        Self { space, reflections }
    }

    /// Makes row `row` orthogonal to those before it and gives it length 1.
    fn orthonormal(&self, matrix: &mut [f64], row: usize) {
        let (before, this) = matrix.split_at_mut(row * self.space);
        let this = &mut this[..self.space];
        // Twice: what the first pass leaves of the rows before is rounding, what the second leaves is none.
        for _ in 0..2 {
            for other in before.chunks_exact(self.space) {
                let along: f64 = other.iter().zip(&*this).map(|(a, b)| a * b).sum();
                this.iter_mut().zip(other).for_each(|(t, o)| *t -= along * o);
            }
        }
        let length = this.iter().map(|v| v * v).sum::<f64>().sqrt();
        this.iter_mut().for_each(|v| *v /= length);
    }
}

/// The sign of the determinant of an orthogonal matrix, by elimination.
fn is_mirror(matrix: &[f64], n: usize) -> bool {
    let mut a = scratch(n * n);
    a.copy_from_slice(matrix);
    let mut mirror = false;
    for column in 0..n {
        let pivot = (column..n).max_by(|&i, &j| a[i * n + column].abs().total_cmp(&a[j * n + column].abs()));
        let pivot = pivot.unwrap_or(column);
        if pivot != column {
            (0..n).for_each(|k| a.swap(pivot * n + k, column * n + k));
            mirror = !mirror;
        }
        mirror ^= a[column * n + column] < 0.0;
        for row in column + 1..n {
            let factor = a[row * n + column] / a[column * n + column];
            (column..n).for_each(|k| a[row * n + k] -= factor * a[column * n + k]);
        }
    }
    mirror
}

impl Symmetry for Rotations {
    fn name(&self) -> String {
        if self.reflections { "rotations and mirrors".into() } else { "rotations".into() }
    }

    fn element_len(&self) -> usize {
        self.space * self.space
    }

    fn draw(&self, stream: &mut Stream, element: &mut [f64]) {
        stream.fill_normal(element);
        (0..self.space).for_each(|row| self.orthonormal(element, row));
        if !self.reflections && is_mirror(element, self.space) {
            element[..self.space].iter_mut().for_each(|v| *v = -*v);
        }
    }

    fn apply(&self, element: &[f64], x: &[f64], out: &mut [f64]) {
        for (x, out) in x.chunks_exact(self.space).zip(out.chunks_exact_mut(self.space)) {
            for (out, row) in out.iter_mut().zip(element.chunks_exact(self.space)) {
                *out = row.iter().zip(x).map(|(a, b)| a * b).sum();
            }
        }
    }

    fn order(&self) -> Option<u64> {
        None
    }

    fn element(&self, _: u64, element: &mut [f64]) {
        element.iter_mut().enumerate().for_each(|(i, e)| *e = f64::from(i % (self.space + 1) == 0));
    }
}
