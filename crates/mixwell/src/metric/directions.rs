//! Random unit vectors, uniform on the sphere, and the coordinates of points along them.

use crate::{Batch, Points, Stream};

/// `n x dim` unit vectors: normal vectors divided by their length.
pub(super) fn random_directions(n: usize, dim: usize, stream: &mut Stream) -> Points {
    let mut directions = Points::zeros(n, dim);
    stream.fill_normal(directions.data_mut());
    for direction in directions.as_batch_mut().iter_mut() {
        let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
        direction.iter_mut().for_each(|v| *v /= length);
    }
    directions
}

/// The inner product of every point with `direction`.
pub(super) fn project(points: Batch<'_>, direction: &[f64]) -> Vec<f64> {
    points.iter().map(|x| x.iter().zip(direction).map(|(a, b)| a * b).sum()).collect()
}
