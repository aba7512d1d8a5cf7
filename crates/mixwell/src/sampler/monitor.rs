//! A thinned record of recent draws, from which R-hat is computed during a run. Its memory is bounded.

use rayon::prelude::*;

use crate::diagnostics::{Draws, rhat};
use crate::footprint::numbers;

/// Draws kept per chain and scalar.
const CAPACITY: usize = 256;
/// Numbers kept in all; with more chains and scalars, only the first scalars are watched.
const MAX_NUMBERS: usize = 4_000_000;

/// How many scalars are watched.
fn watched(n_chains: usize, n_values: usize) -> usize {
    n_values.min(MAX_NUMBERS / CAPACITY.saturating_mul(n_chains)).max(1)
}

/// Keeps every n-th draw, doubling n whenever the record is full.
#[derive(Clone, Debug)]
pub struct Monitor {
    n_chains: usize,
    n_values: usize,
    watched: usize,
    stride: usize,
    seen: usize,
    /// Draw after draw, `chains x watched` each.
    rows: Vec<f64>,
}

impl Monitor {
    /// An empty record.
    pub fn new(n_chains: usize, n_values: usize) -> Self {
        Self {
            n_chains,
            n_values,
            watched: watched(n_chains, n_values),
            stride: 1,
            seen: 0,
            rows: Vec::new(),
        }
    }

    /// Bytes of a record that has seen `draws` draws, and draws of one scalar that an R-hat looks at.
    pub(super) fn bytes(n_chains: usize, n_values: usize, draws: usize) -> (u64, usize) {
        let kept = draws.min(CAPACITY);
        // While every second draw is dropped, half of the record is held twice.
        let record = numbers(&[kept, n_chains, watched(n_chains, n_values)]);
        (record.saturating_add(record / 2), n_chains.saturating_mul(kept / 2))
    }

    /// Starts again, e.g. when a new phase begins.
    pub fn clear(&mut self) {
        (self.stride, self.seen) = (1, 0);
        self.rows.clear();
    }

    /// Adds draws: `draws x chains x n_values`.
    pub fn observe(&mut self, values: &[f64]) {
        let row = self.n_chains * self.watched;
        for draw in values.chunks_exact(self.n_chains * self.n_values) {
            if self.seen.is_multiple_of(self.stride) {
                for chain in draw.chunks_exact(self.n_values) {
                    self.rows.extend_from_slice(&chain[..self.watched]);
                }
            }
            self.seen += 1;
            if self.rows.len() >= CAPACITY * row {
                let kept: Vec<f64> = self.rows.chunks_exact(row).step_by(2).flatten().copied().collect();
                self.rows = kept;
                self.stride *= 2;
            }
        }
    }

    /// Largest R-hat of the watched scalars over the second half of the record; `None` with fewer than 8 draws.
    pub fn max_rhat(&self) -> Option<f64> {
        let row = self.n_chains * self.watched;
        let n = self.rows.len() / row;
        let first = n / 2;
        if n - first < 8 {
            return None;
        }
        let rhats: Vec<f64> = (0..self.watched)
            .into_par_iter()
            .map(|value| {
                let mut column = Vec::with_capacity((n - first) * self.n_chains);
                for chain in 0..self.n_chains {
                    let place = chain * self.watched + value;
                    column.extend((first..n).map(|draw| self.rows[draw * row + place]));
                }
                rhat(Draws::new(&column, self.n_chains))
            })
            .collect();
        rhats.into_iter().filter(|r| !r.is_nan()).reduce(f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn the_record_is_bounded_and_sees_disagreement() {
        let mut monitor = Monitor::new(4, 2);
        let mut stream = Stream::new(1, 0);
        for _ in 0..5000 {
            // Value 0 agrees between chains, value 1 is shifted in one of them.
            let draw: Vec<f64> = (0..4)
                .flat_map(|c| [stream.normal(), stream.normal() + if c == 0 { 5.0 } else { 0.0 }])
                .collect();
            monitor.observe(&draw);
        }
        assert!(monitor.rows.len() <= CAPACITY * 8);
        assert!(monitor.max_rhat().unwrap() > 1.5);
        monitor.clear();
        assert_eq!(monitor.max_rhat(), None);
    }
}
