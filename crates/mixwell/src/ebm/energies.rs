//! The energy of points under a law, `-log p(x)` up to its constant: what it takes them for.

use rayon::prelude::*;

use crate::Batch;
use crate::density::{EvaluationError, Target};

/// Rows that are evaluated at once.
const ROWS: usize = 256;

/// `-log_prob` of every row, base and temperature included: high where the law has little, so it tells what it has not learned.
///
/// # Errors
/// When the law cannot be evaluated.
///
/// # Panics
/// When points and law differ in dimension.
pub fn energies(target: &dyn Target, points: Batch<'_>) -> Result<Vec<f64>, EvaluationError> {
    assert_eq!(target.dim(), points.dim(), "points and law differ in dimension");
    let mut energies = vec![0.0; points.rows()];
    energies.par_chunks_mut(ROWS).enumerate().try_for_each(|(block, energies)| {
        let first = block * ROWS;
        target.log_prob(points.slice(first..first + energies.len()), energies)?;
        energies.iter_mut().for_each(|e| *e = -*e);
        Ok(())
    })?;
    Ok(energies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::from_fn;

    #[test]
    fn every_row_has_its_own() {
        let law = from_fn(2, |x: &[f64]| x[0] - 2.0 * x[1]);
        let points: Vec<f64> = (0..2000).map(f64::from).collect();
        let found = energies(&law, Batch::new(&points, 2)).unwrap();
        assert_eq!(found.len(), 1000);
        assert!((0..1000).all(|i| found[i] == 2.0 * points[2 * i + 1] - points[2 * i]));
    }
}
