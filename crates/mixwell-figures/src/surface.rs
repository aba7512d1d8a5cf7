//! A log-density on a grid.

use serde::{Deserialize, Serialize};

/// Values of a function of two numbers at equally spaced places, row after row from the lowest, each from left to right.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// From where to where, both ends among the places.
    pub x: [f64; 2],
    /// From where to where, both ends among the places.
    pub y: [f64; 2],
    /// Places from left to right.
    pub columns: usize,
    /// `rows x columns` values.
    pub values: Vec<f64>,
}

impl Surface {
    /// Evaluates `log_density` on `columns x rows` places.
    ///
    /// ```
    /// let bump = mixwell_figures::Surface::from_fn([-3.0, 3.0], [-2.0, 2.0], 61, 41, |x, y| -0.5 * (x * x + y * y));
    /// assert_eq!((bump.rows(), bump.values[20 * 61 + 30]), (41, 0.0));
    /// ```
    ///
    /// # Panics
    /// With fewer than two columns or rows.
    pub fn from_fn(
        x: [f64; 2],
        y: [f64; 2],
        columns: usize,
        rows: usize,
        log_density: impl Fn(f64, f64) -> f64,
    ) -> Self {
        assert!(columns > 1 && rows > 1, "two columns and rows at least");
        let mut surface = Self { x, y, columns, values: vec![0.0; columns * rows] };
        let places = surface.places();
        surface.values = places.into_iter().map(|[x, y]| log_density(x, y)).collect();
        surface
    }

    /// The places in the order of the values, for functions that take many points at once.
    pub fn places(&self) -> Vec<[f64; 2]> {
        let rows = self.rows();
        (0..rows * self.columns)
            .map(|i| self.place((i % self.columns) as f64, (i / self.columns) as f64))
            .collect()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// The same less the logarithm of its integral over the grid, so that densities known up to a factor can be compared.
    pub fn normalised(mut self) -> Self {
        let largest = self.largest();
        let sum: f64 = self.values.iter().filter(|v| !v.is_nan()).map(|v| (v - largest).exp()).sum();
        let step = |[from, to]: [f64; 2], n: usize| (to - from) / (n.max(2) - 1) as f64;
        let log_integral = largest + (sum * step(self.x, self.columns) * step(self.y, self.rows())).ln();
        if log_integral.is_finite() {
            self.values.iter_mut().for_each(|v| *v -= log_integral);
        }
        self
    }

    /// The largest finite value; minus infinity if there is none.
    pub(crate) fn largest(&self) -> f64 {
        self.values.iter().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The place that is `column` steps from the left and `row` steps from below.
    pub(crate) fn place(&self, column: f64, row: f64) -> [f64; 2] {
        let along = |[from, to]: [f64; 2], k: f64, n: usize| from + (to - from) * k / (n.max(2) - 1) as f64;
        [along(self.x, column, self.columns), along(self.y, row, self.rows())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normalised_density_integrates_to_one() {
        // ln of 7 exp(-(x^2+y^2)/2) becomes -ln(2 pi) at the origin.
        let bump =
            Surface::from_fn([-7.0, 7.0], [-7.0, 7.0], 141, 71, |x, y| 7f64.ln() - 0.5 * (x * x + y * y));
        let normal = bump.normalised();
        assert!((normal.largest() + std::f64::consts::TAU.ln()).abs() < 1e-6);
    }
}
