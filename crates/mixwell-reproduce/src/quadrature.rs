//! Exact draws of a law in the plane that has no sampler of its own: a cell of a fine grid by its mass, then a point of the cell.

use mixwell::density::{BaseLaw, EvaluationError, ExactSampler, Facts, Target, Variable};
use mixwell::ebm::Grid;
use mixwell::{Batch, BatchMut, ConfigError, Stream};
use serde::{Deserialize, Serialize};

/// A box in the plane and its cells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quadrature {
    /// The lower corner.
    low: [f64; 2],
    /// The upper corner.
    high: [f64; 2],
    /// Cells on a side.
    cells: usize,
}

/// A target of the plane with draws by quadrature.
pub(crate) struct ByQuadrature {
    target: Box<dyn Target>,
    grid: Grid,
    /// Mass up to each cell, the last is one.
    cumulative: Vec<f64>,
}

impl Quadrature {
    /// The target with exact draws, as exact as the grid is fine.
    ///
    /// # Errors
    /// When it is not of the plane, or the box does not hold the law.
    pub(crate) fn around(&self, target: Box<dyn Target>) -> Result<ByQuadrature, ConfigError> {
        let refused = |value: String, reason: &str| ConfigError::new("quadrature", value, reason);
        if target.dim() != 2 {
            return Err(refused(format!("for {} coordinates", target.dim()), "it needs two"));
        }
        let grid = Grid::new(self.low, self.high, self.cells)?;
        let density = grid.density(&*target).map_err(|e| refused("of this target".into(), &e.to_string()))?;
        if !density.fits() {
            let share = format!("a box with {:.1e} of the mass at its edge", density.edge_share());
            return Err(refused(share, "choose a larger one"));
        }
        let log_z = density.log_evidence() - grid.log_cell();
        let mut total = 0.0;
        let mut cumulative: Vec<f64> = density
            .log_prob()
            .iter()
            .map(|l| {
                total += (l - log_z).exp();
                total
            })
            .collect();
        cumulative.iter_mut().for_each(|c| *c /= total);
        Ok(ByQuadrature { target, grid, cumulative })
    }
}

impl ExactSampler for ByQuadrature {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        let u = stream.uniform();
        let cell = self.cumulative.partition_point(|c| *c <= u).min(self.cumulative.len() - 1);
        let n = self.grid.cells();
        let middle = self.grid.middle(cell / n, cell % n);
        for k in 0..2 {
            let width = (self.grid.high()[k] - self.grid.low()[k]) / n as f64;
            x[k] = middle[k] + width * (stream.uniform() - 0.5);
        }
    }
}

impl Target for ByQuadrature {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.target.evaluate(x, log_prob, grad)
    }

    fn has_gradient(&self) -> bool {
        self.target.has_gradient()
    }

    fn version(&self) -> u64 {
        self.target.version()
    }

    fn variables(&self) -> Vec<Variable> {
        self.target.variables()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        self.target.report(x, out);
    }

    fn facts(&self) -> Facts {
        self.target.facts()
    }

    fn base(&self) -> Option<BaseLaw<'_>> {
        self.target.base()
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        self.target.exact_sampler().or(Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::density::from_fn;

    #[test]
    fn draws_have_the_moments_of_the_law() {
        // Correlated normal coordinates, of which nobody says how to draw them: variances 1 and 1.25, covariance .5.
        let law = from_fn(2, |x: &[f64]| -0.5 * (x[0] * x[0] + (x[1] - 0.5 * x[0]).powi(2)));
        let box_of = |r: f64| Quadrature { low: [-r, -r], high: [r, r], cells: 600 };
        let target = box_of(8.0).around(Box::new(law)).unwrap();
        let n = 40_000;
        let x = target.exact_sampler().unwrap().sample_rows(&mut Stream::new(1, 0), n, 2);
        let mean = |f: fn(&[f64]) -> f64| x.as_batch().iter().map(f).sum::<f64>() / n as f64;
        // Standard errors: .005, .009, .006.
        assert!(mean(|x| x[0]).abs() < 0.025);
        assert!((mean(|x| x[1] * x[1]) - 1.25).abs() < 0.045);
        assert!((mean(|x| x[0] * x[1]) - 0.5).abs() < 0.035);
        let law = from_fn(2, |x: &[f64]| -0.5 * (x[0] * x[0] + x[1] * x[1]));
        assert!(box_of(1.0).around(Box::new(law)).err().unwrap().to_string().contains("larger"));
        assert!(box_of(8.0).around(Box::new(from_fn(1, |x: &[f64]| -x[0] * x[0]))).is_err());
    }
}
