//! Variance or covariance within chains, pooled over chains, one step at a time.
//!
//! Every chain keeps its own mean; the squares around these means are summed over all chains. So chains that sit in
//! different modes give the shape of a mode, not the distance between modes, which is what a local kernel needs.
//! Estimate: `s^2 = M2 / n`, `n = chains * (steps - 1)`, regularised as in Stan: `n/(n+5) s^2 + 5/(n+5) 1e-3 I`.
//! Reference: Welford, Technometrics 4 (1962), for the update.

use serde::{Deserialize, Serialize};

use super::metric::MetricKind;
use crate::proposal::Scale;
use crate::{Batch, Points};

/// Running moments of all chains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    steps: u64,
    mean: Points,
    m2: Vec<f64>,
    dense: bool,
}

impl Moments {
    pub(super) fn new(kind: MetricKind) -> Self {
        let dense = kind == MetricKind::Dense;
        Self { steps: 0, mean: Points::default(), m2: Vec::new(), dense }
    }

    /// Takes in the positions of all chains after one step.
    pub(super) fn add(&mut self, x: Batch<'_>) {
        let dim = x.dim();
        if self.steps == 0 {
            self.mean = Points::zeros(x.rows(), dim);
            self.m2 = vec![0.0; if self.dense { dim * dim } else { dim }];
        }
        self.steps += 1;
        let n = self.steps as f64;
        let mut delta = vec![0.0; dim];
        for (chain, x) in x.iter().enumerate() {
            let mean = self.mean.row_mut(chain);
            for ((d, m), x) in delta.iter_mut().zip(mean).zip(x) {
                *d = x - *m;
                *m += *d / n;
            }
            // x - new mean = (n-1)/n (x - old mean), so one deviation is enough and the update is symmetric.
            let c = (n - 1.0) / n;
            if self.dense {
                for (i, row) in self.m2.chunks_exact_mut(dim).enumerate() {
                    let d = c * delta[i];
                    row.iter_mut().zip(&delta).for_each(|(m, e)| *m += d * e);
                }
            } else {
                self.m2.iter_mut().zip(&delta).for_each(|(m, d)| *m += c * d * d);
            }
        }
    }

    /// The regularised estimate; `None` with fewer than two steps or when it is not finite.
    pub(super) fn scale(&self) -> Option<Scale> {
        if self.steps < 2 {
            return None;
        }
        let (dim, n) = (self.mean.dim(), (self.mean.rows() as u64 * (self.steps - 1)) as f64);
        let (shrink, floor) = (1.0 / (n + 5.0), 5e-3 / (n + 5.0));
        if self.dense {
            let mut covariance: Vec<f64> = self.m2.iter().map(|m| m * shrink).collect();
            covariance.iter_mut().step_by(dim + 1).for_each(|v| *v += floor);
            return Scale::from_covariance(&covariance, dim);
        }
        let sd: Vec<f64> = self.m2.iter().map(|m| (m * shrink + floor).sqrt()).collect();
        sd.iter().all(|s| s.is_finite()).then_some(Scale::Diagonal(sd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_is_within_chains() {
        // Two chains, steps (0, 2, 4) and (100, 101, 102): squares 8 + 2 over 2 * 2 degrees: s^2 = 2.5, n = 4.
        let mut m = Moments::new(MetricKind::Diagonal);
        for (a, b) in [(0.0, 100.0), (2.0, 101.0), (4.0, 102.0)] {
            m.add(Batch::new(&[a, b], 1));
        }
        let Some(Scale::Diagonal(sd)) = m.scale() else { panic!() };
        assert!((sd[0].powi(2) - (4.0 / 9.0 * 2.5 + 5.0 / 9.0 * 1e-3)).abs() < 1e-14, "{sd:?}");
    }

    #[test]
    fn dense_covariance_by_hand() {
        // One chain at (0,0), (2,1), (1,2): means (1,1), squares 2 and 2, product 0*... = (-1)(-1) + 1*0 + 0*1 = 1.
        let mut m = Moments::new(MetricKind::Dense);
        for x in [[0.0, 0.0], [2.0, 1.0], [1.0, 2.0]] {
            m.add(Batch::new(&x, 2));
        }
        assert!((m.m2[0] - 2.0).abs() < 1e-14 && (m.m2[1] - 1.0).abs() < 1e-14 && m.m2[1] == m.m2[2]);
        assert!(m.scale().is_some());
        assert!(Moments::new(MetricKind::Dense).scale().is_none());
    }
}
