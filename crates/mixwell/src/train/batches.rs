//! Minibatches of the data, pass after pass in a new order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rng::StreamState;
use crate::{Batch, ConfigError, Points, Stream};

/// The data that a model is trained on, `rows x dim`, checked.
///
/// A clone shares the points.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingData {
    points: Arc<Points>,
}

impl TrainingData {
    /// Takes points over.
    ///
    /// # Errors
    /// When there are fewer than two, one is not finite, or a coordinate does not vary: no density can be learned from that.
    pub fn new(points: Points) -> Result<Self, ConfigError> {
        let data = Self::samples(points)?;
        let points = &data.points;
        for k in 0..points.dim() {
            if points.as_batch().iter().all(|x| x[k] == points.row(0)[k]) {
                let value = format!("{} in every row of column {k}", points.row(0)[k]);
                let reason = "a column that does not vary has no density: leave it out";
                return Err(ConfigError::new("data", value, reason));
            }
        }
        Ok(data)
    }

    /// Takes points over that need not have a density: columns that do not vary, as at the edge of digits, are no hindrance.
    ///
    /// # Errors
    /// When there are fewer than two, or one is not finite.
    pub fn samples(points: Points) -> Result<Self, ConfigError> {
        let n = points.rows();
        if n < 2 {
            return Err(ConfigError::new("data", format!("{n} rows"), "at least 2 are needed"));
        }
        for (row, x) in points.as_batch().iter().enumerate() {
            if let Some(k) = x.iter().position(|v| !v.is_finite()) {
                let value = format!("{} in row {row}, column {k}", x[k]);
                return Err(ConfigError::new("data", value, "every number must be finite"));
            }
        }
        Ok(Self { points: Arc::new(points) })
    }

    /// The points.
    pub fn points(&self) -> Batch<'_> {
        self.points.as_batch()
    }

    /// Number of points.
    pub fn rows(&self) -> usize {
        self.points.rows()
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.points.dim()
    }

    /// Mean and standard deviation of every coordinate.
    pub fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        let (n, dim) = (self.rows() as f64, self.dim());
        let mut mean = vec![0.0; dim];
        for x in self.points().iter() {
            mean.iter_mut().zip(x).for_each(|(m, x)| *m += x / n);
        }
        let mut square = vec![0.0; dim];
        for x in self.points().iter() {
            square.iter_mut().zip(x).zip(&mean).for_each(|((s, x), m)| *s += (x - m) * (x - m) / n);
        }
        (mean, square.into_iter().map(f64::sqrt).collect())
    }
}

/// Where the passes stand.
#[derive(Clone, Debug)]
pub(crate) struct Batches {
    size: usize,
    noise: f64,
    order: Vec<u32>,
    next: usize,
    stream: Stream,
    points: Points,
}

/// [`Batches`] as they lie in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BatchesState {
    order: Vec<u32>,
    next: usize,
    stream: StreamState,
}

impl Batches {
    /// Batches of `size` of the data, with normal noise of this standard deviation added.
    pub fn new(data: &TrainingData, size: usize, noise: f64, stream: Stream) -> Result<Self, ConfigError> {
        if size == 0 || size > data.rows() {
            let reason = format!("it must lie between 1 and the {} rows of data", data.rows());
            return Err(ConfigError::new("batch", size, reason));
        }
        let order: Vec<u32> = (0..data.rows() as u32).collect();
        Ok(Self { size, noise, next: order.len(), order, stream, points: Points::zeros(size, data.dim()) })
    }

    /// The next batch: what is left of a pass that does not fill one is left out.
    pub fn next(&mut self, data: &TrainingData) {
        let is_whole = self.size == self.order.len();
        if self.next + self.size > self.order.len() {
            if !is_whole {
                self.stream.shuffle(&mut self.order);
            }
            self.next = 0;
        }
        let rows = &self.order[self.next..self.next + self.size];
        for (to, &from) in rows.iter().enumerate() {
            self.points.row_mut(to).copy_from_slice(data.points.row(from as usize));
        }
        self.next += self.size;
        if self.noise > 0.0 {
            for v in self.points.data_mut() {
                *v += self.noise * self.stream.normal();
            }
        }
    }

    /// The present batch.
    pub fn points(&self) -> Batch<'_> {
        self.points.as_batch()
    }

    /// The stream that orders and noise come from.
    pub fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    pub fn save(&self) -> BatchesState {
        BatchesState { order: self.order.clone(), next: self.next, stream: self.stream.state() }
    }

    pub fn load(&mut self, state: &BatchesState) {
        self.order.clone_from(&state.order);
        self.next = state.next;
        self.stream = Stream::restore(state.stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_comes_once_a_pass() {
        let data = TrainingData::new(Points::from_vec((0..10).map(f64::from).collect(), 1)).unwrap();
        let mut batches = Batches::new(&data, 5, 0.0, Stream::new(1, 0)).unwrap();
        let mut orders = vec![];
        for _ in 0..3 {
            let mut seen = vec![];
            for _ in 0..2 {
                batches.next(&data);
                seen.extend_from_slice(batches.points().data());
            }
            orders.push(seen.clone());
            seen.sort_by(f64::total_cmp);
            assert_eq!(seen, (0..10).map(f64::from).collect::<Vec<_>>());
        }
        assert_ne!(orders[0], orders[1]);
        let mut other = Batches::new(&data, 5, 0.0, Stream::new(9, 9)).unwrap();
        other.load(&batches.save());
        for _ in 0..5 {
            batches.next(&data);
            other.next(&data);
            assert_eq!(batches.points().data(), other.points().data());
        }
    }

    #[test]
    fn data_that_teach_no_density_are_refused() {
        let error =
            |values: Vec<f64>| TrainingData::new(Points::from_vec(values, 2)).unwrap_err().to_string();
        assert_eq!(error(vec![1.0, 2.0]), "`data` is 1 rows, but at least 2 are needed");
        assert_eq!(
            error(vec![1.0, 2.0, 3.0, f64::NAN]),
            "`data` is NaN in row 1, column 1, but every number must be finite"
        );
        assert!(error(vec![1.0, 2.0, 1.0, 3.0]).contains("every row of column 0"));
        let data = TrainingData::new(Points::from_vec(vec![1.0, 2.0, 3.0], 1)).unwrap();
        let error = Batches::new(&data, 4, 0.0, Stream::new(1, 0)).unwrap_err().to_string();
        assert_eq!(error, "`batch` is 4, but it must lie between 1 and the 3 rows of data");
    }
}
