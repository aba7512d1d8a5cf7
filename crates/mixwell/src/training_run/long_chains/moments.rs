//! Mean and variance of every coordinate of every chain, gathered step by step: what Gelman's and Rubin's R-hat needs.

use serde::{Deserialize, Serialize};

use crate::Batch;

/// Sums of Welford's algorithm, `chains x dim`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Moments {
    chains: usize,
    n: u64,
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Moments {
    pub fn new(chains: usize, dim: usize) -> Self {
        Self { chains, n: 0, mean: vec![0.0; chains * dim], square: vec![0.0; chains * dim] }
    }

    /// Adds the states of all chains after a step.
    pub fn add(&mut self, x: Batch<'_>) {
        self.n += 1;
        let n = self.n as f64;
        for ((mean, square), x) in self.mean.iter_mut().zip(&mut self.square).zip(x.data()) {
            let off = x - *mean;
            *mean += off / n;
            *square += off * (x - *mean);
        }
    }

    /// R-hat of every coordinate over whole chains, `sqrt((n - 1) / n + between / (n within))`; NaN for one chain, and where
    /// nothing moves.
    pub fn rhat(&self) -> Vec<f64> {
        let (m, n) = (self.chains, self.n as f64);
        let dim = self.mean.len() / m.max(1);
        (0..dim)
            .map(|k| {
                let of = |all: &[f64]| (0..m).map(|c| all[c * dim + k]).collect::<Vec<_>>();
                let (means, squares) = (of(&self.mean), of(&self.square));
                let within = squares.iter().sum::<f64>() / (m as f64 * (n - 1.0));
                let centre = means.iter().sum::<f64>() / m as f64;
                let between =
                    n * means.iter().map(|v| (v - centre) * (v - centre)).sum::<f64>() / (m as f64 - 1.0);
                let rhat = ((n - 1.0) / n + between / (n * within)).sqrt();
                if m > 1 && within > 0.0 { rhat } else { f64::NAN }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::{Draws, rhat_plain};
    use crate::{Points, Stream};

    #[test]
    fn rhat_is_that_of_the_draws_themselves() {
        let (chains, steps, dim) = (4, 60, 3);
        let mut moments = Moments::new(chains, dim);
        let mut all = vec![vec![0.0; chains * steps]; dim];
        let mut stream = Stream::new(1, 0);
        for t in 0..steps {
            let mut x = Points::zeros(chains, dim);
            stream.fill_normal(x.data_mut());
            for c in 0..chains {
                x.row_mut(c)[1] += c as f64;
                x.row_mut(c)[2] = 5.0;
                (0..dim).for_each(|k| all[k][c * steps + t] = x.row(c)[k]);
            }
            moments.add(x.as_batch());
        }
        let rhat = moments.rhat();
        for k in 0..2 {
            assert!((rhat[k] - rhat_plain(Draws::new(&all[k], chains))).abs() < 1e-12, "{rhat:?}");
        }
        assert!(rhat[0] < 1.1 && rhat[1] > 1.3 && rhat[2].is_nan(), "{rhat:?}");
        // The published example: chains 1 2 3 4 and 2 3 4 5.
        let mut moments = Moments::new(2, 1);
        (0..4).for_each(|t| moments.add(Batch::new(&[f64::from(t) + 1.0, f64::from(t) + 2.0], 1)));
        assert!((moments.rhat()[0] - 1.05f64.sqrt()).abs() < 1e-12);
    }
}
