//! Replay buffer: past positions of the chains, from which a flow learns; its memory is bounded.
//!
//! [`History::Window`] keeps the newest positions, [`History::Reservoir`] a uniform sample of all positions so far
//! (Vitter's algorithm R). Training on the newest positions alone can lose a mode that no chain visits at the moment.

use serde::{Deserialize, Serialize};

use super::History;
use crate::footprint::numbers;
use crate::{Batch, Points, Stream};

/// Past positions, at most `capacity` of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    history: History,
    capacity: usize,
    dim: usize,
    rows: Vec<f64>,
    /// Where the next row of a full window goes.
    next: usize,
    seen: u64,
}

impl Replay {
    /// An empty buffer for `capacity` positions of `dim` coordinates.
    pub fn new(history: History, capacity: usize, dim: usize) -> Self {
        Self { history, capacity, dim, rows: Vec::new(), next: 0, seen: 0 }
    }

    /// Bytes of a buffer that was given `pushed` positions.
    pub(crate) fn bytes(capacity: usize, pushed: usize, dim: usize) -> u64 {
        numbers(&[capacity.min(pushed), dim])
    }

    /// Number of positions held.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// True before the first position.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds the positions of all chains after one step.
    pub fn push(&mut self, x: Batch<'_>, stream: &mut Stream) {
        for row in x.iter() {
            self.seen += 1;
            if self.len() < self.capacity {
                self.rows.extend_from_slice(row);
                continue;
            }
            let place = match self.history {
                History::Window => {
                    let place = self.next;
                    self.next = (self.next + 1) % self.capacity;
                    place
                }
                History::Reservoir => stream.index(self.seen as usize),
            };
            if place < self.capacity {
                self.rows[place * self.dim..(place + 1) * self.dim].copy_from_slice(row);
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.rows.clear();
        (self.next, self.seen) = (0, 0);
    }

    /// The positions held, in no particular order.
    ///
    /// # Panics
    /// When there is none.
    pub fn positions(&self) -> Batch<'_> {
        assert!(!self.is_empty(), "an empty replay buffer has no positions");
        Batch::new(&self.rows, self.dim)
    }

    /// Copies the positions in a random order.
    pub fn shuffled(&self, stream: &mut Stream) -> Points {
        let mut order: Vec<usize> = (0..self.len()).collect();
        stream.shuffle(&mut order);
        let mut points = Points::zeros(order.len(), self.dim);
        for (to, from) in order.into_iter().enumerate() {
            points.row_mut(to).copy_from_slice(&self.rows[from * self.dim..(from + 1) * self.dim]);
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(history: History, n: usize) -> Replay {
        let (mut replay, mut stream) = (Replay::new(history, 100, 1), Stream::new(1, 0));
        for i in 0..n {
            replay.push(Batch::new(&[i as f64, i as f64 + 0.5], 1), &mut stream);
        }
        replay
    }

    #[test]
    fn a_window_keeps_the_newest() {
        let replay = fill(History::Window, 120);
        let oldest = replay.positions().data().iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!((replay.len(), oldest), (100, 70.0));
    }

    #[test]
    fn a_reservoir_keeps_a_uniform_sample() {
        // 20 000 values uniform on [0, 10 000): the mean of 100 has a standard error of 289.
        let replay = fill(History::Reservoir, 10_000);
        let mean = replay.positions().data().iter().sum::<f64>() / 100.0;
        assert!((mean - 5000.0).abs() < 5.0 * 289.0, "{mean}");
    }

    #[test]
    fn shuffling_keeps_every_row() {
        let mut all = fill(History::Window, 50).shuffled(&mut Stream::new(2, 0)).into_vec();
        all.sort_by(f64::total_cmp);
        let expected: Vec<f64> = (0..100).map(|i| i as f64 / 2.0).collect();
        assert_eq!(all, expected);
    }
}
