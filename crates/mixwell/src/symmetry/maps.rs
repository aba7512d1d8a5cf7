//! Any finite list of maps `x -> A x + b` with `|det A| = 1`; the identity and the inverse of each belong to it.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{Symmetry, slant};
use crate::scratch::scratch;
use crate::{ConfigError, Stream, range};

/// How far a determinant may be from 1, and a matrix from another, to count as equal.
const EQUAL: f64 = 1e-9;

/// Settings of [`Maps`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MapsConfig {
    /// The matrices `A`, each row after row.
    pub matrices: Vec<Vec<Vec<f64>>>,
    /// The shifts `b`, one for each matrix; empty for none.
    pub shifts: Vec<Vec<f64>>,
}

impl MapsConfig {
    /// Checks everything that does not depend on the dimension.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.matrices.is_empty() {
            return Err(ConfigError::new("matrices", "[]", "give at least one"));
        }
        if !self.shifts.is_empty() && self.shifts.len() != self.matrices.len() {
            let reason = format!("one for each of {} matrices, or none at all", self.matrices.len());
            return Err(ConfigError::new("shifts", self.shifts.len(), reason));
        }
        self.shifts.iter().try_for_each(|shift| range::vector("shifts", shift))
    }

    /// The symmetry in `dim` dimensions.
    ///
    /// # Errors
    /// When a matrix has another size or does not keep volume.
    pub fn build(&self, dim: usize) -> Result<Maps, ConfigError> {
        self.check()?;
        let mut maps = vec![Map { matrix: DMatrix::identity(dim, dim), shift: vec![0.0; dim] }];
        for (k, rows) in self.matrices.iter().enumerate() {
            range::square("matrices", rows, dim)?;
            let matrix = DMatrix::from_fn(dim, dim, |i, j| rows[i][j]);
            let determinant = matrix.determinant();
            let inverse = matrix.clone().try_inverse();
            let Some(inverse) = inverse.filter(|_| (determinant.abs() - 1.0).abs() < EQUAL) else {
                let reason =
                    format!("matrix {k} has determinant {determinant}: a symmetry keeps volume, 1 or -1");
                return Err(ConfigError::new("matrices", k, reason));
            };
            let shift = self.shifts.get(k).cloned().unwrap_or_else(|| vec![0.0; dim]);
            if shift.len() != dim {
                return Err(ConfigError::new(
                    "shifts",
                    shift.len(),
                    format!("{dim} numbers each are needed"),
                ));
            }
            let back = inverse.row_iter().map(|row| -row.iter().zip(&shift).map(|(a, b)| a * b).sum::<f64>());
            let back = Map { shift: back.collect(), matrix: inverse };
            for map in [Map { matrix, shift }, back] {
                if !maps.iter().any(|known| known.is_close(&map)) {
                    maps.push(map);
                }
            }
        }
        let identity = DMatrix::<f64>::identity(dim, dim);
        let turns_gradients =
            maps.iter().all(|m| (m.matrix.transpose() * &m.matrix - &identity).amax() < EQUAL);
        Ok(Maps { maps, turns_gradients })
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Map {
    matrix: DMatrix<f64>,
    shift: Vec<f64>,
}

impl Map {
    fn is_close(&self, other: &Self) -> bool {
        let shift = self.shift.iter().zip(&other.shift).all(|(a, b)| (a - b).abs() < EQUAL);
        shift && (&self.matrix - &other.matrix).amax() < EQUAL
    }

    fn apply(&self, x: &[f64], shift: bool, out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            let sum: f64 = x.iter().enumerate().map(|(j, x)| self.matrix[(i, j)] * x).sum();
            *out = if shift { sum + self.shift[i] } else { sum };
        }
    }
}

/// A finite list of maps that keep volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Maps {
    /// The identity first.
    maps: Vec<Map>,
    turns_gradients: bool,
}

impl Symmetry for Maps {
    fn name(&self) -> String {
        format!("{} maps", self.maps.len())
    }

    fn element_len(&self) -> usize {
        1
    }

    fn draw(&self, stream: &mut Stream, element: &mut [f64]) {
        element[0] = stream.index(self.maps.len()) as f64;
    }

    fn apply(&self, element: &[f64], x: &[f64], out: &mut [f64]) {
        self.maps[element[0] as usize].apply(x, true, out);
    }

    fn apply_to_gradient(&self, element: &[f64], grad: &[f64], out: &mut [f64]) -> bool {
        if self.turns_gradients {
            self.maps[element[0] as usize].apply(grad, false, out);
        }
        self.turns_gradients
    }

    fn order(&self) -> Option<u64> {
        Some(self.maps.len() as u64)
    }

    fn element(&self, index: u64, element: &mut [f64]) {
        element[0] = index as f64;
    }

    /// The highest image.
    fn fold(&self, x: &mut [f64]) {
        let height = |x: &[f64]| -> f64 { x.iter().enumerate().map(|(i, x)| slant(i) * x).sum() };
        let (mut best, mut image) = (scratch(x.len()), scratch(x.len()));
        best.copy_from_slice(x);
        for map in &self.maps[1..] {
            map.apply(x, true, &mut image);
            if height(&image) > height(&best) {
                best.copy_from_slice(&image);
            }
        }
        x.copy_from_slice(&best);
    }

    fn folds(&self) -> bool {
        true
    }
}
